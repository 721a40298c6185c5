"""``llmring keys``: API keys in the user configuration."""

import sys
from typing import Literal

import msgspec
from llmring import provider_access
from llmring.keys import open_key_store
from llmring_types.hosts import HOSTS

from llmring_cli._mistakes import meant
from llmring_cli._models import known_providers
from llmring_cli._output import FAILED, CommandError, print_json, print_line, print_table, report
from llmring_cli._parameters import Flag, Json, ProviderName


class KeyState(msgspec.Struct, kw_only=True):
    """One kept key, without the key.

    Attributes:
        provider: whose key it is.
        place: ``file`` or ``keyring``.
        used: no variable of the environment comes before it.
        instead: the variable that does.
    """

    provider: str
    place: Literal["file", "keyring"]
    used: bool
    instead: str | None = None


def set_key(provider: ProviderName, /, *, keyring: Flag = False, json: Json = False) -> int:
    """Keep the API key of a provider, for commands and applications of this user.

    The key is asked for and not shown; in a pipe, the first line of standard input is taken. It is kept in a file that
    only you can read, or with --keyring in the keyring of the system. A variable of the environment comes before it.

    $ llmring keys set openai
    $ pass show anthropic | llmring keys set anthropic
    $ llmring keys set openai --keyring

    Args:
        provider: The first half of references to models, as openai in openai:gpt-5-mini.
        keyring: Keep it in the keyring of the system; needs: pip install 'llmring[keyring]'.
    """
    providers = known_providers()
    if provider not in providers:
        hint = meant(provider, providers, "to list them: llmring hosts")
        raise CommandError(f"no provider {provider} is known{hint}")
    store = open_key_store()
    place: Literal["file", "keyring"] = "keyring" if keyring else "file"
    path = store.keep(provider, _read_key(provider), place=place)
    if json:
        print_json([_state(provider, place)])
        return 0
    report(f"kept the key of {provider} in {'the keyring' if keyring else path}")
    instead = _state(provider, place).instead
    if instead is not None:
        report(f"warning: {instead} is set in the environment and comes before it")
    elif provider in HOSTS and HOSTS[provider].keys_page is None and HOSTS[provider].keyless:
        report(f"note: {provider} needs no key")
    return 0


def list_keys(*, json: Json = False) -> int:
    """List the providers whose keys are kept, and where. Keys are never shown.

    $ llmring keys list
    """
    store = open_key_store()
    states = [_state(provider, store.place(provider) or "file") for provider in store]
    if json:
        print_json(states)
        return 0
    if not states:
        report("no keys are kept; to keep one: llmring keys set PROVIDER")
    print_table(
        ("provider", "kept in", "used"),
        [
            (state.provider, state.place, "yes" if state.used else f"no, {state.instead} comes first")
            for state in states
        ],
    )
    return 0


def remove(provider: str, /, *, json: Json = False) -> int:
    """Remove the kept key of a provider. Exit code 1 if there is none.

    $ llmring keys remove openai

    Args:
        provider: Whose key it is.
    """
    removed = open_key_store().remove(provider)
    if json:
        print_json(list[KeyState]())
    else:
        report(f"removed the key of {provider}" if removed else f"no key of {provider} is kept")
    return 0 if removed else FAILED


def path() -> int:
    """Print the path of the file that holds the keys, whether it is there or not.

    $ llmring keys path
    """
    file = open_key_store().path
    if file is None:
        raise CommandError("keys are kept in the home folder, and there is none; set HOME")
    print_line(file)
    return 0


def _read_key(provider: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    from getpass import getpass  # noqa: PLC0415 - only on a terminal

    page = HOSTS[provider].keys_page if provider in HOSTS else None
    if page:
        report(f"keys of {provider}: {page}")
    return getpass(f"Key of {provider} (not shown): ")


def _state(provider: str, place: Literal["file", "keyring"]) -> KeyState:
    found = provider_access(provider, kept={}).key_from
    return KeyState(provider=provider, place=place, used=found is None, instead=found)
