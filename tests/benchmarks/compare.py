"""Compare two commits: ``python tests/benchmarks/compare.py REV_A REV_B [--only WORD] [--rounds N]``.

Each commit's packages are checked out into a git worktree of their own and measured by the benchmarks of this tree, in
turns, so that a busy moment of the machine falls on both. What counts is the last column, the cost after over the cost
before; within a few hundredths of 1 it is noise.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Costs of llmring at two commits.")
    parser.add_argument("revisions", nargs=2, metavar="REV")
    parser.add_argument("--only", default="", help="those whose name contains this")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each commit (default 3)")
    options = parser.parse_args()
    before, after = compare(options.revisions, options.only, options.rounds)
    sys.stdout.write(f"{'':38} {options.revisions[0]:>12.12} {options.revisions[1]:>12.12}  change\n")
    for name, costs in before.items():
        if name in after:
            old, new = statistics.median(costs), statistics.median(after[name])
            sys.stdout.write(f"{name:38} {old:12.2f} {new:12.2f} {new / old:7.2f}\n")


def compare(revisions: list[str], only: str, rounds: int) -> list[dict[str, list[float]]]:
    """Return name to ratios for each of the commits."""
    costs: list[dict[str, list[float]]] = [{} for _ in revisions]
    with tempfile.TemporaryDirectory() as folder:
        trees = [Path(folder, str(number)) for number in range(len(revisions))]
        try:
            for revision, tree in zip(revisions, trees, strict=True):
                _git("worktree", "add", "--detach", str(tree), revision)
            for _ in range(rounds):
                for tree, found in zip(trees, costs, strict=True):
                    for name, ratio in _measure(tree, Path(folder, "ratios.json"), only).items():
                        found.setdefault(name, []).append(ratio)
        finally:
            for tree in trees:
                if tree.exists():
                    _git("worktree", "remove", "--force", str(tree))
    return costs


def _measure(tree: Path, output: Path, only: str) -> dict[str, float]:
    sources = os.pathsep.join(str(path) for path in sorted(tree.glob("packages/*/src")))
    subprocess.run(
        [sys.executable, str(_HERE / "run.py"), "--rounds", "7", "--only", only, "--json", str(output)],
        env={**os.environ, "PYTHONPATH": sources},  # comes before what is installed
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return msgspec.json.decode(output.read_bytes(), type=dict[str, float])


def _git(*command: str) -> None:
    subprocess.run(["git", "-C", str(_ROOT), *command], check=True, capture_output=True)  # noqa: S607


if __name__ == "__main__":
    main()
