import math

import pytest
from cases import BENCHMARKS
from measure import Benchmark
from startup import ratios, seconds


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_every_benchmark_runs(benchmark: Benchmark) -> None:
    for side in benchmark.make():
        assert math.isfinite(side(1 if benchmark.single else 2))


def test_names_are_unique_so_that_two_commits_can_be_compared() -> None:
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)


def test_the_start_of_the_command_is_measured() -> None:
    (ratio,) = ratios([("aliases",)], 1, seconds).values()
    assert math.isfinite(ratio)
