"""The same advice without a model: questions, and answers that are computed."""

from decimal import Decimal, InvalidOperation
from typing import get_args

from llmring import open_registry
from llmring.registry import PROVIDERS
from llmring.suggest import Preference, Suggestion, Wish, near_misses, suggest_models
from llmring_lockfile import NEEDS, Constraints, Need
from llmring_types.exceptions import LLMRingError

from llmring_cli._lockfiles import shown
from llmring_cli._output import print_table, report
from llmring_cli.chat.screen import Screen, confirm
from llmring_cli.toolbox import Draft

_SHOWN = 5


async def guide(screen: Screen, draft: Draft) -> None:
    """Ask what an alias is for, propose models, and bind it after a yes; until the person has enough."""
    while True:
        alias = await _ask(
            screen, "What is the task?", "Enter a name for it, such as summarizer; Enter alone leaves."
        )
        if not alias:
            return
        wish = await _wish(screen)
        pool = await _choose(screen, wish)
        if pool:
            await _bind(screen, draft, alias, pool, wish.constraints)
        if not await confirm(screen, "another alias?"):
            return


async def _wish(screen: Screen) -> Wish:
    while True:
        words = await _ask(
            screen, "What must the model be able to do?", f"{', '.join(NEEDS)}; Enter for nothing special."
        )
        context = await _ask(screen, "How many tokens of context at least?", "Enter for any number.")
        price = await _ask(
            screen, "At most how many dollars per million input tokens?", "Enter for any price."
        )
        try:
            return Wish(
                needs=_needs(words),
                min_context=int(context.replace(",", "").replace("_", "")) if context else None,
                max_input_price=Decimal(price.removeprefix("$")) if price else None,
            )
        except (ValueError, InvalidOperation) as error:
            report(f"invalid: {error}; try again")


def _needs(words: str) -> tuple[Need, ...]:
    named = words.replace(",", " ").split()
    unknown = [word for word in named if word not in NEEDS]
    if unknown:
        raise ValueError(f"nothing is called {', '.join(unknown)}")
    return tuple(need for need in NEEDS if need in named)


async def _choose(screen: Screen, wish: Wish) -> list[str]:
    choices = get_args(Preference)
    prefer = await _ask(screen, "What counts most?", f"{', '.join(choices)}; Enter for cost.")
    registry = open_registry()
    models = [facts for name in PROVIDERS for facts in registry.models(name)]
    preference: Preference = next((choice for choice in choices if choice == prefer), "cost")
    found = suggest_models(wish, models, prefer=preference)[:_SHOWN]
    if not found:
        report("no known model meets all requirements; these miss one:")
        _show(near_misses(wish, models)[:_SHOWN])
        return []
    _show(found)
    picked = await _ask(screen, "Which of them, best first?", "Such as 1,3; Enter for 1.")
    return [str(found[place].ref) for place in _places(picked or "1", len(found))]


def _show(suggestions: list[Suggestion]) -> None:
    print_table(
        ("model", "why"),
        [(f"{place}. {one.ref}", one.reason) for place, one in enumerate(suggestions, start=1)],
    )


def _places(picked: str, most: int) -> list[int]:
    words = picked.replace(",", " ").split()
    return [int(word) - 1 for word in words if word.isdecimal() and 1 <= int(word) <= most]


async def _bind(screen: Screen, draft: Draft, alias: str, pool: list[str], constraints: Constraints) -> None:
    try:
        diff = draft.edit(lambda document: document.bind(alias, pool, constraints=constraints or None))
        screen.diff(diff or "nothing would change")
        if diff and await confirm(screen, "write this?"):
            draft.save()
            report(f"wrote {shown(draft.path)}")
    except LLMRingError as error:
        report(f"error: {error}")
    draft.discard()


async def _ask(screen: Screen, question: str, hint: str) -> str:
    return (await screen.ask(f"{question}\n  {hint}\n> ") or "").strip()
