import json
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from llmring import LLMRing, open_registry
from llmring.registry import PriceChange, Registry, RegistryClient
from llmring_providers.transport import HttpRequest, HttpResponse, TransportError
from llmring_types.exceptions import (
    RegistryConnectionError,
    RegistryError,
    RegistryNotFoundError,
    RegistryStaleError,
    RegistryValidationError,
)

URL = "https://registry.example"
PUBLISHED = datetime(2026, 8, 18, 12, tzinfo=UTC)
NOW = PUBLISHED.timestamp() + 10 * 86_400


def entry(name: str, **fields: Any) -> dict[str, Any]:
    prices = {"dollars_per_million_tokens_input": 1, "dollars_per_million_tokens_output": 2}
    return {"model_name": name, "display_name": name} | prices | fields


def document(
    version: int = 7, *entries: dict[str, Any], updated_at: str | None = "2026-08-18T12:00:00"
) -> bytes:
    models = {f"openai:{found['model_name']}": found for found in entries or (entry("m"),)}
    return json.dumps({"version": version, "updated_at": updated_at, "models": models}).encode()


class FakeRegistry:
    """Answers from a dictionary; an exception in it is raised, an absent path is a 404."""

    def __init__(self, **current: bytes | int | Exception) -> None:
        self.documents: dict[str, bytes | int | Exception] = {
            f"{provider}/models.json": answer for provider, answer in current.items()
        }
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        assert request.method == "GET"
        name = request.url.removeprefix(f"{URL}/")
        self.asked.append(name)
        self.headers.append(request.headers)
        answer = self.documents.get(name, 404)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return HttpResponse(answer, {}, b"gone fishing")
        etag = f'"{hash(answer)}"'
        if request.headers.get("if-none-match") == etag:
            return HttpResponse(304, {"etag": etag}, b"")
        return HttpResponse(200, {"etag": etag, "last-modified": "Tue, 18 Aug 2026 12:00:00 GMT"}, answer)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def client(
    remote: FakeRegistry, folder: Path | None, clock: Clock | None = None, url: str = URL
) -> RegistryClient:
    return RegistryClient(Registry(url, cache_dir=folder), remote, now=clock or Clock())


async def test_a_refresh_changes_what_the_registry_says(tmp_path: Path) -> None:
    refresher = client(FakeRegistry(openai=document(7, entry("brand-new"))), tmp_path)
    registry = refresher.registry
    assert registry.facts("openai", "brand-new") is None
    assert registry.source_info("openai").origin == "snapshot"
    publication = await refresher.refresh("openai")
    assert [facts.model for facts in publication.models] == ["brand-new"]
    assert registry.facts("openai", "brand-new") == publication.models[0]
    info = registry.source_info("openai")
    assert (info.origin, info.from_cache, info.version, info.checked_at) == ("registry", False, 7, NOW)
    assert info.url == f"{URL}/openai/models.json"


async def test_a_new_process_answers_from_the_copy_without_asking(tmp_path: Path) -> None:
    await client(FakeRegistry(openai=document(7, entry("brand-new"))), tmp_path).refresh("openai")
    registry = Registry(URL, cache_dir=tmp_path)
    assert registry.facts("openai", "brand-new") is not None
    info = registry.source_info("openai")
    assert (info.origin, info.from_cache, info.checked_at) == ("cache", True, NOW)
    other = Registry("https://other.example", cache_dir=tmp_path)
    assert other.facts("openai", "brand-new") is None


async def test_closing_a_ring_leaves_the_copies_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    registry = open_registry(URL)
    await RegistryClient(registry, FakeRegistry(openai=document()), now=Clock()).refresh("openai")
    before = {path: path.read_bytes() for path, _ in registry.cache.copies()}
    async with LLMRing(registry_url=URL) as ring:
        assert ring.registry.source_info("openai").origin == "cache"
    assert before
    assert {path: path.read_bytes() for path, _ in registry.cache.copies()} == before


async def test_what_another_process_fetched_is_taken_up_without_asking(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document(7, entry("brand-new")))
    refresher = client(remote, tmp_path)
    assert refresher.registry.facts("openai", "brand-new") is None
    await client(remote, tmp_path).refresh("openai")
    await refresher.refresh("openai")
    assert refresher.registry.facts("openai", "brand-new") is not None
    assert refresher.registry.source_info("openai").origin == "cache"
    assert len(remote.asked) == 1


async def test_a_provider_that_the_package_does_not_know_can_be_published(tmp_path: Path) -> None:
    url = "https://llmring.github.io/registry"
    remote = FakeRegistry()
    models = {"mistral:m": entry("m")}
    remote.documents[f"{url}/mistral/models.json"] = json.dumps({"version": 1, "models": models}).encode()
    await client(remote, tmp_path, url=url).refresh("mistral")
    assert Registry(cache_dir=tmp_path).facts("mistral", "m") is not None


async def test_a_document_is_current_for_a_day_across_processes(tmp_path: Path) -> None:
    remote, clock = FakeRegistry(openai=document()), Clock()
    await client(remote, tmp_path, clock).refresh("openai")
    clock.now += 86_399
    again = client(remote, tmp_path, clock)
    assert (await again.refresh("openai")).version == 7
    assert again.registry.source_info("openai").origin == "cache"
    assert len(remote.asked) == 1
    clock.now += 2
    await again.refresh("openai")
    assert len(remote.asked) == 2


async def test_a_known_document_is_only_asked_about(tmp_path: Path) -> None:
    remote, clock = FakeRegistry(openai=document()), Clock()
    refresher = client(remote, tmp_path, clock)
    await refresher.refresh("openai")
    assert not {"if-none-match", "if-modified-since"} & set(remote.headers[0])
    clock.now += 5
    assert (await refresher.refresh("openai", force=True)).version == 7
    assert remote.headers[1]["if-none-match"]
    assert remote.headers[1]["if-modified-since"] == "Tue, 18 Aug 2026 12:00:00 GMT"
    assert refresher.registry.source_info("openai").checked_at == clock.now
    copy = refresher.registry.cache.load("openai")
    assert copy is not None
    assert (copy.fetched_at, copy.checked_at) == (NOW, clock.now)
    remote.documents["openai/models.json"] = document(8)
    assert (await refresher.refresh("openai", force=True)).version == 8


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (TransportError("registry.example: connection refused"), RegistryConnectionError),
        (503, RegistryConnectionError),
        (301, RegistryConnectionError),
        (304, RegistryConnectionError),
        (404, RegistryNotFoundError),
        (b"<html>Sign in to the hotel's network</html>", RegistryValidationError),
    ],
)
async def test_a_registry_that_fails_is_left_alone_for_a_while(
    tmp_path: Path, answer: bytes | int | Exception, error: type[RegistryError]
) -> None:
    remote, clock = FakeRegistry(openai=answer), Clock()
    refresher = client(remote, tmp_path, clock)
    for _ in range(3):
        with pytest.raises(error, match=r"openai/models\.json"):
            await refresher.refresh("openai")
    assert len(remote.asked) == 1
    with pytest.raises(error):
        await refresher.refresh("openai", force=True)
    assert len(remote.asked) == 2
    clock.now += 301
    remote.documents["openai/models.json"] = document()
    assert (await refresher.refresh("openai")).version == 7
    assert len(remote.asked) == 3


async def test_a_failed_refresh_leaves_the_facts_and_the_copy_as_they_were(tmp_path: Path) -> None:
    remote, clock = FakeRegistry(openai=document(7, entry("brand-new"))), Clock()
    refresher = client(remote, tmp_path, clock)
    await refresher.refresh("openai")
    for failure in (TransportError("no route"), b"<html>"):
        remote.documents["openai/models.json"] = failure
        with pytest.raises(RegistryError):
            await refresher.refresh("openai", force=True)
        assert refresher.registry.facts("openai", "brand-new") is not None
        assert Registry(URL, cache_dir=tmp_path).facts("openai", "brand-new") is not None


async def test_a_lookup_never_asks_the_registry(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=TransportError("no route"))
    refresher = client(remote, tmp_path)
    with pytest.raises(RegistryConnectionError):
        await refresher.refresh("openai")
    for _ in range(100):
        assert refresher.registry.facts("openai", "gpt-4o") is not None
        assert refresher.registry.facts("openai", "unheard-of") is None
        assert refresher.registry.facts("ollama", "llama3") is not None
    assert len(remote.asked) == 1


async def test_an_unwritable_folder_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remote = FakeRegistry(openai=document(7, entry("brand-new")))
    refresher = client(remote, tmp_path / "file" / "cache")
    for _ in range(2):
        await refresher.refresh("openai")
    assert refresher.registry.facts("openai", "brand-new") is not None
    assert len(remote.asked) == 1


async def test_a_spoiled_copy_is_fetched_again_and_never_raises_at_a_lookup(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document(7, entry("brand-new")))
    await client(remote, tmp_path).refresh("openai")
    path = Registry(URL, cache_dir=tmp_path).cache.path("openai")
    assert path is not None
    path.write_bytes(path.read_bytes().replace(b'"models":', b'"modles":'))
    refresher = client(remote, tmp_path)
    assert refresher.registry.facts("openai", "gpt-4o") is not None
    info = refresher.registry.source_info("openai")
    assert info.origin == "snapshot"
    assert "cached copy" in (info.problem or "")
    await refresher.refresh("openai")
    assert refresher.registry.facts("openai", "brand-new") is not None
    path.write_bytes(b"{")
    await client(remote, tmp_path).refresh("openai")
    assert len(remote.asked) == 3


async def test_an_old_copy_of_the_public_registry_does_not_hide_a_newer_package(tmp_path: Path) -> None:
    remote = FakeRegistry()
    remote.documents["https://llmring.github.io/registry/openai/models.json"] = document(1, entry("old"))
    await client(remote, tmp_path, url="").refresh("openai", allow_older=True)
    assert Registry(cache_dir=tmp_path).facts("openai", "old") is None
    remote.documents["https://llmring.github.io/registry/openai/models.json"] = document(10**6, entry("new"))
    await client(remote, tmp_path, url="").refresh("openai", force=True)
    assert Registry(cache_dir=tmp_path).facts("openai", "new") is not None


async def test_a_registry_that_went_back_in_time_is_refused(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document(8, entry("new")))
    refresher = client(remote, tmp_path)
    await refresher.refresh("openai")
    remote.documents["openai/models.json"] = document(7, entry("old"))
    with pytest.raises(RegistryStaleError, match="is version 7, and version 8 is known") as refused:
        await refresher.refresh("openai", force=True)
    assert refused.value.provider == "openai"
    for registry in (refresher.registry, Registry(URL, cache_dir=tmp_path)):
        assert registry.facts("openai", "new") is not None
        assert registry.facts("openai", "old") is None
    assert (await refresher.refresh("openai", force=True, allow_older=True)).version == 7
    assert Registry(URL, cache_dir=tmp_path).facts("openai", "old") is not None


async def test_the_public_registry_is_never_older_than_the_package(tmp_path: Path) -> None:
    remote = FakeRegistry()
    remote.documents["https://llmring.github.io/registry/openai/models.json"] = document(1, entry("old"))
    refresher = client(remote, tmp_path, url="")
    with pytest.raises(RegistryStaleError, match="went back in time"):
        await refresher.refresh("openai")
    assert refresher.registry.facts("openai", "old") is None


# ---------------------------------------------------------------------------- versions


async def test_an_archived_version_is_fetched_once_and_for_ever(tmp_path: Path) -> None:
    remote, clock = FakeRegistry(), Clock()
    remote.documents["openai/v/3/models.json"] = document(3, entry("then"))
    publication = await client(remote, tmp_path, clock).fetch_version("openai", 3)
    assert [facts.model for facts in publication.models] == ["then"]
    clock.now += 10**9
    again = client(remote, tmp_path, clock)
    assert await again.fetch_version("openai", 3) == publication
    assert remote.asked == ["openai/v/3/models.json"]
    assert again.registry.facts("openai", "then") is None


async def test_a_version_that_was_never_published_is_not_the_current_one(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document(7))
    refresher = client(remote, tmp_path)
    await refresher.refresh("openai")
    with pytest.raises(RegistryNotFoundError, match=r"v/9/models\.json"):
        await refresher.fetch_version("openai", 9)


async def test_a_document_that_says_another_version_is_refused_and_not_kept(tmp_path: Path) -> None:
    remote = FakeRegistry()
    remote.documents["openai/v/3/models.json"] = document(4)
    refresher = client(remote, tmp_path)
    for _ in range(2):
        with pytest.raises(RegistryValidationError, match="version 4"):
            await refresher.fetch_version("openai", 3)
    assert len(remote.asked) == 2


async def test_drift_says_what_came_what_went_and_what_changed_its_price(tmp_path: Path) -> None:
    remote = FakeRegistry(
        openai=document(7, entry("new"), entry("same"), entry("dear", dollars_per_million_tokens_input=3.5))
    )
    remote.documents["openai/v/5/models.json"] = document(5, entry("gone"), entry("same"), entry("dear"))
    drift = await client(remote, tmp_path).check_drift("openai", 5)
    assert (drift.has_drift, drift.versions_behind, drift.pinned_version, drift.current_version) == (
        True,
        2,
        5,
        7,
    )
    assert (drift.added_models, drift.removed_models) == (("new",), ("gone",))
    assert drift.price_changes == (
        PriceChange(
            model="dear",
            old_input_cost=Decimal(1),
            new_input_cost=Decimal("3.5"),
            old_output_cost=Decimal(2),
            new_output_cost=Decimal(2),
        ),
    )


async def test_a_pin_on_the_current_version_has_no_drift_and_needs_no_archive(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document(7))
    drift = await client(remote, tmp_path).check_drift("openai", 7)
    assert (drift.has_drift, drift.versions_behind, drift.price_changes) == (False, 0, ())
    assert remote.asked == ["openai/models.json"]


# ---------------------------------------------------------------------------- freshness


async def test_fresh_data_passes_after_asking_the_registry_itself(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document())
    refresher = client(remote, tmp_path)
    await refresher.refresh("openai")
    info = await refresher.assert_fresh("openai", 10.5)
    assert (info.age_days, info.origin) == (10.0, "registry")
    assert info.age is not None
    assert info.age.days == 10
    assert len(remote.asked) == 2


@pytest.mark.parametrize(
    ("updated_at", "age"),
    [
        ("2026-08-18T12:00:00", 10.0),
        ("2026-08-18T12:00:00Z", 10.0),
        ("2026-08-18T14:00:00+02:00", 10.0),
        (None, math.inf),
        ("last summer", math.inf),
    ],
)
async def test_data_that_is_too_old_or_has_no_date_is_stale(
    tmp_path: Path, updated_at: str | None, age: float
) -> None:
    refresher = client(FakeRegistry(openai=document(updated_at=updated_at)), tmp_path)
    with pytest.raises(RegistryStaleError, match="at most 9 days") as caught:
        await refresher.assert_fresh("openai", 9)
    assert (caught.value.provider, caught.value.updated_at, caught.value.age_days) == (
        "openai",
        updated_at,
        age,
    )


async def test_a_registry_that_cannot_be_reached_vouches_for_nothing(tmp_path: Path) -> None:
    remote = FakeRegistry(openai=document())
    refresher = client(remote, tmp_path)
    await refresher.refresh("openai")
    remote.documents["openai/models.json"] = TransportError("no route")
    with pytest.raises(RegistryConnectionError):
        await refresher.assert_fresh("openai", 365)
    info = await refresher.assert_fresh("openai", 365, force_refresh=False)
    assert info.version == 7


async def test_a_clock_that_runs_behind_makes_nothing_younger_than_new(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = PUBLISHED.timestamp() - 5000
    info = await client(FakeRegistry(openai=document()), tmp_path, clock).source_info(
        "openai", force_refresh=True
    )
    assert info.age_days == 0


# ---------------------------------------------------------------------------- files and real HTTP


async def test_a_folder_is_a_registry(tmp_path: Path) -> None:
    folder = tmp_path / "my registry"
    (folder / "openai" / "v" / "1").mkdir(parents=True)
    (folder / "openai" / "models.json").write_bytes(document(2, entry("mine")))
    (folder / "openai" / "v" / "1" / "models.json").write_bytes(document(1, entry("older")))
    remote = FakeRegistry()
    refresher = client(remote, tmp_path / "cache", url=folder.as_uri())
    registry = refresher.registry
    assert registry.facts("openai", "mine") is not None
    assert registry.source_info("openai").origin == "registry"
    assert registry.facts("anthropic", "claude-opus-5") is not None
    assert registry.source_info("anthropic").origin == "snapshot"
    assert (await refresher.fetch_version("openai", 1)).models[0].model == "older"
    assert (await refresher.check_drift("openai", 1)).versions_behind == 1
    (folder / "openai" / "models.json").write_bytes(document(3, entry("newer")))
    assert (await refresher.refresh("openai")).version == 3
    assert registry.facts("openai", "newer") is not None
    with pytest.raises(RegistryNotFoundError):
        await refresher.refresh("google", force=True)
    with pytest.raises(RegistryNotFoundError):
        await refresher.fetch_version("openai", 2)
    (folder / "google" / "models.json").mkdir(parents=True)
    with pytest.raises(RegistryConnectionError):
        await refresher.refresh("google", force=True)
    assert Registry(folder.as_uri()).facts("google", "gemini-2.5-pro") is not None
    assert not (tmp_path / "cache").exists()
    assert remote.asked == []


class AiohttpSender:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, request: HttpRequest) -> HttpResponse:
        try:
            async with self._session.request(
                request.method, request.url, headers=request.headers, allow_redirects=False
            ) as answer:
                return HttpResponse(answer.status, answer.headers, await answer.read())
        except aiohttp.ClientError as error:
            raise TransportError(str(error)) from error


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_static("/registry", folder)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/registry/"
    finally:
        await runner.cleanup()


async def test_a_static_site_is_a_registry(tmp_path: Path) -> None:
    (tmp_path / "site" / "openai").mkdir(parents=True)
    (tmp_path / "site" / "openai" / "models.json").write_bytes(document(7, entry("served")))
    async with aiohttp.ClientSession() as session:
        async with served(tmp_path / "site") as url:
            registry = Registry(url, cache_dir=tmp_path / "cache")
            refresher = RegistryClient(registry, AiohttpSender(session))
            first = await refresher.refresh("openai")
            # Served as unchanged: the copy on disk is what is read again.
            assert await refresher.refresh("openai", force=True) == first
            copy = registry.cache.load("openai")
            assert copy is not None
            assert copy.checked_at > copy.fetched_at
            with pytest.raises(RegistryNotFoundError):
                await refresher.refresh("ollama")
        with pytest.raises(RegistryConnectionError):
            await refresher.refresh("openai", force=True)
    assert registry.facts("openai", "served") is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
async def test_a_folder_whose_documents_never_end_answers_from_the_snapshot(tmp_path: Path) -> None:
    (tmp_path / "openai").mkdir()
    os.mkfifo(tmp_path / "openai" / "models.json")
    registry = Registry(tmp_path.as_uri())
    info = registry.source_info("openai")
    assert (info.origin, "is not a file" in (info.problem or "")) == ("snapshot", True)
    with pytest.raises(RegistryConnectionError, match="not a file"):
        await RegistryClient(registry, FakeRegistry()).refresh("openai")
