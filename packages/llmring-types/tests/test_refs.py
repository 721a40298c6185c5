import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_types import ModelRef
from llmring_types.exceptions import ModelReferenceError

GOOD = [
    ("openai:gpt-4o", ("openai", "gpt-4o")),
    ("ollama:llama3:8b", ("ollama", "llama3:8b")),
    ("OpenAI:GPT-4o", ("openai", "GPT-4o")),
    (" google : gemini-2.5-pro ", ("google", "gemini-2.5-pro")),
]


@pytest.mark.parametrize(("text", "halves"), GOOD)
def test_the_first_colon_separates_provider_and_model(text: str, halves: tuple[str, str]) -> None:
    ref = ModelRef.parse(text)
    assert (ref.provider, ref.model) == halves


@pytest.mark.parametrize("text", ["", "gpt-4o", ":gpt-4o", "openai:", "openai: ", "open ai:gpt-4o", "-x:y"])
def test_anything_else_is_told_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ModelReferenceError, match="Invalid model format") as caught:
        ModelRef.parse(text)
    assert isinstance(caught.value, ValueError)
    assert caught.value.reference == text


@given(
    st.from_regex(r"[a-z0-9][a-z0-9_.-]*", fullmatch=True),
    st.text(min_size=1).filter(lambda t: t.strip() == t),
)
def test_what_is_printed_can_be_parsed(provider: str, model: str) -> None:
    ref = ModelRef(provider, model)
    assert ModelRef.parse(str(ref)) == ref
