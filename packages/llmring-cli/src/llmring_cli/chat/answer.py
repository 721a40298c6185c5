"""The answer on its way: whole or streamed, for a terminal or a pipe."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from llmring import LLMRequest, LLMResponse, LLMRing
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import say


async def ask(ring: LLMRing, request: LLMRequest, profile: str | None) -> LLMResponse:
    """Wait for the whole answer; a terminal shows that something is going on."""
    with waiting():
        return await ring.chat(request, profile=profile)


async def show(ring: LLMRing, request: LLMRequest, profile: str | None, *, markdown: bool) -> LLMResponse:
    """Show the answer while it comes.

    Stopped in the middle, by the user or an error, it leaves what has come on the screen.
    """
    response: LLMResponse | None = None
    with ExitStack() as screen:
        spinner = screen.enter_context(waiting())
        write: Callable[[str], None] | None = None
        try:
            async with ring.chat_stream(request, profile=profile) as chunks:
                async for chunk in chunks:
                    if chunk.delta and write is None:
                        spinner()
                        write = screen.enter_context(_writer(markdown=markdown))
                    if chunk.delta and write is not None:
                        write(chunk.delta)
                response = chunks.response
        except (asyncio.CancelledError, LLMRingError):
            if write is not None:
                screen.close()
                say("the answer was cut here")
            raise
    if response is None:  # the stream raises before it ends without one
        raise RuntimeError("a stream ended without its response")
    return response


@contextmanager
def waiting() -> Iterator[Callable[[], None]]:
    """Show a spinner on standard error, if that is a terminal; what is yielded takes it away earlier."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - pipes do without

    status = Console(stderr=True).status("waiting for the answer")
    status.start()
    try:
        yield status.stop
    finally:
        status.stop()


@contextmanager
def _writer(*, markdown: bool) -> Iterator[Callable[[str], None]]:
    if markdown:
        from rich.console import Console  # noqa: PLC0415

        from llmring_cli.chat.markdown import MarkdownStream  # noqa: PLC0415

        with MarkdownStream(Console()) as stream:
            yield stream.write
        return
    try:
        yield _write
    finally:
        _write("\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
