"""Registered files through the ring: uploaded where they are needed, once, and in step with the disk."""

import base64
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest
from llmring import LLMRequest, LLMRing, Message, Policy
from llmring.exceptions import (
    BudgetExceededError,
    ModelCapabilityError,
    ProviderResponseError,
    ValidationError,
)
from llmring.files._registered import inline, media_type_at, with_parts
from llmring.files._store import FileStore
from llmring.testing import Simulator
from llmring_providers import ChatCall
from llmring_providers.files import FileUpload, StoredFile
from llmring_providers.sim import Rule, Script, faults
from llmring_types import LLMResponse, ModelRef, Prices

PDF = b"%PDF-1.4\n\xff\xfe\0 a small one\n%%EOF\n"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")  # fmt: skip
MODELS = {
    "openai": "openai:gpt-4o",
    "anthropic": "anthropic:claude-haiku-4-5",
    "google": "google:gemini-3-flash",
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def ring(simulator: Simulator) -> AsyncIterator[LLMRing]:
    async with LLMRing() as ring:
        for name in (*MODELS, "groq"):
            ring.register_provider(name, api_key="k", base_url=simulator.base_url(name))
        yield ring


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.pdf"
    path.write_bytes(PDF)
    return path


def asking(model: str, *files: str) -> LLMRequest:
    return LLMRequest([Message.user("What is in it?")], model=model, files=list(files))


def chats(simulator: Simulator) -> list[Any]:
    return [received.json for received in simulator.requests if received.prompt is not None]


def write(path: Path, data: bytes | None) -> None:
    """Write a file; delete it for ``None``."""
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def uploads(simulator: Simulator) -> int:
    return len(list(simulator.files))


@pytest.mark.parametrize("name", MODELS)
async def test_a_file_is_uploaded_at_its_first_use_and_never_again(
    name: str, ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    file_id = ring.register_file(report)
    assert simulator.requests == []
    request = asking(MODELS[name], file_id)
    before = msgspec.structs.asdict(request)
    for _ in range(2):
        assert (await ring.chat(request)).content
    assert msgspec.structs.asdict(request) == before
    (kept,) = simulator.files
    assert (kept.name, kept.media_type, kept.data) == ("report.pdf", "application/pdf", PDF)
    first, second = bodies = [msgspec.json.encode(body) for body in chats(simulator)]
    assert first == second
    assert all(kept.id.encode() in body for body in bodies)
    assert not any(base64.b64encode(PDF) in body for body in bodies)


async def test_each_protocol_names_an_uploaded_file_in_its_own_form(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    file_id = ring.register_file(report)
    for model in MODELS.values():
        await ring.chat(asking(model, file_id))
    openai, anthropic, google = chats(simulator)
    first, second, third = simulator.files
    assert openai["messages"][0]["content"][0] == {"type": "file", "file": {"file_id": first.id}}
    source = {"type": "file", "file_id": second.id}
    assert anthropic["messages"][0]["content"][0] == {
        "type": "document",
        "source": source,
        "title": "report.pdf",
    }
    assert google["contents"][0]["parts"][0] == {
        "fileData": {
            "fileUri": f"https://generativelanguage.googleapis.com/v1beta/files/{third.id}",
            "mimeType": "application/pdf",
        }
    }
    asked = next(each for each in simulator.requests if each.path.startswith("/v1/messages"))
    assert asked.headers["anthropic-beta"] == "files-api-2025-04-14"


async def test_streams_upload_files_too(ring: LLMRing, simulator: Simulator, report: Path) -> None:
    request = asking(MODELS["anthropic"], ring.register_file(report))
    assert [chunk async for chunk in ring.chat_stream(request)]
    assert uploads(simulator) == 1


async def test_concurrent_calls_upload_a_content_once(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    twin = report.with_name("twin.pdf")
    twin.write_bytes(PDF)
    ids = [ring.register_file(report), ring.register_file(twin)]
    async with anyio.create_task_group() as group:
        for place in range(10):
            group.start_soon(ring.chat, asking(MODELS["openai"], ids[place % 2]))
    assert uploads(simulator) == 1


async def test_a_changed_file_is_uploaded_anew_and_its_old_copies_are_deleted(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    file_id = ring.register_file(report)
    for model in MODELS.values():
        await ring.chat(asking(model, file_id))
    write(report, PDF + b"changed")
    await ring.chat(asking(MODELS["openai"], file_id))
    (kept,) = simulator.files
    assert kept.data == PDF + b"changed"


async def test_an_id_that_is_registered_again_means_the_other_file(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    ring.register_file(report, file_id="it")
    await ring.chat(asking(MODELS["openai"], "it"))
    other = report.with_name("other.pdf")
    other.write_bytes(PDF + b"other")
    assert ring.register_file(other, file_id="it") == "it"
    await ring.chat(asking(MODELS["openai"], "it"))
    assert [kept.name for kept in simulator.files] == ["other.pdf"]


@pytest.mark.parametrize("name", MODELS)
async def test_a_file_that_the_provider_forgot_is_uploaded_again_within_the_call(
    name: str, ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    request = asking(MODELS[name], ring.register_file(report))
    await ring.chat(request)
    simulator.files.clear()
    response = await ring.chat(request)
    assert uploads(simulator) == 1
    assert [attempt.outcome for attempt in response.attempts] == ["ok"]


async def test_a_refusal_that_has_nothing_to_do_with_files_is_not_tried_again(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    simulator.script = Script(rules=(Rule(fault=faults.Status(status=400, message="no")),))
    with pytest.raises(ProviderResponseError, match="no"):
        await ring.chat(asking(MODELS["openai"], ring.register_file(report)))
    assert uploads(simulator) == 1
    assert sum(each.path.endswith("/chat/completions") for each in simulator.requests) == 1


async def test_failover_uploads_to_the_next_provider(
    lockfile: Path, simulator: Simulator, ring: LLMRing, report: Path
) -> None:
    ring.bind_alias("reader", [MODELS["openai"], MODELS["anthropic"]])
    assert ring.lockfile_path == lockfile
    simulator.script = Script(rules=(Rule(model="gpt-4o", fault=faults.Status(status=404)),))
    response = await ring.chat(asking("reader", ring.register_file(report)))
    assert response.model == MODELS["anthropic"]
    assert uploads(simulator) == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("chart.png", PNG, b"data:image/png;base64,"),
        ("notes.txt", b"hello from notes", b"hello from notes"),
    ],
)
async def test_what_a_provider_keeps_not_goes_inline(
    name: str, content: bytes, said: bytes, ring: LLMRing, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    file_id = ring.register_file(tmp_path / name)
    for model in (MODELS["openai"], "groq:llama-4"):
        await ring.chat(asking(model, file_id))
    assert uploads(simulator) == 0
    assert [said in msgspec.json.encode(body) for body in chats(simulator)] == [True, True]


async def test_files_of_unknown_ids_and_missing_files_are_refused_before_anything_is_sent(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    with pytest.raises(ValidationError, match="no file is registered as 'nosuch'"):
        await ring.chat(asking(MODELS["openai"], "nosuch"))
    with pytest.raises(FileNotFoundError):
        ring.register_file(report.with_name("absent.pdf"))
    file_id = ring.register_file(report)
    write(report, None)
    with pytest.raises(FileNotFoundError):
        await ring.chat(asking(MODELS["openai"], file_id))
    assert simulator.requests == []
    with pytest.raises(ValidationError, match="files must be a list of ids"):
        LLMRequest([], files=[1])  # type: ignore[list-item]


async def test_registered_files_are_listed_with_their_copies_and_deregistered_everywhere(
    ring: LLMRing, simulator: Simulator, report: Path
) -> None:
    file_id = ring.register_file(report)
    for model in MODELS.values():
        await ring.chat(asking(model, file_id))
    (listed,) = ring.list_registered_files()
    ids = [kept.id for kept in simulator.files]
    assert listed["file_path"] == str(report)
    assert set(listed["uploads"]) == set(MODELS)
    assert [copy["provider_file_id"].removeprefix("files/") for copy in listed["uploads"].values()] == ids
    assert await ring.deregister_file(file_id) is True
    assert await ring.deregister_file(file_id) is False
    assert (uploads(simulator), ring.list_registered_files()) == (0, [])


async def test_a_copy_that_another_id_shares_stays(ring: LLMRing, simulator: Simulator, report: Path) -> None:
    one, other = ring.register_file(report), ring.register_file(report)
    await ring.chat(asking(MODELS["openai"], one))
    await ring.deregister_file(one)
    assert uploads(simulator) == 1
    await ring.deregister_file(other)
    assert uploads(simulator) == 0


async def test_a_budget_counts_what_is_in_the_files(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("word " * 4000)
    prices = {"openai:*": Prices(input=Decimal(1000), output=Decimal(0))}
    async with LLMRing(policy=Policy(budget_usd=1), prices=prices) as ring:
        ring.register_provider("openai", api_key="k", base_url=simulator.base_url("openai"))
        request = asking(MODELS["openai"], ring.register_file(tmp_path / "long.txt"))
        request.max_tokens = 1
        with pytest.raises(BudgetExceededError):
            await ring.chat(request)
        assert await ring.count_tokens(request) > 3000


def test_the_sync_ring_has_files_too(report: Path) -> None:
    with Simulator() as simulator, LLMRing.sync() as ring:
        ring.register_provider("openai", api_key="k", base_url=simulator.base_url("openai"))
        file_id = ring.register_file(report)
        ring.chat(asking(MODELS["openai"], file_id))
        assert len(ring.list_registered_files()) == 1
        assert ring.deregister_file(file_id)
        assert uploads(simulator) == 0


class Keeper:
    """A provider of one's own that keeps files: as it is told to."""

    name = "keeper"

    def __init__(self, upload: Callable[[int], StoredFile], found: StoredFile | None = None) -> None:
        self.calls: list[ChatCall] = []
        self.uploaded = 0
        self._upload, self._found = upload, found

    async def chat(self, call: ChatCall) -> LLMResponse:
        self.calls.append(call)
        return LLMResponse(content="read", model=str(call.ref), finish_reason="stop")

    async def stream(self, call: ChatCall) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is held."""

    def takes_file(self, media_type: str) -> bool:
        return media_type == "application/pdf"

    async def upload_file(self, upload: FileUpload) -> StoredFile:
        assert upload.data == PDF
        self.uploaded += 1
        number = self.uploaded
        await anyio.lowlevel.checkpoint()
        return self._upload(number)

    async def get_file(self, file_id: str) -> StoredFile | None:
        assert file_id
        return self._found

    async def delete_file(self, file_id: str) -> bool:
        raise ProviderResponseError(f"{file_id} stays", provider=self.name)

    async def list_files(self) -> list[StoredFile]:
        return []

    def file_part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:
        return {"type": "text", "text": f"{stored.id} {media_type} {name}"}


async def test_a_call_that_waits_for_an_upload_which_fails_uploads_by_itself(report: Path) -> None:
    def fail_once(number: int) -> StoredFile:
        if number == 1:
            raise ProviderResponseError("no room", provider="keeper")
        return StoredFile(id=f"f{number}")

    keeper = Keeper(fail_once)
    outcomes: list[str] = []
    async with LLMRing() as ring, anyio.create_task_group() as group:
        ring.register_provider("keeper", keeper)
        request = asking("keeper:model", ring.register_file(report))

        async def ask() -> None:
            try:
                outcomes.append((await ring.chat(request)).content)
            except ProviderResponseError as error:
                outcomes.append(error.message)

        for _ in range(3):
            group.start_soon(ask)
    assert sorted(outcomes) == ["no room", "read", "read"]
    assert keeper.uploaded == 2


async def test_an_expired_copy_is_uploaded_again(report: Path) -> None:
    now = datetime.now(UTC)
    keeper = Keeper(
        lambda number: StoredFile(id=f"f{number}", expires_at=now + timedelta(hours=number * 2 - 3))
    )
    async with LLMRing() as ring:
        ring.register_provider("keeper", keeper)
        request = asking("keeper:model", ring.register_file(report))
        for _ in range(3):
            await ring.chat(request)
    assert keeper.uploaded == 2
    assert [call.request.messages[0].content[0]["text"].split()[0] for call in keeper.calls] == [
        "f1",
        "f2",
        "f2",
    ]


class Forgetful(Keeper):
    """Has forgotten its first copy when two calls name it; one of them may look for it slowly."""

    def __init__(self, status: int, *, slowly: bool) -> None:
        super().__init__(lambda number: StoredFile(id=f"f{number}"))
        self._status = status
        self._looks = 1 if slowly else 0
        self._both, self._again = anyio.Event(), anyio.Event()

    async def chat(self, call: ChatCall) -> LLMResponse:
        answer = await super().chat(call)
        if "f1 " in call.request.messages[0].content[0]["text"]:
            if len(self.calls) == 2:
                self._both.set()
            await self._both.wait()
            raise ProviderResponseError("no such file", provider="keeper", status_code=self._status)
        self._again.set()
        return answer

    async def get_file(self, file_id: str) -> StoredFile | None:
        self._looks -= 1
        if self._looks == 0:
            await self._again.wait()
        return await super().get_file(file_id)


@pytest.mark.parametrize("slowly", [False, True])
@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_calls_that_meet_a_forgotten_copy_upload_it_again_once(
    report: Path, status: int, slowly: bool
) -> None:
    keeper = Forgetful(status, slowly=slowly)
    answers: list[str] = []
    async with LLMRing() as ring, anyio.create_task_group() as group:
        ring.register_provider("keeper", keeper)
        request = asking("keeper:model", ring.register_file(report))

        async def ask() -> None:
            answers.append((await ring.chat(request)).content)

        group.start_soon(ask)
        group.start_soon(ask)
    assert answers == ["read", "read"]
    assert keeper.uploaded == 2


async def test_a_file_that_changes_before_it_is_read_is_known_by_what_was_uploaded(report: Path) -> None:
    class Hasty(Keeper):
        def takes_file(self, media_type: str) -> bool:
            report.write_bytes(PDF)
            return super().takes_file(media_type)

    keeper = Hasty(lambda number: StoredFile(id=f"f{number}"))
    write(report, PDF + b"more")
    async with LLMRing() as ring:
        ring.register_provider("keeper", keeper)
        request = asking("keeper:model", ring.register_file(report))
        await ring.chat(request)
        (shown,) = ring.list_registered_files()
        assert shown["content_hash"] == hashlib.sha256(PDF).hexdigest()
        assert shown["uploads"]["keeper"]["provider_file_id"] == "f1"
        await ring.chat(request)
    assert keeper.uploaded == 1


def test_files_stand_in_a_message_of_their_own_where_the_user_said_nothing() -> None:
    part = {"type": "text", "text": "x"}
    asked = with_parts(LLMRequest([Message.system("s")], files=["f"]), [part])
    assert [(each.role, each.content) for each in asked.messages] == [("system", "s"), ("user", [part])]
    assert asked.files is None


def test_a_file_inline_has_its_name_and_its_kind() -> None:
    report = inline(FileUpload("report.pdf", "application/pdf", PDF))
    assert (report["type"], report["title"]) == ("document", "report.pdf")
    assert inline(FileUpload("talk.mp4", "video/mp4", b"\0"))["type"] == "video"


class Instant:
    """A clock without waits."""

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Let no time pass."""


@pytest.mark.parametrize(
    ("found", "error"),
    [(None, True), (StoredFile(id="f", state="failed"), True), (StoredFile(id="f"), False)],
)
async def test_a_file_is_named_once_it_is_processed(
    report: Path, found: StoredFile | None, error: bool
) -> None:
    keeper = Keeper(lambda _: StoredFile(id="f", state="processing"), found)
    files = FileStore({"keeper": keeper}, Instant())
    request = asking("keeper:model", files.register(report, None))
    call = ChatCall(request, ModelRef("keeper", "model"))
    if error:
        with pytest.raises(ProviderResponseError, match=r"could not process report\.pdf"):
            await files.send(keeper.chat, call)
    else:
        await files.send(keeper.chat, call)
    assert len(keeper.calls) == (not error)


async def test_a_copy_that_cannot_be_deleted_is_logged(
    report: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Keeper(lambda _: StoredFile(id="f1"))
    async with LLMRing() as ring:
        ring.register_provider("keeper", keeper)
        file_id = ring.register_file(report)
        await ring.chat(asking("keeper:model", file_id))
        with caplog.at_level(logging.WARNING, "llmring.files"):
            assert await ring.deregister_file(file_id)
    assert "f1 at keeper was not deleted: [keeper] f1 stays" in caplog.text


async def test_a_host_without_the_files_of_its_protocol_gets_them_inline(report: Path) -> None:
    def refuse(number: int) -> StoredFile:
        raise ModelCapabilityError(f"no files, asked {number} times", provider="keeper")

    keeper = Keeper(refuse)
    async with LLMRing() as ring:
        ring.register_provider("keeper", keeper)
        await ring.chat(asking("keeper:model", ring.register_file(report)))
    assert keeper.calls[0].request.messages[0].content[0]["source"]["data"] == base64.b64encode(PDF).decode()


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_long_text_is_text_wherever_a_piece_of_it_ends(tmp_path: Path, before: str) -> None:
    path = tmp_path / "long.txt"
    path.write_text(before + "日" * 2**19, encoding="utf-8")
    assert media_type_at(path) == "text/plain"


def test_what_ends_within_a_character_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "cut.txt"
    path.write_bytes("日".encode()[:-1])
    with pytest.raises(ValidationError, match="no known type"):
        media_type_at(path)
