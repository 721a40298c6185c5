"""The part of a conversation that is sent: the newest that fits, never a tool call without its result."""

from collections.abc import Sequence

from llmring_types import LLMRequest, Message

from llmring.tokens import estimate_tokens


def trimmed(messages: Sequence[Message], max_tokens: int) -> list[Message]:
    """Return the newest messages whose estimate fits, in order.

    Instructions (role ``system``) always stay. The rest goes from the oldest on, a question with its answers at a
    time; what begins the kept part is a user's message. The last question, with all that came after it, stays even
    where it is too long by itself: the provider then says so. Within it, rounds of tools go from the oldest on, each
    call with its results.

    Args:
        messages: the whole conversation; it is not changed.
        max_tokens: limit of the estimate (:func:`llmring.tokens.estimate_tokens`).
    """
    system = [message for message in messages if message.role == "system"]
    turns = _turns([message for message in messages if message.role != "system"])
    sizes = [_tokens(turn) for turn in turns]
    total = _tokens(system) + sum(sizes)
    if total <= max_tokens or not turns:
        return list(messages)
    first = 0
    while first < len(turns) - 1 and total > max_tokens:
        total -= sizes[first]
        first += 1
    question, *rounds = _rounds(turns[-1])
    while len(rounds) > 1 and total > max_tokens:
        total -= _tokens(rounds.pop(0))
    return [*system, *_joined(turns[first:-1]), *question, *_joined(rounds)]


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Divide before each message of the user that follows something else."""
    turns: list[list[Message]] = []
    previous = None
    for message in messages:
        if not turns or (message.role == "user" and previous != "user"):
            turns.append([])
        turns[-1].append(message)
        previous = message.role
    return turns


def _rounds(turn: Sequence[Message]) -> list[list[Message]]:
    """Divide a turn into its question and the rounds after it: an answer of the model with the results of its calls."""
    rounds: list[list[Message]] = [[]]
    for message in turn:
        if message.role == "assistant":
            rounds.append([])
        rounds[-1].append(message)
    return rounds


def _joined(groups: Sequence[Sequence[Message]]) -> list[Message]:
    return [message for group in groups for message in group]


def _tokens(messages: Sequence[Message]) -> int:
    return estimate_tokens(LLMRequest(messages=list(messages)))
