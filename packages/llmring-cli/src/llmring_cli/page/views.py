"""The HTML of the page, from the usage log, the calls of the gateway, the lockfile and the keys."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from anyio import to_thread
from llmring.serve import KeyState, KeyStore, LiveCalls
from llmring_lockfile import Lockfile, active_profile
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring_cli._models import known_models, pool_providers
from llmring_cli._output import dollars_text
from llmring_cli._parameters import now
from llmring_cli.page.charts import bar_chart, day_chart
from llmring_cli.page.figures import PERIODS, Usage, usage_of
from llmring_cli.page.pools import Locked, locked_of
from llmring_cli.page.reports import page_file, templates
from llmring_cli.page.sessions import Session

_DEFAULT_DAYS = 30
_SHOWN_ENDED = 50
_MOST_DIGITS = 16


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The sources of what the page shows.

    Attributes:
        log: the usage log; ``None`` where none is written.
        lockfile: returns it as it is now; ``None`` where there is none.
        lockfile_problem: returns the reason why an older one is served; ``None`` where that is not so.
        profile: of it, that requests get; ``None`` for its default.
        keys: of the gateway.
        serves: there is a gateway, with a playground and live calls.
    """

    log: Path | None = None
    lockfile: Callable[[], Lockfile] | None = None
    lockfile_problem: Callable[[], LLMRingError | None] = lambda: None
    profile: str | None = None
    keys: KeyStore | None = None
    serves: bool = False


class Views:
    """Makes the HTML.

    Args:
        sources: what is shown.
        clock: the time in UTC.
    """

    def __init__(self, sources: Sources, clock: Callable[[], datetime] = now) -> None:
        self._sources = sources
        self._clock = clock
        self._files: dict[str, str] = {}

    @property
    def keys(self) -> KeyStore | None:
        """The store of keys, which forms change."""
        return self._sources.keys

    def file(self, path: str) -> str:
        """Return a style sheet, script or picture of the page."""
        name = path.rpartition("/")[2]
        if name not in self._files:
            self._files[name] = page_file(name)
        return self._files[name]

    def message(self, text: str) -> str:
        """Return a page with one sentence."""
        return self._render("message.html", text=text)

    def sign_in(self, problem: str = "") -> str:
        """Return the form that asks for the token."""
        return self._render("sign-in.html", problem=problem)

    def live(self, live: LiveCalls | None) -> str:
        """Return the calls under way and the last that ended."""
        return self._render("live.html", **self._calls(live))

    async def whole(
        self, live: LiveCalls | None, session: Session | None, shown_once: tuple[str, str], days: str
    ) -> str:
        """Return the page. What is read from disk is read in a thread, so that calls of the gateway continue.

        Args:
            live: calls of the gateway.
            session: of whom has signed in; without it nothing can be changed.
            shown_once: a notice, and the secret of a new key.
            days: of the address, as it was typed.
        """
        period = int(days) if days in map(str, PERIODS) else _DEFAULT_DAYS
        keys = [] if self.keys is None else await to_thread.run_sync(self.keys.states)
        names = {state.key.id: state.key.name for state in keys}
        usage, usage_problem = await to_thread.run_sync(self._usage, period, names)
        locked, lock_problem = await to_thread.run_sync(self._locked)
        return self._render(
            "page.html",
            serves=self._sources.serves,
            has_keys=self.keys is not None,
            keys=[_key(state) for state in keys],
            session=session,
            notice=shown_once[0],
            new_secret=shown_once[1],
            periods=PERIODS,
            days=period,
            usage=usage,
            usage_problem=usage_problem,
            locked=locked,
            lock_problem=lock_problem,
            lock_broken=self._sources.lockfile_problem(),
            day_chart=day_chart,
            bar_chart=bar_chart,
            **self._calls(live),
        )

    def create_key(self, form: Mapping[str, str], session: Session) -> None:
        """Make the key that a form describes; the session shows its secret once.

        Raises:
            ValidationError: a limit is not valid.
            ConfigurationError: the store cannot be written.
        """
        if self.keys is None:
            return
        made = self.keys.create(
            form.get("name", "").strip(),
            aliases=[alias for alias in re.split(r"[\s,]+", form.get("aliases", "")) if alias],
            budget=form.get("budget", "").strip() or None,
            rpm=_number(form, "rpm"),
            tpm=_number(form, "tpm"),
        )
        session.notice = f"Key {made.key.id} was created. Its secret is shown this once:"
        session.new_secret = made.secret

    def revoke_key(self, form: Mapping[str, str], session: Session) -> None:
        """Revoke the key that a form names.

        Raises:
            ValidationError: there is none.
            ConfigurationError: the store cannot be written.
        """
        if self.keys is not None:
            session.notice = f"Key {self.keys.revoke(form.get('id', '')).id} was revoked."

    def _calls(self, live: LiveCalls | None) -> dict[str, Any]:
        if live is None:
            return {"under_way": [], "ended": [], "now": 0.0}
        ended = list(live.recent)[-_SHOWN_ENDED:]
        return {
            "under_way": list(live.under_way.values()),
            "ended": ended[::-1],
            "now": self._clock().timestamp(),
        }

    def _usage(self, days: int, key_names: Mapping[str, str]) -> tuple[Usage | None, str]:
        log = self._sources.log
        if log is None:
            return None, "There is no usage log: set LLMRING_USAGE_LOG=FILE to have one written."
        try:
            return usage_of(log, today=self._clock().date(), days=days, key_names=key_names), ""
        except LLMRingError as error:
            return None, str(error)

    def _locked(self) -> tuple[Locked | None, str]:
        if self._sources.lockfile is None:
            return None, "There is no lockfile here."
        try:
            lockfile = self._sources.lockfile()
            default = active_profile(lockfile, self._sources.profile).name
            known = known_models(pool_providers(lockfile), url=None, offline=True)
            today = self._clock().date()
            return locked_of(lockfile, known.facts, known.priced, default=default, today=today), ""
        except LLMRingError as error:
            return None, str(error)

    def _render(self, name: str, **values: Any) -> str:
        return templates().get_template(name).render(values)


def _key(state: KeyState) -> dict[str, Any]:
    key = state.key
    spent = None if state.spent is None else float(state.spent)
    return {
        "id": key.id,
        "name": key.name,
        "aliases": ", ".join(key.aliases) or "all",
        "profile": key.profile or "",
        "budget": "" if key.budget is None else str(key.budget),
        "spent": "" if spent is None else dollars_text(spent),
        "pace": ", ".join(
            f"{count:,} {what}/min" for count, what in ((key.rpm, "requests"), (key.tpm, "tokens")) if count
        ),
        "revoked": (key.revoked_at or "")[:10],
    }


def _number(form: Mapping[str, str], field: str) -> int | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ValidationError(f"{field} must be an integer, 1 or more; got {text!r}", field=field)
    return int(text)
