"""Run the benchmarks: ``python tests/benchmarks/run.py [--only WORD] [--rounds N] [--json FILE]``.

Prints what each piece of work costs as a multiple of its reference, which runs beside it in the same process:
the number means the same on any machine, and nearly the same on a busy one.
"""

import argparse
import sys
from pathlib import Path

import msgspec
from cases import BENCHMARKS
from measure import ratio


def main() -> None:
    parser = argparse.ArgumentParser(description="Costs of llmring as ratios.")
    parser.add_argument("--only", default="", help="those whose name contains this")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (default 15)")
    parser.add_argument("--json", type=Path, help="write name to ratio into this file")
    options = parser.parse_args()
    ratios: dict[str, float] = {}
    for benchmark in BENCHMARKS:
        if options.only in benchmark.name:
            found = ratios[benchmark.name] = ratio(benchmark, options.rounds)
            sys.stdout.write(f"{benchmark.name:38} {found:7.2f} x {benchmark.reference}\n")
            sys.stdout.flush()
    if options.json is not None:
        options.json.write_bytes(msgspec.json.encode(ratios))


if __name__ == "__main__":
    main()
