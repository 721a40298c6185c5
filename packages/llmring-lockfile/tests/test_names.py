import pytest
from llmring_lockfile import did_you_mean, nearest

KNOWN = ["Summarizer", "summary", "translator", "sum"]


def test_the_nearest_names_come_first_whatever_their_case() -> None:
    assert nearest("sumarizer", KNOWN) == ["Summarizer", "summary"]
    assert nearest("SUMMARIZER", KNOWN, most=1) == ["Summarizer"]
    assert nearest("sumarizer", KNOWN, likeness=0.9) == ["Summarizer"]
    assert nearest("xyz", KNOWN) == []


@pytest.mark.parametrize(
    ("near", "otherwise", "end"),
    [
        (["a", "b"], "known are c", "; did you mean a or b?"),
        (["a"], "", "; did you mean a?"),
        ([], "known are c", "; known are c"),
        ([], "", ""),
    ],
)
def test_a_message_ends_with_a_question_or_with_what_to_do(near: list[str], otherwise: str, end: str) -> None:
    assert did_you_mean(near, otherwise) == end
