"""The lockfile classes of llmring 1.4: changed in place, saved into a file whose comments stay."""

from pathlib import Path

import pytest
from llmring import LLMRing
from llmring.lockfile import AliasBinding, ExtendsConfig, Lockfile, ProfileConfig

WRITTEN = """\
# ours
version = "1.0"
default_profile = "prod"

[metadata]
team = "search"

[profiles.prod]
name = "prod"

[[profiles.prod.bindings]]
alias = "summarizer"  # cheap
models = ["openai:gpt-4o"]

[[profiles.prod.bindings]]
alias = "old"
models = ["sim:demo"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def two_profiles() -> Lockfile:
    bindings = [AliasBinding(alias="summarizer", models=["openai:gpt-4o", "sim:demo"])]
    return Lockfile(
        profiles={
            "default": ProfileConfig(name="default", bindings=bindings),
            "dev": ProfileConfig(name="dev", bindings=[AliasBinding("mini", ["sim:demo"])]),
        }
    )


def test_what_is_saved_is_loaded_again() -> None:
    lockfile = Lockfile.create_default()
    assert list(lockfile.profiles) == ["default", "prod", "staging", "dev"]
    lockfile.set_binding("fast", "openai:gpt-4o-mini, sim:demo", constraints={"min_context": 1000})
    lockfile.set_binding("fast", ["sim:demo"], profile="dev")
    lockfile.extends = ExtendsConfig(packages=["llmring"])
    lockfile.save()
    found = Lockfile.load()
    assert found.resolve_alias("fast") == ["openai:gpt-4o-mini", "sim:demo"]
    assert found.resolve_alias("fast", "dev") == ["sim:demo"]
    assert found.calculate_digest() == lockfile.calculate_digest()
    assert found.file_path == Path("llmring.lock")
    assert LLMRing().lockfile.extends == ("llmring",)
    Path("x.json").unlink(missing_ok=True)
    found.save("x.json")
    assert Lockfile.load("x.json").list_aliases() == ["fast"]


def test_saving_changes_only_what_differs() -> None:
    Path("own.lock").write_text(WRITTEN)
    lockfile = Lockfile.load("own.lock")
    lockfile.save()
    assert Path("own.lock").read_text() == WRITTEN
    assert lockfile.get_profile().remove_binding("old")
    assert not lockfile.get_profile().remove_binding("old")
    lockfile.set_binding("new", "sim:demo")
    lockfile.get_profile("dev").set_binding("mini", "sim:demo")
    lockfile.get_profile("empty")
    lockfile.extends.packages.append("llmring")
    lockfile.get_profile("prod").registry_versions["openai"] = 3
    lockfile.default_profile = "dev"
    lockfile.save()
    text = Path("own.lock").read_text()
    assert text.startswith("# ours\n")
    assert 'alias = "summarizer"  # cheap\n' in text
    assert '"old"' not in text
    found = Lockfile.load("own.lock")
    assert (found.default_profile, found.list_aliases("prod"), found.list_aliases()) == (
        "dev",
        ["summarizer", "new"],
        ["mini"],
    )
    assert found.profiles["prod"].registry_versions == {"openai": 3}
    assert found.profiles["empty"].bindings == []
    assert found.extends.packages == ["llmring"]
    del found.profiles["dev"].bindings[:]
    found.save("own.lock")
    assert Lockfile.load("own.lock").list_aliases("dev") == []


def test_nothing_is_written_of_what_is_not_valid() -> None:
    lockfile = two_profiles()
    lockfile.profiles["dev"].bindings.append(AliasBinding("broken", ["no colon"]))
    with pytest.raises(ValueError, match="no colon"):
        lockfile.save()
    assert not Path("llmring.lock").exists()
    with pytest.raises(ValueError, match="provider:model"):
        lockfile.set_binding("x", "gpt-4o")


def test_a_file_that_is_missing_is_the_default_content() -> None:
    assert Lockfile.load("nowhere.lock") == Lockfile.create_default()


def test_a_binding_names_the_first_of_its_pool() -> None:
    binding = AliasBinding.from_model_refs("x", "openai:gpt-4o, anthropic:claude-sonnet-4-5")
    assert (binding.model_ref, binding.provider, binding.model) == ("openai:gpt-4o", "openai", "gpt-4o")
    assert binding.models[1] == "anthropic:claude-sonnet-4-5"


HAS = [
    ("summarizer", None, True),
    ("summarizer", "dev", False),
    ("mini", "dev", True),
    ("mini", None, False),
    ("mini", "nowhere", False),
    ("llmring:advisor", None, True),
    ("llmring:nothing", None, False),
]


@pytest.mark.parametrize(("alias", "profile", "expected"), HAS)
def test_has_alias(alias: str, profile: str | None, expected: bool) -> None:
    lockfile = two_profiles()
    lockfile.extends.packages.append("llmring")
    assert lockfile.has_alias(alias, profile) is expected
    assert "nowhere" not in lockfile.profiles


def test_require_aliases_names_all_that_are_missing_and_who_needs_them() -> None:
    lockfile = two_profiles()
    lockfile.file_path = Path("/path/to/test.lock")
    lockfile.require_aliases([])
    lockfile.require_aliases(["summarizer"])
    lockfile.require_aliases(["mini"], profile="dev")
    with pytest.raises(ValueError, match=r"my-library needs .*/path/to/test\.lock: one, two"):
        lockfile.require_aliases(["one", "summarizer", "two"], context="my-library")


def test_the_bundled_lockfile_and_the_project_are_found() -> None:
    assert Lockfile.get_package_lockfile_path().name == "llmring.lock"
    assert Lockfile.load_package_lockfile().has_alias("advisor")
    Path("pyproject.toml").write_text('[project]\nname = "x"\n')
    Path("src/x").mkdir(parents=True)
    Path("src/x/__init__.py").touch()
    assert Lockfile.find_project_root(Path.cwd() / "src") == Path.cwd()
    assert Lockfile.find_package_directory() == Path.cwd() / "src" / "x"
