"""``llmring serve``."""

import sys
from typing import Annotated

from cyclopts import Parameter
from llmring import LLMRing
from llmring_types.exceptions import MissingSDKError

from llmring_cli._output import CommandError, print_json, report
from llmring_cli._parameters import Flag, Json, LockfilePath, Port, ProfileName


def serve(
    *,
    host: str = "127.0.0.1",
    port: Port = 8787,
    host_name: Annotated[list[str] | None, Parameter(negative="")] = None,
    direct_models: Flag = False,
    lockfile: LockfilePath = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Serve the aliases to programs that speak a provider's protocol.

    OpenAI's (chat completions, responses, embeddings), Anthropic's, Gemini's and Ollama's are served at one address.
    The server runs until interrupted. Clients name an alias as the model.
    Needs: pip install 'llmring-cli[serve]'

    $ llmring serve
    $ llmring serve --port 8080 --profile prod

    Args:
        host: The address to listen on.
        port: The port; 0 picks a free one.
        host_name: Another host name that clients use, such as a container's. May be given several times.
        direct_models: Let clients name provider:model as well.
    """
    import llmring.serve as serving  # noqa: PLC0415 - the command's own help does without

    ring = LLMRing(origin="llmring-serve", lockfile_path=lockfile)

    def ready(url: str) -> None:
        if json:
            print_json(
                {"url": url, "lockfile": None if ring.lockfile_path is None else str(ring.lockfile_path)}
            )
        else:
            report(f"serving {ring.lockfile_path} at {url}; press Ctrl-C to stop")
        sys.stdout.flush()

    gateway = serving.app(ring, profile=profile, direct_models=direct_models, host_names=host_name or ())
    try:
        serving.run(gateway, host=host, port=port, on_ready=ready, at_end=ring.close)
    except MissingSDKError as error:
        raise MissingSDKError("serving needs an extra: pip install 'llmring-cli[serve]'") from error
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
