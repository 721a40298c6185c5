"""The test double answers as the real server did: what the other tests here stand on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from usage_server import UsageServer

RECORDINGS = Path(__file__).parent.parent / "recordings" / "usage-server.json"
SHARED = Path(__file__).parents[5] / "shared" / "reference" / "usage-server-exchanges.jsonl"
USED = re.compile(r"/health|/api/v1/(logs?|stats)|/api/v1/conversations/(log|[0-9a-f-]{36}(/messages)?)?")
WHEN = {"timestamp", "logged_at", "created_at", "updated_at", "last_message_at"}
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Exchange = dict[str, Any]


async def check(exchanges: list[Exchange]) -> int:
    """Ask the double what the real one was asked, in order, and compare the answers but for ids and times."""
    names: dict[str, str] = {}
    async with (
        UsageServer() as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        for exchange in exchanges:
            path = translated(exchange["path"], names)
            body = exchange["request"]
            data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json", **exchange["req_headers"]}
            async with session.request(
                exchange["method"],
                server.url + path,
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as reply:
                text = await reply.text()
                assert reply.status == exchange["status"], exchange["label"]
            given = json.loads(text) if text.startswith(("{", "[")) else text
            names |= dict(zip(found_ids(exchange["response"]), found_ids(given), strict=False))
            if exchange["status"] != 405:
                assert plain(given) == plain(exchange["response"]), exchange["label"]
    return len(exchanges)


def translated(path: str, names: dict[str, str]) -> str:
    """Ask for what the double called it."""
    return IDS.sub(lambda found: names.get(found[0], found[0]), path)


def plain(value: Any) -> Any:
    """Leave out what differs from run to run, and of FastAPI's errors all but type and place."""
    if isinstance(value, dict):
        if {"type", "loc", "msg"} <= set(value):
            return (value["type"], [place for place in value["loc"] if isinstance(place, str)])
        return {name: plain(item) for name, item in value.items() if name not in WHEN}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return pytest.approx(value)
    return IDS.sub("ID", value) if isinstance(value, str) else value


def found_ids(value: Any) -> Iterator[str]:
    yield from IDS.findall(json.dumps(value))


async def test_the_double_answers_like_the_recorded_server() -> None:
    recorded = json.loads(RECORDINGS.read_text())
    assert await check(recorded["exchanges"]) > 60


@pytest.mark.shared
async def test_the_double_answers_like_all_of_the_recordings() -> None:
    if not SHARED.exists():
        pytest.skip("the shared folder is not beside the repository")
    exchanges = [json.loads(line) for line in SHARED.read_text().splitlines()]
    others = {key_of(each) for each in exchanges if each["method"] == "POST" and not is_covered(each)}
    mine = [each for each in exchanges if is_covered(each) and is_logged(each, exchanges, others)]
    assert await check(mine) > 100


def is_covered(exchange: Exchange) -> bool:
    """Whether the double does this at all."""
    return (
        USED.fullmatch(exchange["path"].partition("?")[0]) is not None
        and (exchange["method"], exchange["path"]) != ("POST", "/api/v1/conversations/")
        and exchange["method"] in ("GET", "POST")
        and "<large>" not in (exchange["request"], exchange["response"])
        and "X-User-ID" not in exchange["req_headers"]
    )


def is_logged(exchange: Exchange, exchanges: list[Exchange], others: set[str]) -> bool:
    """Whether it is about conversations that were logged as a whole, or about none: the double makes no others."""
    if exchange["path"].startswith("/api/v1/conversations/?"):
        return key_of(exchange) not in others
    wanted = IDS.findall(exchange["path"])
    logged = [other for other in exchanges if other["path"].endswith("/conversations/log")]
    return not wanted or any(wanted[0] in json.dumps(other["response"]) for other in logged)


def key_of(exchange: Exchange) -> str:
    return str(exchange["req_headers"].get("X-API-Key"))
