"""The loop: ask, run the tools that the model calls, ask again, until it answers."""

import inspect
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, cast

import msgspec
from llmring_types import LLMRequest, LLMResponse, Message, Parsed, StreamChunk, ToolCall, function_spec
from llmring_types.exceptions import LLMRingError, ToolLoopError, ValidationError

from llmring._call import Call
from llmring._money.accounts import Account
from llmring._stream import ChatStream
from llmring._tasks import task_group
from llmring.tools._options import RunOptions, check_options
from llmring.tools._tool import Tool, ToolError, ToolResult, result_content, tool


class Run(msgspec.Struct, Generic[Parsed], kw_only=True):
    """The trace of a run.

    Attributes:
        response: the model's last answer. Its ``tool_calls`` are set where it called tools that only the application
            can run: those of the request itself.
        responses: every answer, in order.
        results: the results of the tools, in order.
        messages: the whole conversation, ready for the next request; the last answer is in it.
    """

    messages: list[Message]
    responses: list[LLMResponse[Parsed]] = []
    results: list[ToolResult] = []

    @property
    def response(self) -> LLMResponse[Parsed]:
        return self.responses[-1]

    @property
    def content(self) -> str:
        """The text of the last answer."""
        return self.response.content

    @property
    def cost(self) -> float | None:
        """US dollars of all answers; ``None`` where that of one is not known."""
        costs = [(response.usage or {}).get("cost") for response in self.responses]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None


_PAUSED = "pause_turn"
"""Anthropic's own tools have run for long: the same conversation, with what is there of the answer, lets it go on.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools#the-server-side-loop-and-pause-turn
"""

Send: TypeAlias = Callable[[LLMRequest, Account | None, bool], Call]
"""Makes the call of a request, which is paid from the account of the run if that is bounded, streamed or not."""


class ToolLoop:
    """One run.

    Args:
        send: makes the calls.
        request: the first one; it is not changed.
        options: of the run.
    """

    def __init__(self, send: Send, request: LLMRequest, options: RunOptions) -> None:
        self._send = send
        check_options(options)
        self._max_rounds = options.get("max_rounds", 10)
        most = options.get("max_cost_usd")
        self._account = None if most is None else Account(Decimal(str(most + 0)), scope="run")
        self._approve = options.get("approve")
        self._tool_timeout_s = options.get("tool_timeout_s")
        self._tools: dict[str, Tool] = {}
        specs = list(request.tools or ())
        for each in options.get("tools", ()):
            if isinstance(each, Mapping):
                specs.append(dict(each))
                continue
            own = each if isinstance(each, Tool) else tool(each)
            if own.name in self._tools:
                raise ValidationError(
                    f"two tools are called {own.name!r}: give one another name", field="tools"
                )
            self._tools[own.name] = own
            specs.append(own.spec())
        functions = [function_spec(spec) for spec in specs]
        self._offered = {function["name"] for function in functions if function is not None}
        self._offers_provider_tools = None in functions
        self._request = msgspec.structs.replace(request, tools=specs or None)
        self.trace = Run(messages=list(request.messages), responses=[], results=[])

    async def finish(self) -> Run:
        """Run to the end, with whole answers."""
        with _keep_trace(self.trace):
            while True:
                response = await self._send(self._next(), self._account, False).answer()
                if await self._take(response) is None:
                    return self.trace

    async def events(self) -> AsyncGenerator[StreamChunk | ToolResult, None]:
        """Run to the end; yield the chunks of each answer, then the results of the tools that it called."""
        with _keep_trace(self.trace):
            while True:
                async with ChatStream(self._send(self._next(), self._account, True)) as stream:
                    async for chunk in stream:
                        yield chunk
                if stream.response is None:  # pragma: no cover - a stream without an end raises
                    return
                results = await self._take(stream.response)
                if results is None:
                    return
                for result in results:
                    yield result

    def _next(self) -> LLMRequest:
        """Return the next request.

        Raises:
            ToolLoopError: a limit is reached.
        """
        run = self.trace
        if len(run.responses) >= self._max_rounds:
            made = "one request" if self._max_rounds == 1 else f"{self._max_rounds} requests"
            raise ToolLoopError(
                f"the model still calls tools after {made}: allow more with max_rounds, or see the trace in `run`"
            )
        request = msgspec.structs.replace(self._request, messages=list(run.messages))
        if run.responses and isinstance(request.tool_choice, str | dict) and request.tool_choice != "none":
            request.tool_choice = None  # a choice that forces a call would force it for ever
        if self._account is not None and run.cost is None:
            raise ToolLoopError(
                f"the cost of {run.response.model} is not known, so max_cost_usd cannot be kept: give its price with "
                "LLMRing(prices=…)"
            )
        return request

    async def _take(self, response: LLMResponse) -> list[ToolResult] | None:
        """Add an answer and the results of its calls to the trace; ``None`` where it is the last."""
        run = self.trace
        run.responses.append(response)
        run.messages.append(response.to_message())
        calls = response.tool_calls or []
        if response.provider_finish_reason == _PAUSED and not calls:
            return []
        if not calls or any(self._is_the_applications(call) for call in calls):
            return None
        results = await self._results(calls)
        run.results += results
        run.messages += [_message(result) for result in results]
        return results

    def _is_the_applications(self, call: ToolCall) -> bool:
        """Return whether the request offers the tool that is called, and this run cannot run it."""
        function = cast("Mapping[str, Any]", call).get("function")
        if function is None:
            return True  # a call in the provider's own form
        name = function["name"]
        return name not in self._tools and (name in self._offered or self._offers_provider_tools)

    async def _results(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """Ask for approval one by one, then run all that may run at the same time."""
        results: dict[int, ToolResult] = {}

        async def run(place: int, call: ToolCall) -> None:
            results[place] = await self._result(call)

        refusals = [await self._refusal(call) for call in calls]
        async with task_group() as group:
            for place, (call, refusal) in enumerate(zip(calls, refusals, strict=True)):
                if refusal is None:
                    group.start_soon(run, place, call)
                else:
                    results[place] = ToolResult(call=call, content=refusal, is_error=True)
        return [results[place] for place in range(len(calls))]

    async def _refusal(self, call: ToolCall) -> str | None:
        name = call["function"]["name"]
        if name not in self._tools:
            return f"There is no tool {name!r}. The tools are: {', '.join(self._tools) or 'none'}."
        if self._approve is None:
            return None
        answer = self._approve(call)
        approved = await answer if inspect.isawaitable(answer) else answer
        if approved is True:
            return None
        return approved if isinstance(approved, str) and approved else "The user did not allow this call."

    async def _result(self, call: ToolCall) -> ToolResult:
        import anyio  # noqa: PLC0415 - only where tools run

        started = time.perf_counter()
        error: Exception | None = None
        content: str | list[dict[str, Any]] = ""
        try:
            with anyio.fail_after(self._tool_timeout_s):
                function = call["function"]
                content = result_content(await self._tools[function["name"]].call(function["arguments"]))
        except TimeoutError as late:
            error, content = late, str(late) or f"The tool took longer than {self._tool_timeout_s:g} s."
        except ToolError as failed:
            error, content = failed, str(failed)
        except Exception as failed:  # noqa: BLE001 - a tool may raise anything: the model reads it and goes on
            error, content = failed, f"{type(failed).__name__}: {failed}"
        seconds = time.perf_counter() - started
        return ToolResult(
            call=call, content=content, is_error=error is not None, seconds=seconds, error=error
        )


class RunStream(Generic[Parsed]):
    """A run in pieces: ``async for event in ring.run_stream(request, tools=…)``.

    An event is a :class:`StreamChunk` of the model's answer, or the :class:`ToolResult` of a call that its last chunk
    named. :attr:`trace` has what was done so far, at any time.
    """

    def __init__(self, loop: ToolLoop) -> None:
        self._loop = loop
        self._events = loop.events()

    @property
    def trace(self) -> Run[Parsed]:
        """The trace so far; whole after the last event."""
        return self._loop.trace

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamChunk | ToolResult:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Stop: close the connection. What tools have done stays done."""
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


@contextmanager
def _keep_trace(trace: Run) -> Iterator[None]:
    """Put the trace on an error of ours that ends the run, so that what was paid for is not lost."""
    try:
        yield
    except LLMRingError as error:
        error.run = trace
        raise


def _message(result: ToolResult) -> Message:
    return Message(
        role="tool",
        content=result.content,
        tool_call_id=result.call["id"],
        name=result.name,
        metadata={"is_error": True} if result.is_error else None,
    )
