"""Costs that must not grow, counted in function calls and bytes, which are the same on every machine."""

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import pytest
from llmring import LLMRequest, LLMRing
from memory_ring import memory_ring
from samples import SAMPLES

MOST_PER_CHUNK = 96
"""Bytes that the gathered answer may hold for each piece of five letters: the text, and its places in lists."""
REQUEST = LLMRequest(SAMPLES["openai"].call().request.messages, model="fast", max_tokens=256)
MOST_PER_STREAM = 48 * 1024
"""Bytes that an open stream may hold, its first read of 16 KB and the chunks in it included."""


def functions(call: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Count the Python functions that a warm call enters or resumes."""
    entered = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event == "call"

    async def counted() -> None:
        await call()
        await call()
        sys.setprofile(count)
        try:
            await call()
        finally:
            sys.setprofile(None)

    asyncio.run(counted())
    return entered


def functions_of_a_call(ring: LLMRing) -> int:
    async def call() -> None:
        await ring.chat(REQUEST)

    return functions(call)


def functions_of_a_stream(ring: LLMRing) -> int:
    async def call() -> None:
        async for _ in ring.chat_stream(REQUEST):
            pass

    return functions(call)


@pytest.mark.parametrize(("aliases", "providers"), [(500, 0), (0, 100)])
def test_a_call_costs_the_same_however_much_is_configured(aliases: int, providers: int) -> None:
    large = memory_ring(more_aliases=aliases, more_providers=providers)
    assert functions_of_a_call(large) == functions_of_a_call(memory_ring())


def test_a_call_costs_the_same_however_many_others_are_open() -> None:
    ring = memory_ring(pieces=1000)

    async def beside_others() -> int:
        streams = [ring.chat_stream(REQUEST) for _ in range(50)]
        for stream in streams:
            await anext(stream)
        counted = await asyncio.to_thread(functions_of_a_call, ring)
        for stream in streams:
            await stream.aclose()
        return counted

    assert asyncio.run(beside_others()) == functions_of_a_call(ring)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_chunk_costs_the_same_however_long_the_stream_is(name: str) -> None:
    short, middle, long = (
        functions_of_a_stream(memory_ring(name, pieces=pieces)) for pieces in (1000, 2000, 4000)
    )
    assert long - middle == pytest.approx(2 * (middle - short), rel=0.01)


@pytest.mark.parametrize("name", SAMPLES)
def test_an_open_stream_holds_no_more_than_stated(name: str) -> None:
    ring, count = memory_ring(name, pieces=4000), 20

    async def held() -> int:
        async for _ in ring.chat_stream(REQUEST):
            pass  # what is made once belongs to no stream
        gc.collect()
        tracemalloc.start()
        try:
            streams = [ring.chat_stream(REQUEST) for _ in range(count)]
            for stream in streams:
                await anext(stream)
            size = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        for stream in streams:
            await stream.aclose()
        return size // count

    assert asyncio.run(held()) <= MOST_PER_STREAM


@pytest.mark.parametrize("name", SAMPLES)
def test_a_stream_keeps_only_the_text_of_the_chunks_that_were_read(name: str) -> None:
    ring, pieces = memory_ring(name, pieces=4000), 4000

    async def held() -> int:
        stream = ring.chat_stream(REQUEST)
        await anext(stream)
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(pieces - 200):
                await anext(stream)
            size = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        await stream.aclose()
        return size

    assert asyncio.run(held()) <= MOST_PER_STREAM + pieces * MOST_PER_CHUNK
