"""``llmring lock validate``."""

from llmring_lockfile import validate as validate_lockfile

from llmring_cli._clock import today
from llmring_cli._failure import FAILED, UNREACHABLE, UNREADABLE
from llmring_cli._findings import findings_json, located, print_findings, summarize
from llmring_cli._lockfiles import read_lockfile
from llmring_cli._output import counted, print_json
from llmring_cli._parameters import Json, LockfilePath
from llmring_cli._registry import Offline, RegistryUrl, known_models, pool_providers

_EXIT_CODES = {"valid": 0, "invalid": FAILED, "unreachable": UNREACHABLE}


def validate(
    *,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> int:
    """Check every model of every pool against the registry.

    A model must be listed, still served, and able to do what its binding needs.

    The registry is asked at most once a day. Exit code 1 when a model is not valid, 2 when there is no lockfile
    or it cannot be read, 3 when the registry cannot be reached: what could not be looked up is never valid.

    $ llmring lock validate
    $ llmring lock validate --offline --json
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    result = validate_lockfile(source.lockfile, known.facts, today=today())
    findings = located(result.findings, source)
    if json:
        print_json(
            {
                "lockfile": str(source.path),
                "status": result.status,
                "checked": result.checked,
                "unreachable": result.unreachable,
                "findings": findings_json(findings),
            }
        )
    else:
        print_findings(findings, source)
        summarize(findings, nothing=f"{counted(result.checked, 'model')} checked, nothing is wrong")
    return _EXIT_CODES[result.status]
