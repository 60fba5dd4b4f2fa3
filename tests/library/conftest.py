"""What tests of the benchmark's readers share: a benchmark that looks as if it had been run."""

import pytest

from nextframe import measured
from nextframe.benchmark import Benchmark

PROTOCOL = """
[films]
source = "digits_32"
[training]
seconds = 1
rounds = 1
seeds = [0, 1]
horizon = 1
[search]
learning_rates = [1e-3]
share = 1
[models]
"""


@pytest.fixture
def store_benchmark(tmp_path):
    """Write a protocol of one model with two seeds, `small.toml`, and results of all stages; return its plan."""

    def store(model, size, runs):
        path = tmp_path / "small.toml"
        path.write_text(f"{PROTOCOL}{model} = {size}\n")
        plan = Benchmark(path, tmp_path)
        stages = {"calibration": [{"seconds_per_step": 0.1}], "search": [{"validation": 1.0}], "runs": runs}
        for stage, results in stages.items():
            for job, result in zip(plan.jobs(stage, [model]), results, strict=True):
                measured.write(job.name, {"settings": job.settings} | result, plan.folder)
        return path, plan

    return store
