"""TOML says the same in many ways; an edit must find its place in each of them."""

from collections.abc import Callable

import pytest
from llmring_lockfile import Constraints, Document, LockedModel, emit
from llmring_lockfile._toml import split_lines

SHAPES = {
    "empty": "",
    "only a comment": "# soon",
    "all inline": 'profiles = { default = { bindings = [{ alias = "a", models = ["openai:x"] }], registry_versions = { openai = 1 } } }',
    "dotted keys at the top": 'extends.packages = ["p"]\nprofiles.default.name = "default"\nprofiles.default.registry_versions.openai = 1\n',
    "dotted keys in a table": '[profiles]\ndefault.registry_versions.openai = 1\ndev.name = "dev"\n',
    "dotted constraints": '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\nconstraints.needs = ["vision"] # see\n',
    "constraints in a table": '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n[profiles.default.bindings.constraints]\nneeds = ["vision"]\n',
    "no profile header": "[profiles.default.registry_versions]\nopenai = 1\n",
    "only inner tables": "# more\n[extends.more]\nx = 1\n[profiles.default.more.still]\nx = 1\n",
    "arrays only": '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n[[profiles.dev.bindings]]\nalias = "b"\nmodels = ["openai:x"]\n',
    "super table last": '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n[profiles.default]\nname = "default"\n[profiles]\n',
    "empty tables": "[extends]\n[profiles.default]\nregistry_versions = {}\nbindings = []\n[locked]\n",
    "quoted keys": '["profiles"."default"]\n"name" = "default"\n[["profiles".default.\'bindings\']]\n"alias" = "a"\n\'models\' = ["openai:x"]\n',
    "keys with escapes": '[profiles."def\\u0061ult"]\n"n\\u0061me" = "default"\n[[profiles.default.bindings]]\n"ali\\u0061s" = "a"\n"mo\\u0064els" = ["openai:x"]\n',
    "indented and spaced": '[ profiles . default ]\n  [[ profiles . default . bindings ]]\n    alias="a"\n    models=[ \'openai:x\' , ]# c\n',
    "profiles between other tables": '[profiles.default]\n[locked."openai:x"]\nsnapshot = "x"\n[profiles.dev]\n[metadata]\n[profiles.default.registry_versions]\nopenai = 1\n',
    "locked inline": '[locked]\n"openai:x" = { snapshot = "x", prices = { input = 1 } }\n[profiles.default]\n',
    "prices in a table": '[profiles.default]\n[locked."openai:x"]\nsnapshot = "x"\n[locked."openai:x".prices]\ninput = 1\n',
    "many lines in an array of inline tables": '[profiles.default]\nbindings = [\n  { alias = "a", models = ["openai:x"] }, # first\n  { alias = "b", models = ["openai:x"] },\n]\n',
    "no line end at the end": '[profiles.default]\n[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]',
    "a string over lines": 'note = """\n[profiles.default]\n# no comment\n"""\n[profiles.default]\n',
}  # fmt: skip


def bind_twice(document: Document) -> None:
    document.bind("n", "openai:y")
    document.bind("m", "openai:z, openai:y")


def choose_a_default(document: Document) -> None:
    document.create_profile("z")
    document.set_default_profile("z")


EDITS: dict[str, Callable[[Document], None]] = {
    "bind a new alias": lambda doc: doc.bind("new", "openai:y"),
    "bind twice": bind_twice,
    "change a pool": lambda doc: doc.bind("a", "openai:y, openai:x"),
    "constrain": lambda doc: doc.bind("a", "openai:x", constraints=Constraints(min_context=5)),
    "free": lambda doc: doc.bind("a", "openai:x", constraints=Constraints()),
    "constrain more": lambda doc: doc.bind(
        "a", "openai:x", constraints=Constraints(needs=("vision", "tools"), timeout_s=1.5)
    ),
    "unbind": lambda doc: doc.unbind("a"),
    "bind in another profile": lambda doc: doc.bind("new", "openai:y", profile="dev"),
    "create a profile": lambda doc: doc.create_profile("x.y"),
    "pin": lambda doc: doc.set_registry_versions({"openai": 2, "google": 3}),
    "extend": lambda doc: doc.set_extends(["q", "p"]),
    "extend nothing": lambda doc: doc.set_extends([]),
    "choose a default": choose_a_default,
    "lock": lambda doc: doc.set_locked(
        {"openai:x": LockedModel(snapshot="y", context_window=7), "a:b": LockedModel(listed=False)}
    ),
    "unlock": lambda doc: doc.set_locked({}),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_edit_works_on_every_shape_as_on_the_plain_one(shape: str, edit: str) -> None:
    odd, plain = Document(SHAPES[shape]), Document(emit(Document(SHAPES[shape]).lockfile))
    EDITS[edit](odd)
    EDITS[edit](plain)
    assert odd.lockfile == plain.lockfile
    again = Document(odd.text)
    assert again.lockfile == odd.lockfile
    EDITS[edit](again)
    assert not again.changed


@pytest.mark.parametrize("edit", [name for name in EDITS if name.startswith(("bind", "create", "choose"))])
@pytest.mark.parametrize(
    "shape", [name for name in SHAPES if name not in ("all inline", "no line end at the end")]
)
def test_what_only_adds_leaves_every_line(shape: str, edit: str) -> None:
    document = Document(SHAPES[shape])
    EDITS[edit](document)
    after = iter(split_lines(document.text + "\n"))
    for line in split_lines(SHAPES[shape]):
        if line.startswith(("bindings", "registry_versions = {}")) or "{ alias" in line:
            continue  # these say what the edit changes
        assert line.rstrip("\n") + "\n" in after
