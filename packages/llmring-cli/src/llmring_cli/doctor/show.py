"""The checkup on one screen."""

from pathlib import Path

from llmring_cli._lockfiles import shown
from llmring_cli._output import print_table, say
from llmring_cli.doctor.checkup import Checkup, LockfileState, ProviderState, RegistryState


def show(checkup: Checkup) -> None:
    """Print one line for each thing looked at; what will not work goes to standard error."""
    print_table(
        ("", "", ""),
        [
            *(("version", name, number) for name, number in checkup.versions.items()),
            *_lockfile(checkup.lockfile),
            *(("provider", row.name, _provider(row)) for row in checkup.providers),
            *(("registry", row.provider, _registry(row)) for row in checkup.registry),
            *(("alias", row.alias, row.resolves_to or "nothing that can be used") for row in checkup.aliases),
        ],
    )
    for problem in checkup.problems:
        say(f"problem: {problem}")
    if checkup.lockfile.origin == "bundled":
        say("hint: there is no lockfile here; create one with: llmring lock init")
    if not checkup.problems:
        say("no problems")


def _lockfile(state: LockfileState) -> list[tuple[str, str, str]]:
    why = {"bundled": "ships with llmring, for lock chat only"}.get(state.origin or "", state.origin or "")
    rows = [("lockfile", str(shown(Path(state.path))) if state.path else "none", why)]
    if state.profile is not None:
        rows.append(("profile", state.profile, f"from the {str(state.profile_origin).replace('_', ' ')}"))
    return rows


def _provider(row: ProviderState) -> str:
    told = ["ready" if row.configured else f"set {' or '.join(row.needs)}"]
    if row.base_url is not None:
        told.append(f"at {row.base_url}")
    if row.models is not None:
        told.append(f"answers, with {row.models} models")
    if row.error is not None:
        told.append(row.error)
    return ", ".join(told)


def _registry(row: RegistryState) -> str:
    age = "of unknown age" if row.age_days is None else f"{row.age_days:.0f} days old"
    told = f"version {row.version} from {row.origin}, {age}"
    return told if row.problem is None else f"{told}; {row.problem}"
