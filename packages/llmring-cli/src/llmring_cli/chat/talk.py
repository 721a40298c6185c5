"""The questions and answers of a conversation on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llmring import LLMRequest, LLMResponse
from llmring_types import Message
from llmring_types.exceptions import LLMRingError

from llmring_cli._mistakes import explained
from llmring_cli._output import count_text, dollars_text, report, report_aside
from llmring_cli.chat.answer import report_attempts, report_response, report_warnings, show
from llmring_cli.chat.exchange import Exchange
from llmring_cli.chat.message import attachment, matches
from llmring_cli.chat.saved import Record
from llmring_cli.chat.screen import Screen, interruptible
from llmring_cli.chat.transcript import CUT, is_cut, text_of

if TYPE_CHECKING:
    from llmring.conversation import Conversation
    from llmring.tools import Tool


class Talk:
    """A conversation between a person and a model.

    A question stays the last message until it has an answer: ``/retry`` asks it again, another one takes its place. An
    answer that is interrupted stays as far as it came, and is marked in its metadata.

    Args:
        conversation: so far.
        screen: the user interface.
        tools: that the model may call.
        record: saves the conversation before and after each answer.
        options: further fields of each request.
        verbose: report each answer's tokens, cost and attempts.
    """

    def __init__(
        self,
        conversation: "Conversation",
        screen: Screen,
        tools: "Sequence[Tool]",
        record: Record,
        *,
        options: dict[str, Any],
        verbose: bool,
    ) -> None:
        self.conversation = conversation
        self.screen = screen
        self.tools = tools
        self.record = record
        self._options = options
        self._verbose = verbose
        self._attached: list[dict[str, Any]] = []
        self._last: LLMResponse | None = None

    def attach(self, name: str) -> None:
        """Send a file, the files of a pattern, or an address along with the next message.

        Raises:
            ValidationError: one cannot be attached; then none is.
        """
        names = matches(name)
        self._attached += [attachment(each) for each in names]
        for each in names:
            report_aside(f"attached {each}; it goes with the next message")

    def show_last(self) -> None:
        """Show where a continued conversation stands."""
        messages = self.conversation.messages
        last = next((each for each in reversed(messages) if each.role in ("user", "assistant")), None)
        if last is None:
            return
        report_aside(f"{count_text(len(messages), 'message')} so far, the last one:")
        with self.screen.writer() as write:
            write(text_of(last))
        if last.role == "user":
            report_aside("it has no answer; /retry asks it again")

    async def question(self, text: str) -> None:
        """Ask, with what is attached, and show the answer."""
        messages = self.conversation.messages
        if messages and messages[-1].role == "user":
            messages.pop()
        self.conversation.append(Message.user(*self._attached, text))
        self._attached = []
        await self._answer()

    async def retry(self) -> None:
        """Ask the last question again, in place of its answer."""
        messages = self.conversation.messages
        asked = [place for place, each in enumerate(messages) if each.role == "user"]
        if not asked:
            report("there is nothing to ask again")
            return
        del messages[asked[-1] + 1 :]
        await self._answer()

    async def _answer(self) -> None:
        """Ask for an answer to the last message, and keep what comes."""
        conversation = self.conversation
        self.record.save(conversation)
        options = {**conversation.options, **self._options}
        request = LLMRequest(list(conversation.messages), conversation.model, **options)
        exchange = Exchange(conversation.ring, request, conversation.profile, self.tools)
        pieces: list[str] = []
        try:
            response = await interruptible(show(exchange, lambda: self._writer(pieces)))
        except LLMRingError as error:
            if self._verbose:
                report_attempts(error.attempts)
            report(f"error: {explained(error, conversation.model)}")
            self._keep_cut(pieces)
            return
        if response is None:
            self._keep_cut(pieces)
            return
        exchange.add_to(conversation)
        self._last = response
        self.record.save(conversation)
        self._account(response)

    @contextmanager
    def _writer(self, pieces: list[str]) -> Iterator[Callable[[str], None]]:
        """Show an answer, and keep its pieces."""
        with self.screen.writer() as write:

            def both(text: str) -> None:
                pieces.append(text)
                write(text)

            yield both

    def _keep_cut(self, pieces: Sequence[str]) -> None:
        text = "".join(pieces)
        if not text.strip():
            report_aside("there is no answer; /retry asks again")
            return
        self.conversation.append(Message(role="assistant", content=text, metadata={CUT: True}))
        self.record.save(self.conversation)

    def _account(self, response: LLMResponse) -> None:
        report_warnings(response)
        if self._verbose:
            report_response(response)
            return
        for attempt in response.attempts[:-1]:
            report_aside(
                f"{attempt.model} did not answer: {attempt.message or attempt.error or attempt.outcome}"
            )
        report_aside(f"{response.model} · {_usage_text(response)}")

    def report_cost(self) -> None:
        """Report tokens and cost so far."""
        if self._last is not None:
            report(f"last answer: {_usage_text(self._last)}")
        cost = self.conversation.cost
        report(f"conversation: {'cost unknown' if cost is None else dollars_text(cost)}")
        cut = sum(map(is_cut, self.conversation.messages))
        if cut:
            report(f"without {count_text(cut, 'answer')} cut off, whose cost is not known")


def _usage_text(response: LLMResponse) -> str:
    usage = response.usage or {}
    tokens = f"{usage.get('prompt_tokens', '?')} tokens in, {usage.get('completion_tokens', '?')} out"
    cost = usage.get("cost")
    return f"{tokens} · {'cost unknown' if cost is None else dollars_text(cost)}"


def first_line(text: str) -> str:
    """Return the first line that has something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
