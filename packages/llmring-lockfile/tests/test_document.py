import json
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from llmring_lockfile import Constraints, Document, LockedModel, parse
from llmring_lockfile._rewrite import rewrite
from llmring_types import ModelRef
from llmring_types.exceptions import (
    LockfileParseError,
    LockfileWriteError,
    ModelReferenceError,
    ProfileNotFoundError,
    ValidationError,
)

TEXT = """\
# What this team uses.
version = "1.0" # of the format
updated_at = "2025-01-01T00:00:00+00:00"
default_profile = 'default'
made_by = "hand"

[profiles.default]
name = "default"   # oddly   spaced

# Cheap and quick.
[[profiles.default.bindings]]
alias = "fast"
models = [
    "openai:gpt-4o-mini",   # first
    "google:gemini-2.5-flash", # then
]

# For hard questions.
[[profiles.default.bindings]]
  alias = "deep"
  models = ["anthropic:claude-opus-5"] # dear
  [profiles.default.bindings.constraints]
  needs = ["tools"]
  region = "eu" # ours

# Nothing here yet.
[profiles.prod]
name = "prod"
bindings = []

[profiles.inline]
bindings = [{ alias = "x", models = ["openai:x"] }, { alias = "y", models = ["openai:y"] }]
"""
STAMP = "2026-11-22T00:00:00+00:00"


def edited(text: str = TEXT, path: str | None = None) -> Document:
    return Document(text, path, now=lambda: datetime.fromisoformat(STAMP))


def changes(document: Document) -> list[str]:
    """The lines that an edit took and gave, without the one of ``updated_at``."""
    lines = [line for line in document.diff().splitlines()[2:] if line.startswith(("-", "+"))]
    stamp = [line for line in lines if "updated_at" in line]
    assert len(stamp) == 2
    return [line for line in lines if line not in stamp]


def test_a_new_alias_goes_to_the_end_of_its_profile_and_before_the_next_ones_comment() -> None:
    document = edited()
    document.bind("new", "openai:gpt-4o, ollama:llama3:8b")
    assert changes(document) == [
        "+[[profiles.default.bindings]]",
        '+alias = "new"',
        '+models = ["openai:gpt-4o", "ollama:llama3:8b"]',
        "+",
    ]
    assert 'llama3:8b"]\n\n# Nothing here yet.\n[profiles.prod]' in document.text


def test_a_comment_right_below_a_binding_stays_below_it() -> None:
    below = "models = ['openai:x']\n# was openai:w\n"
    text = f"[[profiles.default.bindings]]\nalias = 'a'\n{below}\n# For work.\n[profiles.dev]\n{{end}}"
    for end in ("", "# the end"):
        document = edited(text.replace("{end}", end))
        document.bind("new", "openai:y")
        document.bind("new", "openai:z", profile="dev")
        assert f"{below}\n[[profiles.default.bindings]]" in document.text
        assert f"# For work.\n[profiles.dev]\n{end}" in document.text
        assert document.text.endswith('z"]\n')


def test_a_changed_pool_keeps_the_comments_of_the_members_that_stay() -> None:
    document = edited()
    document.bind("fast", ["openai:gpt-4o-mini", "openai:gpt-4o", "google:gemini-2.5-flash"])
    document.bind("deep", ["openai:o3"])
    assert changes(document) == [
        '+    "openai:gpt-4o",',
        '-  models = ["anthropic:claude-opus-5"] # dear',
        '+  models = ["openai:o3"] # dear',
    ]


def test_an_unbound_alias_takes_its_own_comment_along_and_no_other() -> None:
    document = edited()
    document.unbind("fast")
    assert sorted(changes(document)) == sorted(
        [
            "-# Cheap and quick.",
            "-[[profiles.default.bindings]]",
            '-alias = "fast"',
            "-models = [",
            '-    "openai:gpt-4o-mini",   # first',
            '-    "google:gemini-2.5-flash", # then',
            "-]",
            "-",
        ]
    )


def test_an_alias_goes_with_its_constraints() -> None:
    document = edited()
    document.unbind("deep")
    assert changes(document)[0] == "-# For hard questions."
    assert "region" not in document.text
    assert "# Nothing here yet.\n[profiles.prod]" in document.text


def test_the_first_binding_of_an_empty_profile_replaces_the_empty_list() -> None:
    document = edited()
    document.bind("fast", "openai:gpt-4o", profile="prod")
    assert changes(document) == [
        "-bindings = []",
        "+",
        "+[[profiles.prod.bindings]]",
        '+alias = "fast"',
        '+models = ["openai:gpt-4o"]',
    ]


def test_bindings_on_one_line_stay_on_one_line() -> None:
    document = edited()
    document.bind("x", "openai:z", profile="inline")
    document.unbind("y", profile="inline")
    document.bind("w", "openai:w", profile="inline")
    assert document.lockfile.profile("inline").aliases == ("x", "w")
    assert [line[0] for line in changes(document)] == ["-", "+"]


def test_a_profile_that_does_not_exist_is_made_by_binding_in_it() -> None:
    document = edited()
    document.bind("fast", "openai:gpt-4o", profile="new one")
    assert document.text.endswith(
        '\n[profiles."new one"]\nname = "new one"\n\n'
        '[[profiles."new one".bindings]]\nalias = "fast"\nmodels = ["openai:gpt-4o"]\n'
    )


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        (None, []),
        (
            Constraints(needs=("tools", "vision"), min_context=9),
            ['-  needs = ["tools"]', '+  needs = ["tools", "vision"]', "+min_context = 9"],
        ),
        (Constraints(), ['-  needs = ["tools"]']),
    ],
)
def test_constraints_change_only_when_given_and_keep_keys_that_are_not_ours(
    constraints: Constraints | None, expected: list[str]
) -> None:
    document = edited()
    document.bind("deep", "anthropic:claude-opus-5", constraints=constraints)
    assert (changes(document) if document.changed else []) == expected
    assert 'region = "eu" # ours' in document.text


def test_constraints_of_a_new_binding_are_written_beside_it() -> None:
    document = edited("")
    document.bind("a", "openai:x", constraints=Constraints(needs=("vision",), timeout_s=2.5))
    assert document.text.splitlines()[-1] == 'constraints = { needs = ["vision"], timeout_s = 2.5 }'.replace(
        "{ ", "{"
    ).replace(" }", "}")


def test_a_long_pool_is_written_one_member_a_line() -> None:
    document = edited("")
    document.bind("a", [f"openai:a-model-with-a-long-name-{place}" for place in range(4)])
    assert 'models = [\n    "openai:a-model-with-a-long-name-0",\n' in document.text


def test_a_pool_may_be_one_reference_and_each_member_counts_once() -> None:
    document = edited("")
    document.bind("a", ModelRef("openai", "x"))
    document.bind("b", [ModelRef("openai", "x"), "OPENAI:x", "openai:y"])
    assert document.text.count('"openai:x"') == 2
    assert [len(binding.models) for binding in document.lockfile.profile().bindings] == [1, 2]


@pytest.mark.parametrize("name", ["", " x"])
def test_a_profile_needs_a_name(name: str) -> None:
    with pytest.raises(ValidationError, match="not the name of a profile"):
        edited().create_profile(name)


def test_what_is_equal_to_nothing_is_kept() -> None:
    document = edited("[metadata]\nodd = nan # why\nlist = [{ odd = -nan }, inf]\n")
    document.bind("a", "openai:x")
    assert document.text.startswith("[metadata]\nodd = nan # why\nlist = [{ odd = -nan }, inf]\n")


def test_text_that_would_not_say_what_is_meant_is_never_given() -> None:
    with pytest.raises(LockfileWriteError, match="cannot change b"):
        rewrite("a = 1\nunknown = 2\n", {"a": 1}, {"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("[[a]]\nx = 1\n\n[b]\ny = 1\n", [], "a = []\n\n[b]\ny = 1\n"),
        ("[a]\nx = 1\n\n[b]\ny = 1\n", 3, "a = 3\n\n[b]\ny = 1\n"),
        ("[[a]]\nx = 1\n[a.z]\n[[a]]\n\n[b]\ny = 1\n", 3, "a = 3\n\n[b]\ny = 1\n"),
    ],
)
def test_tables_become_a_value_above_the_first_that_stays(text: str, value: object, expected: str) -> None:
    before = tomllib.loads(text)
    assert rewrite(text, before, {**before, "a": value}) == expected


def test_the_comment_in_an_empty_list_moves_above_what_fills_it() -> None:
    document = edited(
        "[profiles.default]\nbindings = [ # soon: \"fast\"\n  # ask Kim\n] # none\nname = 'default'\n"
    )
    document.bind("a", "openai:x")
    assert document.text == (
        "[profiles.default]\nname = 'default'\n\n"
        '# soon: "fast"\n# ask Kim\n# none\n[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'
    )


def test_many_edits_in_one_document_come_to_the_same_as_one_after_the_other() -> None:
    at_once = edited()
    text = TEXT
    edits: list[Callable[[Document], None]] = [
        lambda doc: doc.unbind("fast"),
        lambda doc: doc.bind("new", "openai:gpt-4o"),
        lambda doc: doc.bind("deep", "openai:o3, anthropic:claude-opus-5"),
        lambda doc: doc.bind("fast", "openai:gpt-4o"),
        lambda doc: doc.unbind("new"),
    ]
    for edit in edits:
        edit(at_once)
        step = edited(text)
        edit(step)
        text = step.text
        assert step.lockfile == at_once.lockfile
    assert parse(at_once.text) == parse(text)
    for comment in ("# For hard questions.", "# dear", "# ours", "# Nothing here yet."):
        assert comment in at_once.text


@pytest.mark.parametrize("text", ['{"profiles": null}', '{"profiles": {"default": null}, "extends": null}'])
def test_null_in_json_is_what_is_absent(text: str) -> None:
    document = edited(text, "x.json")
    document.unbind("a")
    document.bind("a", "openai:x")
    document.set_extends(["tools"])
    assert parse(document.text, "x.json").profile().aliases == ("a",)


@pytest.mark.parametrize(
    "edit",
    [lambda doc: doc.set_extends(["../x"]), lambda doc: doc.set_registry_versions({"openai": "new"})],
)
def test_what_could_not_be_read_again_is_refused(edit: Callable[[Document], None]) -> None:
    document = edited()
    with pytest.raises(LockfileParseError):
        edit(document)
    assert not document.changed


def test_the_default_profile_is_one_word_on_one_line() -> None:
    document = edited()
    document.set_default_profile("prod")
    assert changes(document) == ["-default_profile = 'default'", '+default_profile = "prod"']


def test_a_default_profile_must_exist() -> None:
    document = edited()
    with pytest.raises(ProfileNotFoundError, match="Its profiles: default, prod, inline"):
        document.set_default_profile("absent")
    assert not document.changed


def test_registry_versions_are_added_and_changed_one_by_one() -> None:
    document = edited()
    document.set_registry_versions({"openai": 7, "google": 5})
    document.set_registry_versions({"openai": 8})
    assert changes(document) == [
        "+[profiles.default.registry_versions]",
        "+openai = 8",
        "+google = 5",
        "+",
    ]


def test_extended_packages_are_replaced_and_unchanged_ones_left() -> None:
    document = edited()
    document.set_extends(["my-tools", "my-tools"])
    assert changes(document) == ["+", "+[extends]", '+packages = ["my-tools"]']
    before = document.text
    document.set_extends(["my-tools"])
    assert document.text == before


def test_locked_models_are_sorted_and_one_fact_is_one_line() -> None:
    document = edited()
    document.set_locked(
        {
            "openai:b": LockedModel(snapshot="b", capabilities=("tools",), context_window=10),
            "openai:a": LockedModel(listed=False),
        }
    )
    document.set_locked(
        {
            **document.lockfile.locked,
            "openai:b": LockedModel(snapshot="b", capabilities=("tools",), context_window=20),
            "openai:aa": LockedModel(snapshot="aa"),
        }
    )
    assert document.text.endswith(
        '\n[locked."openai:a"]\nlisted = false\n'
        '\n[locked."openai:aa"]\nsnapshot = "aa"\n'
        '\n[locked."openai:b"]\nsnapshot = "b"\ncontext_window = 20\ncapabilities = ["tools"]\n'
    )
    document.set_locked({})
    assert "locked" not in document.text


@pytest.mark.parametrize("path", ["llmring.lock", "llmring.json"])
def test_an_edit_that_changes_nothing_leaves_every_byte(path: str) -> None:
    text = TEXT if path == "llmring.lock" else json.dumps({"updated_at": "x", "profiles": {"default": {}}})
    text = text if path == "llmring.lock" else edited(text, path).text
    document = edited(text, path)
    document.bind("fast", "openai:gpt-4o-mini, google:gemini-2.5-flash")
    before = document.text
    again = edited(before, path)
    again.bind("fast", "OpenAI:gpt-4o-mini, google:gemini-2.5-flash")
    again.unbind("absent")
    again.unbind("absent", profile="absent")
    again.create_profile("default")
    again.set_default_profile("default")
    again.set_registry_versions({})
    again.set_extends([])
    again.set_locked({})
    assert (again.text, again.changed, again.diff()) == (before, False, "")


def test_a_timestamp_is_of_the_kind_that_the_file_has_and_none_is_added() -> None:
    document = edited("updated_at = 2020-01-01T00:00:00Z\n")
    document.bind("a", "openai:x")
    assert document.text.startswith("updated_at = 2026-11-22T00:00:00Z\n")
    document = edited("")
    document.bind("a", "openai:x")
    assert "updated_at" not in document.text


@pytest.mark.parametrize(
    ("alias", "models", "error"),
    [
        ("a", "gpt-4o", ModelReferenceError),
        ("a", "", ModelReferenceError),
        ("a", [], ModelReferenceError),
        ("", "openai:x", ValidationError),
        (" a", "openai:x", ValidationError),
    ],
)
def test_a_wrong_edit_raises_and_changes_nothing(
    alias: str, models: str | list[str], error: type[Exception]
) -> None:
    document = edited()
    with pytest.raises(error):
        document.bind(alias, models)
    assert not document.changed


def test_a_text_that_is_no_lockfile_cannot_be_edited() -> None:
    with pytest.raises(LockfileParseError):
        Document("version = 3")


def test_line_ends_and_a_byte_order_mark_stay_as_they_are() -> None:
    document = edited("\ufeff" + TEXT.replace("\n", "\r\n"))
    document.bind("new", "openai:x")
    document.bind("fast", "openai:y")
    document.unbind("deep")
    assert document.text.startswith("\ufeff# What")
    assert document.text.count("\n") == document.text.count("\r\n")
    assert parse(document.text) == document.lockfile


def test_json_keeps_its_order_indentation_unknown_keys_and_last_line_end() -> None:
    text = json.dumps({"zeta": 1, "updated_at": "x", "profiles": {"default": {"own": "é"}}}, indent=4)
    document = edited(text, "llmring.lock.json")
    document.bind("a", "openai:x")
    document.set_locked({"openai:x": LockedModel(retires_on=datetime(2027, 1, 2, tzinfo=UTC).date())})
    assert document.text == json.dumps(
        {
            "zeta": 1,
            "updated_at": STAMP,
            "profiles": {"default": {"own": "é", "bindings": [{"alias": "a", "models": ["openai:x"]}]}},
            "locked": {"openai:x": {"retires_on": "2027-01-02"}},
        },
        indent=4,
    )


OLD = """\
# Ours.
[[profiles.dev.bindings]]
alias = "fast"
provider = "openai" # for now
model = "gpt-4o" # cheap
constraints = {timeout_s = 5.0} # seconds

[[profiles.dev.bindings]]
alias = "deep"
models = ["openai:gpt-5"] # dear
"""


def test_bindings_from_before_1_0_are_migrated_with_their_comments() -> None:
    document = Document(OLD)
    before = document.lockfile
    document.migrate()
    assert document.lockfile.profiles == before.profiles
    assert not document.lockfile.has_old_bindings
    assert sorted(re.findall("#.*", document.text)) == sorted(re.findall("#.*", OLD))
    assert 'models = ["openai:gpt-4o"]' in document.text
    assert OLD.partition('[[profiles.dev.bindings]]\nalias = "deep"')[2] in document.text
    again = Document(document.text)
    again.migrate()
    assert not again.changed


def test_a_binding_from_before_1_0_can_be_edited() -> None:
    document = Document(OLD)
    document.bind("fast", "openai:gpt-4o", profile="dev")
    assert not document.changed
    document.bind("fast", "openai:gpt-5-mini", profile="dev")
    assert 'models = ["openai:gpt-5-mini"]' in document.text
    document.unbind("fast", profile="dev")
    assert document.lockfile.profile("dev").aliases == ("deep",)


def test_binding_in_a_new_profile_makes_no_default_one_beside_those_there_are() -> None:
    document = Document("[profiles.dev]\n")
    document.bind("fast", "openai:x", profile="prod")
    assert list(document.lockfile.profiles) == ["dev", "prod"]
