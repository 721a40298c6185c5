"""The part of the ring that runs tools."""

from typing import TYPE_CHECKING, Unpack

from llmring_types import LLMRequest, Parsed

from llmring._call import Call
from llmring._chat import Chat
from llmring._money.accounts import Account

if TYPE_CHECKING:
    from llmring.tools import Run, RunStream
    from llmring.tools._options import RunOptions
    from llmring.tools._run import ToolLoop


class RunsTools:
    """Answers requests with tools that run."""

    _chat: Chat

    async def run(self, request: LLMRequest[Parsed], **options: "Unpack[RunOptions]") -> "Run[Parsed]":
        """Answer the request with tools that run: ask, run what the model calls, ask again until it answers.

        ``await ring.run(request, tools=[weather])``, where ``weather`` is a Python function with type hints and a
        docstring. Calls of one answer run at the same time; what a tool raises goes back to the model as a failed
        result. The request's own ``tools`` stay the application's: an answer that calls one of those ends the run.

        Args:
            request: the first request. A ``tool_choice`` other than ``none`` holds for this one only.
            options: ``tools``: functions, :class:`llmring.tools.Tool`, or dicts for tools of the provider's own;
                ``profile``; ``max_rounds``, requests to the model at most (10); ``max_cost_usd`` for all of them, a
                budget like the ring's: retries and hedges count, and a request is sent only if its worst case fits what
                is left; ``approve``, called with each tool call before it runs (:data:`llmring.tools.Approve`);
                ``tool_timeout_s``, for one call of a tool.

        Returns:
            The last answer with the whole trace.

        Raises:
            ToolLoopError: a limit was reached before the answer.
            BudgetExceededError: the next request might cost more than is left.
            ValidationError: a function cannot be a tool, or two have one name (also a ``ValueError``).
            LLMRingError: as from :meth:`chat`; ``run`` on it has what was done before.
        """
        return await self._tool_loop(request, options).finish()

    def run_stream(self, request: LLMRequest[Parsed], **options: "Unpack[RunOptions]") -> "RunStream[Parsed]":
        """Do as :meth:`run`, in pieces: the chunks of each answer, then the results of the tools that it called.

        ``async for event in ring.run_stream(request, tools=…)``; an event is a :class:`StreamChunk` or a
        :class:`llmring.tools.ToolResult`.
        """
        from llmring.tools import RunStream  # noqa: PLC0415 - only for runs of tools

        return RunStream(self._tool_loop(request, options))

    def _tool_loop(self, request: LLMRequest, options: "RunOptions") -> "ToolLoop":
        from llmring.tools._run import ToolLoop  # noqa: PLC0415 - only for runs of tools

        profile = options.get("profile")

        def call(following: LLMRequest, account: Account | None, streamed: bool) -> Call:
            chat = self._chat
            return chat.call_type(chat, following, profile, streamed=streamed, account=account)

        return ToolLoop(call, request, options)
