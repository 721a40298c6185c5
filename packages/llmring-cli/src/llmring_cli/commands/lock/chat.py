"""``llmring lock chat``."""

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring import open_registry
from llmring_types.exceptions import MissingSDKError

from llmring_cli._lockfiles import lockfile_to_write, shown
from llmring_cli._output import CommandError, report, report_logs
from llmring_cli._parameters import Flag, LockfilePath, ModelName
from llmring_cli.advisor.conversation import COMMANDS, Conversation
from llmring_cli.advisor.guided import guide
from llmring_cli.advisor.session import (
    Advisor,
    Session,
    find_advisor,
    kept_sessions,
    named_advisor,
    new_session,
    path_text,
    session_names,
)
from llmring_cli.chat.screen import PlainScreen, Screen
from llmring_cli.toolbox import TOKEN_VARIABLE, Draft, LocalToolbox, Toolbox


async def chat(
    *,
    model: Annotated[ModelName | None, Parameter(alias="-m")] = None,
    continue_: Annotated[Flag, Parameter(name=("--continue", "-c"))] = False,
    server_url: str | None = None,
    guided: Flag = False,
    lockfile: LockfilePath = None,
) -> None:
    """Edit the lockfile in a conversation with an advisor.

    The advisor finds models, compares costs, and proposes aliases, pools and profiles. Every change is shown as
    a diff and written only after you confirm it. The advisor is the alias "advisor" of your lockfile, or of the
    one that ships with llmring, on any usable provider. Without a usable model, a questionnaire leads to the
    same advice. /help lists the commands of a session. Sessions are stored.

    $ llmring lock chat
    $ llmring lock chat --model openai:gpt-5-mini --continue

    Args:
        model: The advisor: an alias or provider:model.
        continue_: Continue the last session about this lockfile.
        server_url: Use the tools of this MCP server, such as llmring mcp lockfile --http. Needs the extra mcp.
        guided: Use the questionnaire instead of a model.
    """
    report_logs()
    screen = _screen()
    path = lockfile_to_write(lockfile)
    where = f"the lockfile of {server_url}" if server_url is not None else str(shown(path))
    advisor = None if guided else await find_advisor() if model is None else named_advisor(model)
    if advisor is None:
        if server_url is not None:
            raise CommandError(
                "--server-url needs a model: set a key or run Ollama. The questionnaire edits only files of this machine"
            )
        if not guided:
            report("no model is available: no key is set and Ollama does not run")
        report(f"a few questions lead to an alias in {where}")
        await guide(screen, Draft(path))
        return
    async with AsyncExitStack() as stack:

        async def choose(name: str) -> Advisor:
            chosen = named_advisor(name)
            await stack.enter_async_context(chosen.ring)
            return chosen

        await stack.enter_async_context(advisor.ring)
        toolbox = await _toolbox(stack, path, server_url)
        report(f"{advisor.model} advises on {where}; /help lists commands, Ctrl-D exits")
        await Conversation(advisor, choose, toolbox, screen, _session(path, continue_=continue_)).run()


def _screen() -> Screen:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return PlainScreen()
    from llmring_cli.chat.terminal import (  # noqa: PLC0415 - pipes do without
        CommandCompleter,
        TerminalScreen,
        model_names,
    )

    names = [usage.partition(" ")[0] for usage in COMMANDS]
    completer = CommandCompleter(names, {"/model": model_names, "/load": session_names})
    return TerminalScreen(completer, topic="advisor")


async def _toolbox(stack: AsyncExitStack, path: Path, server_url: str | None) -> Toolbox:
    if server_url is None:
        return LocalToolbox(Draft(path), open_registry())
    try:
        from llmring_cli.toolbox.remote import connect  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingSDKError("--server-url needs an extra: pip install 'llmring-cli[mcp]'") from error
    token = os.environ.get(TOKEN_VARIABLE, "")
    return await stack.enter_async_context(connect(server_url, token))


def _session(path: Path, *, continue_: bool) -> Session:
    if continue_:
        for session in kept_sessions():
            if session.lockfile == path_text(path):
                return session
        report("there is no session to continue; starting a new one")
    return new_session(path)
