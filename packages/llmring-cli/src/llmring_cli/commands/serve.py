"""``llmring serve`` and ``llmring serve key``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring_lockfile import discover
from llmring_types.exceptions import MissingSDKError

from llmring_cli._app import command_with_group
from llmring_cli._output import CommandError, dollars_text, print_json, print_line, print_table, report
from llmring_cli._parameters import Alias, Count, Flag, Json, LockfilePath, Port, ProfileName

if TYPE_CHECKING:
    from llmring.serve import GatewayKey, KeyState, KeyStore

STORE_VARIABLE = "LLMRING_SERVE_STORE"
Store = Annotated[
    str | None,
    Parameter(
        name="--store",
        help="The file of keys, or redis://HOST:6379/0 for several machines. Default: LLMRING_SERVE_STORE, else serve.db "
        "in the user's configuration of llmring.",
    ),
]


def serve(
    *,
    host: str = "127.0.0.1",
    port: Port = 8787,
    host_name: Annotated[list[str] | None, Parameter(negative="")] = None,
    direct_models: Flag = False,
    workers: Count = 1,
    cache: Count | None = None,
    store: Store = None,
    lockfile: LockfilePath = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Serve the aliases to programs that speak a provider's protocol.

    OpenAI's (chat completions, responses, embeddings), Anthropic's, Gemini's and Ollama's are served at one address.
    The server runs until interrupted. Clients name an alias as the model. Without keys it serves this machine alone.
    A page at its address shows usage, calls, pools and keys; one signs in with LLMRING_PAGE_TOKEN, or a token made
    at start.
    Needs: pip install 'llmring-cli[serve]'

    $ llmring serve
    $ llmring serve --port 8080 --profile prod
    $ llmring serve key create --alias summarizer --budget 20/month

    Args:
        host: The address to listen on.
        port: The port; 0 picks a free one.
        host_name: Another host name that clients use, such as a container's. May be given several times.
        workers: Processes that answer, all at this address: one for each core, say.
        cache: Keep whole answers for so many seconds, and give them again to the same request.
        direct_models: Let clients name provider:model as well.
    """
    if find_spec("uvicorn") is None or find_spec("jinja2") is None:
        raise MissingSDKError("serving needs an extra: pip install 'llmring-cli[serve]'")
    from llmring_cli._gateway import Options, serve_alone, serve_by_workers  # noqa: PLC0415 - as above

    options = Options(
        host=host,
        port=port,
        host_names=(host, *(host_name or ())),
        direct_models=direct_models,
        cache_s=cache,
        store=str(_place(store)),
        lockfile=None if lockfile is None else str(lockfile),
        profile=profile,
    )
    if lockfile is None and discover().is_bundled:
        report(
            "warning: there is no lockfile here, so no alias of yours is served; create one: llmring lock init"
        )

    def ready(url: str, lockfile_path: Path | None, page: str) -> None:
        if json:
            path = None if lockfile_path is None else str(lockfile_path)
            print_json({"url": url, "lockfile": path, "page": page})
        else:
            by = f" by {workers} workers" if workers > 1 else ""
            report(f"serving {lockfile_path} at {url}{by}; press Ctrl-C to stop")
            report(f"page: {page}")
        sys.stdout.flush()

    try:
        if workers > 1:
            serve_by_workers(options, workers, ready)
        else:
            serve_alone(options, ready)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def create(
    name: str = "",
    /,
    *,
    alias: Annotated[list[Alias] | None, Parameter(negative="")] = None,
    budget: str | None = None,
    rpm: Count | None = None,
    tpm: Count | None = None,
    profile: ProfileName = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Create a key with its limits, and print it. It is shown this once: the store has only its hash.

    Once there is a key, nobody is served without one.

    $ llmring serve key create
    $ llmring serve key create ci --alias summarizer --budget 20/month --rpm 60

    Args:
        name: For people.
        alias: An alias that the key may use; without it, all. May be given several times.
        budget: US dollars for each day, week or month of the calendar (UTC), as 20/month, or in all, as 100.
        rpm: Requests a minute.
        tpm: Tokens a minute.
    """
    with _open(store) as keys:
        made = keys.create(name, aliases=alias or (), profile=profile, budget=budget, rpm=rpm, tpm=tpm)
    if json:
        print_json({**_document(made.key), "secret": made.secret})
        return
    print_line(made.secret)
    report(f"key {made.key.id}: {_limits(made.key)}; clients send it as their API key")


def list_keys(*, store: Store = None, json: Json = False) -> None:
    """List the keys with their limits and what they have spent.

    $ llmring serve key list

    """
    with _open(store) as keys:
        states = keys.states()
    if json:
        print_json([_document(state.key) | _account(state) for state in states])
        return
    if not states:
        report("there are no keys yet; make one with: llmring serve key create")
        return
    print_table(
        ("id", "name", "spent", "set aside", "limits"),
        [
            (
                state.key.id,
                state.key.name,
                "" if state.spent is None else dollars_text(float(state.spent)),
                "" if state.spent is None else dollars_text(float(state.reserved + state.withheld)),
                _limits(state.key),
            )
            for state in states
        ],
    )


def revoke(key: str, /, *, store: Store = None, json: Json = False) -> None:
    """Refuse a key from now on. Its account stays in the list.

    $ llmring serve key revoke 0f3a5c7e9b1d

    Args:
        key: The id that the list shows.
    """
    with _open(store) as keys:
        revoked = keys.revoke(key)
    if json:
        print_json(_document(revoked))
        return
    report(f"revoked {revoked.id}")


SERVE = command_with_group(serve, "serve key")


def _place(store: str | None) -> str | Path:
    """Return the file or the address of the store. The address may have a password, which a command line would show."""
    from llmring.serve import default_store  # noqa: PLC0415 - as above

    place = store or os.environ.get(STORE_VARIABLE) or default_store()
    if place is None:
        raise CommandError("this user has no home to keep keys in: name a file with --store")
    return place


def _open(store: str | None) -> "KeyStore":
    from llmring.serve import KeyStore  # noqa: PLC0415 - as above

    return KeyStore(_place(store))


def _document(key: "GatewayKey") -> dict[str, Any]:
    """Return a key as JSON, without its secret."""
    found: dict[str, Any] = msgspec.to_builtins(key)
    found["budget"] = (
        None if key.budget is None else {"usd": str(key.budget.limit), "period": key.budget.period}
    )
    return found


def _account(state: "KeyState") -> dict[str, Any]:
    return {
        "current_period": state.period,
        "spent": None if state.spent is None else str(state.spent),
        "reserved": str(state.reserved),
        "withheld": str(state.withheld),
    }


def _limits(key: "GatewayKey") -> str:
    """Describe what a key may do, on one line."""
    found = [", ".join(key.aliases) or "all aliases"]
    found += [f"profile {key.profile}"] if key.profile is not None else []
    found += [str(key.budget)] if key.budget is not None else []
    found += [
        f"{count:,} {what} a minute" for what, count in (("requests", key.rpm), ("tokens", key.tpm)) if count
    ]
    found += [f"revoked {key.revoked_at}"] if key.revoked_at is not None else []
    return ", ".join(found)
