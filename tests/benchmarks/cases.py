"""The benchmarks: each part of a call by itself, then the whole call, then what it takes to start."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import aiohttp
import anyio
import msgspec
from http_server import HttpServer
from llmring import Policy
from llmring._runtime import within
from llmring.pricing import annotate, price
from llmring.registry import Registry
from llmring_providers.transport import HttpRequest
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types import LLMRequest, Usage
from measure import Batch, Benchmark, Pair, batch
from memory_ring import memory_ring
from samples import SAMPLES, Sample

PIECES = 500
_READ = 16 * 1024
_TURN = 64
_encode = msgspec.json.Encoder().encode


def _encoding(sample: Sample, messages: int, size: int) -> Pair:
    call = sample.call(messages, size)
    body = msgspec.json.decode(sample.adapter.encode(call, stream=False).body)
    return Pair(batch(lambda: sample.adapter.encode(call, stream=False)), batch(lambda: _encode(body)))


def _decoding(sample: Sample) -> Pair:
    call = sample.call()
    wire = sample.adapter.encode(call, stream=False)
    return Pair(
        batch(lambda: sample.adapter.decode(sample.answer, call, wire)),
        batch(lambda: json.loads(sample.answer)),
    )


def _stream_decoding(sample: Sample) -> Pair:
    call, body = sample.call(), sample.stream(PIECES)
    wire = sample.adapter.encode(call, stream=True)
    reads = [body[start : start + _READ] for start in range(0, len(body), _READ)]
    events = [line[max(line.find(b"{"), 0) :] for line in body.splitlines() if b"{" in line]

    def decode() -> None:
        decoder = sample.adapter.stream_decoder(call, wire)
        for read in reads:
            decoder.feed(read)
        if not decoder.done:
            decoder.close()

    def load() -> None:
        for event in events:
            json.loads(event)

    return Pair(batch(decode), batch(load))


def _resolving() -> Pair:
    ring = memory_ring(more_aliases=20)
    return Pair(batch(lambda: ring.resolve_alias("fast")), _on_loop(_time_limit))


def _pricing() -> Pair:
    facts = Registry().facts("openai", "gpt-4o-mini")
    counts: Usage = {"prompt_tokens": 20, "completion_tokens": 50, "total_tokens": 70}

    def settle() -> None:
        usage = counts.copy()
        annotate(usage, price(usage, facts))

    return Pair(batch(settle), _on_loop(_time_limit))


def _calling(name: str) -> Pair:
    ring, request = memory_ring(name), _request()

    async def call() -> None:
        await ring.chat(request)

    return Pair(_on_loop(call), _on_loop(_time_limit))


def _watching(**settings: Any) -> Pair:
    """Calls that somebody wants to know about against those that nobody watches."""
    watched, plain, request = memory_ring(**settings), memory_ring(), _request()

    async def watched_call() -> None:
        await watched.chat(request)

    async def plain_call() -> None:
        await plain.chat(request)

    return Pair(_on_loop(watched_call), _on_loop(plain_call))


def _streaming(name: str) -> Pair:
    ring, request, sample = memory_ring(name, pieces=PIECES), _request(), SAMPLES[name]

    async def call() -> None:
        async for _ in ring.chat_stream(request):
            pass

    return Pair(_on_loop(call), _stream_decoding(sample).reference)


def _sending() -> Pair:
    sample = SAMPLES["openai"]
    body = sample.adapter.encode(sample.call(), stream=False).body
    headers = {"content-type": "application/json", "authorization": "Bearer k"}
    server = HttpServer(sample.answer)
    request = HttpRequest("POST", server.url + "/v1/chat/completions", headers, body)

    async def ours(times: int) -> float:
        async with AiohttpTransport() as transport:
            started = time.thread_time()
            for _ in range(times):
                await transport.send(request)
            return time.thread_time() - started

    async def session(times: int) -> float:
        async with aiohttp.ClientSession() as client:
            started = time.thread_time()
            for _ in range(times):
                async with client.post(request.url, data=body, headers=headers) as answer:
                    await answer.read()
            return time.thread_time() - started

    return Pair(lambda times: asyncio.run(ours(times)), lambda times: asyncio.run(session(times)))


def _request() -> LLMRequest:
    return LLMRequest(SAMPLES["openai"].call().request.messages, model="fast", max_tokens=256)


async def _time_limit() -> None:
    """The one thing that every attempt needs and nobody can make cheaper."""
    async with asyncio.timeout(60):  # noqa: ASYNC100 - it is the limit itself that is measured
        pass


async def _nothing() -> None:
    pass


async def _limit_of_llmring() -> None:
    await within(60, _nothing())


async def _limit_of_anyio() -> None:
    with anyio.move_on_after(60):
        await _nothing()


async def _failing_limit_of_anyio() -> None:
    with anyio.fail_after(60):
        await _nothing()


def _limiting(work: Callable[[], Coroutine[Any, Any, None]]) -> Pair:
    return Pair(_on_loop(work), _on_loop(_time_limit))


def _in_a_kept_loop() -> Pair:
    """The sync ring beside what a program without it does: one event loop for each call."""
    from llmring import SyncLLMRing  # compare.py measures commits that have none

    ring, request = SyncLLMRing(memory_ring()), _request()

    def anew() -> None:
        asyncio.run(memory_ring().chat(request))

    return Pair(batch(lambda: ring.chat(request)), batch(anew))


def _on_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> Batch:
    """Repeat a coroutine function on an event loop of its own."""

    def run(times: int) -> float:
        async def repeat() -> float:
            started = time.process_time()
            for done in range(times):
                if not done % _TURN:
                    await asyncio.sleep(0)  # lets the loop throw away the time limits that are over
                await work()
            return time.process_time() - started

        return asyncio.run(repeat())

    return run


def _starting(code: str, reference: str) -> Pair:
    return Pair(_process(code), _process(reference))


def _process(code: str) -> Batch:
    """Run code in a fresh interpreter, which tells the CPU time that it took, its own start included."""
    command = [sys.executable, "-c", f"{code}\nimport time\nprint(time.process_time())"]

    def run(times: int) -> float:
        outputs = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(times)
        ]
        return sum(map(float, outputs))

    return run


_LIMIT = "one asyncio.timeout"
_UNWATCHED = "the same, unwatched"
_ASYNCIO = "a process that imports asyncio"

BENCHMARKS = [
    *(
        Benchmark(f"encode {name}, {what}", "msgspec on the same dict", make)
        for name, sample in SAMPLES.items()
        for what, make in (
            ("2 messages", partial(_encoding, sample, 2, 60)),
            ("200 messages of 1 KB", partial(_encoding, sample, 200, 1024)),
        )
    ),
    *(
        Benchmark(f"decode {name}", "json.loads of the same bytes", partial(_decoding, sample))
        for name, sample in SAMPLES.items()
    ),
    *(
        Benchmark(
            f"decode stream {name}",
            "json.loads of each event",
            partial(_stream_decoding, sample),
        )
        for name, sample in SAMPLES.items()
    ),
    Benchmark("send over HTTP", "aiohttp's session", _sending),
    Benchmark("resolve", _LIMIT, _resolving),
    Benchmark("price", _LIMIT, _pricing),
    Benchmark("time limit of llmring", _LIMIT, lambda: _limiting(_limit_of_llmring)),
    Benchmark("time limit, anyio.move_on_after", _LIMIT, lambda: _limiting(_limit_of_anyio)),
    Benchmark("time limit, anyio.fail_after", _LIMIT, lambda: _limiting(_failing_limit_of_anyio)),
    *(Benchmark(f"chat {name}", _LIMIT, partial(_calling, name)) for name in SAMPLES),
    Benchmark("chat, sync", "a ring and asyncio.run for each call", _in_a_kept_loop),
    Benchmark("chat, an observer", _UNWATCHED, lambda: _watching(observers=[lambda _: None])),
    Benchmark("chat, a budget", _UNWATCHED, lambda: _watching(policy=Policy(budget_usd=1000))),
    *(
        Benchmark(f"chat_stream {name}", "json.loads of each event", partial(_streaming, name))
        for name in SAMPLES
    ),
    Benchmark("import llmring", _ASYNCIO, lambda: _starting("import llmring", "import asyncio"), single=True),
    Benchmark(
        "make a ring",
        _ASYNCIO,
        lambda: _starting("import llmring\nllmring.LLMRing()", "import asyncio"),
        single=True,
    ),
]
