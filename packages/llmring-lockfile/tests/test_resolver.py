from pathlib import Path

import pytest
from llmring_lockfile import Lockfile, Resolver, bind, parse
from llmring_types.exceptions import AliasNotFoundError, LockfileNotFoundError, LockfileParseError

TEXT = """
[[profiles.default.bindings]]
alias = "a"
models = ["openai:one"]

[[profiles.dev.bindings]]
alias = "a"
models = ["openai:dev"]
"""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "llmring.lock"
    path.write_text(TEXT)
    return path


def first(resolver: Resolver, name: str = "a", profile: str | None = None) -> str:
    return str(resolver.resolve(name, profile).models[0])


def test_an_answer_is_given_again_until_its_time_is_over(clock: Clock) -> None:
    resolver = Resolver(parse(TEXT), ttl=10.0, clock=clock, environ={})
    answer = resolver.resolve("a")
    clock.now = 9.9
    assert resolver.resolve("a") is answer
    clock.now = 10.0
    assert resolver.resolve("a") is not answer


def test_the_least_recently_used_answer_goes_first() -> None:
    resolver = Resolver(parse(TEXT), size=2, environ={})
    one, two = resolver.resolve("openai:1"), resolver.resolve("openai:2")
    assert resolver.resolve("openai:1") is one
    resolver.resolve("openai:3")
    assert resolver.resolve("openai:1") is one
    assert resolver.resolve("openai:2") is not two


def test_no_answer_is_kept_where_none_may_be() -> None:
    resolver = Resolver(parse(TEXT), size=0, environ={})
    assert resolver.resolve("a") is not resolver.resolve("a")


def test_profiles_are_kept_apart_and_the_environment_is_read_each_time() -> None:
    environ: dict[str, str] = {}
    resolver = Resolver(parse(TEXT), environ=environ)
    assert (first(resolver), first(resolver, profile="dev")) == ("openai:one", "openai:dev")
    environ["LLMRING_PROFILE"] = "dev"
    assert (first(resolver), first(resolver, profile="default")) == ("openai:dev", "openai:one")
    assert resolver.explain("a").steps[0].answer == "dev, from the environment"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_PROFILE", "dev")
    assert first(Resolver(parse(TEXT))) == "openai:dev"


def test_other_providers_make_other_answers() -> None:
    resolver = Resolver(parse(TEXT), environ={})
    with pytest.raises(AliasNotFoundError):
        resolver.resolve("acme:model")
    resolver.providers = frozenset({"Acme"})
    assert first(resolver, "acme:model") == "acme:model"
    assert resolver.providers == {"acme"}


def test_a_changed_file_counts_once_it_was_looked_at(path: Path, clock: Clock) -> None:
    resolver = Resolver(path, clock=clock, check_every=1.0, environ={})
    assert first(resolver) == "openai:one"
    bind(path, "a", "openai:two", environ={})
    clock.now = 0.9
    assert first(resolver) == "openai:one"
    clock.now = 1.0
    assert first(resolver) == "openai:two"


def test_after_invalidate_the_file_is_read_at_once(path: Path, clock: Clock) -> None:
    resolver = Resolver(path, clock=clock, environ={})
    assert first(resolver) == "openai:one"
    bind(path, "a", "openai:two", environ={})
    resolver.invalidate()
    assert first(resolver) == "openai:two"


def test_explain_and_lockfile_look_at_the_file_at_once(path: Path, clock: Clock) -> None:
    resolver = Resolver(path, clock=clock, environ={})
    path.write_text(TEXT.replace("one", "three"))
    assert "openai:three" in str(resolver.explain("a"))
    path.write_text(TEXT.replace("one", "fourth"))
    assert resolver.lockfile == parse(path.read_text(), path)


def test_an_unchanged_file_is_not_read_again(path: Path, clock: Clock) -> None:
    resolver = Resolver(path, clock=clock, environ={})
    answer = resolver.resolve("a")
    clock.now = 100.0
    assert resolver.resolve("a") is answer


def test_a_file_that_broke_raises_until_it_is_mended(path: Path, clock: Clock) -> None:
    resolver = Resolver(path, clock=clock, environ={})
    path.write_text("broken = ")
    clock.now = 1.0
    for _ in range(2):
        with pytest.raises(LockfileParseError, match=r"llmring\.lock:1"):
            resolver.resolve("a")
    path.unlink()
    with pytest.raises(LockfileNotFoundError):
        resolver.resolve("a")
    path.write_text(TEXT)
    assert first(resolver) == "openai:one"


def test_a_server_keeps_the_last_good_state_until_there_is_another(path: Path, clock: Clock) -> None:
    reports: list[str | None] = []
    resolver = Resolver(path, clock=clock, environ={})
    resolver.keep_last_good(lambda error: reports.append(None if error is None else type(error).__name__))
    for broken in ("broken = ", "broken = ", "[", None):
        if broken is None:
            path.unlink()
        else:
            path.write_text(broken)
        clock.now += 1.0
        assert first(resolver) == "openai:one"
        assert first(resolver, "openai:new") == "openai:new"  # no kept answer
        resolver.invalidate()
        assert first(resolver, profile="dev") == "openai:dev"
        assert resolver.lockfile.profiles.keys() == {"default", "dev"}
    assert str(path) in str(resolver.problem)
    path.write_text(TEXT.replace("one", "two"))
    clock.now += 1.0
    assert first(resolver) == "openai:two"
    assert resolver.problem is None
    assert reports == ["LockfileParseError", "LockfileParseError", "LockfileNotFoundError", None]


def test_a_package_that_breaks_takes_the_whole_back_to_the_last_good_state(
    tmp_path: Path, path: Path, clock: Clock
) -> None:
    package = tmp_path / "package.lock"
    package.write_text(TEXT.replace("one", "packaged"))
    path.write_text(TEXT + '\n[extends]\npackages = ["lib"]\n')
    resolver = Resolver(path, clock=clock, environ={}, find_package=lambda _: package)
    resolver.keep_last_good(lambda _: None)
    assert first(resolver, "lib:a") == "openai:packaged"
    path.write_text(path.read_text().replace("one", "two"))
    package.write_text("broken = ")
    clock.now = 1.0
    assert (first(resolver), first(resolver, "lib:a")) == ("openai:one", "openai:packaged")
    package.write_text(TEXT.replace("one", "mended"))
    clock.now = 2.0
    assert (first(resolver), first(resolver, "lib:a")) == ("openai:two", "openai:mended")


def test_a_lockfile_that_never_was_is_an_error_at_construction(tmp_path: Path) -> None:
    with pytest.raises(LockfileNotFoundError):
        Resolver(tmp_path / "absent.lock")


def test_packages_are_found_once_and_their_changes_noticed(tmp_path: Path, path: Path, clock: Clock) -> None:
    theirs = tmp_path / "theirs.lock"
    theirs.write_text(TEXT)
    asked = []

    def find(name: str) -> Path | None:
        asked.append(name)
        return theirs if name == "tools" else None

    path.write_text(TEXT + "[extends]\npackages = ['tools', 'gone']\n")
    resolver = Resolver(path, clock=clock, environ={}, find_package=find)
    assert first(resolver, "tools:a") == "openai:one"
    assert first(resolver, "tools:a", "dev") == "openai:dev"
    for _ in range(2):
        with pytest.raises(AliasNotFoundError, match="'gone'"):
            resolver.resolve("gone:a")
    assert asked == ["tools", "gone"]
    theirs.write_text(TEXT.replace("one", "changed"))
    clock.now = 1.0
    assert first(resolver, "tools:a") == "openai:changed"


def test_a_lockfile_that_was_handed_over_is_taken_as_it_is(clock: Clock, path: Path) -> None:
    resolver = Resolver(parse(TEXT, path), clock=clock, environ={})
    path.write_text("broken = ")
    clock.now = 5.0
    assert first(resolver) == "openai:one"
    assert isinstance(resolver.lockfile, Lockfile)


def test_packages_of_a_lockfile_that_was_handed_over_are_still_watched(tmp_path: Path, clock: Clock) -> None:
    theirs = tmp_path / "theirs.lock"
    theirs.write_text(TEXT)
    ours = parse("extends.packages = ['tools']")
    resolver = Resolver(ours, clock=clock, environ={}, find_package=lambda _: theirs)
    assert first(resolver, "tools:a") == "openai:one"
    theirs.write_text(TEXT.replace("one", "changed"))
    clock.now = 1.0
    assert first(resolver, "tools:a") == "openai:changed"
