"""What the benchmark measured, model by model: the numbers of a page, straight from the files in `results/`."""

import os
from collections.abc import Callable

import numpy as np

from nextframe import measured
from nextframe.benchmark import Benchmark


def runs(protocol: str | os.PathLike = "digits-32", folder: str | os.PathLike = measured.FOLDER) -> dict[str, list]:
    """Read every run of a protocol that is up to date.

    Args:
        protocol: As in `nextframe.protocols.settings`.
        folder: As in `nextframe.benchmark.Benchmark`.

    Returns:
        Model → its runs, one for each seed (a baseline has one), as `nextframe.jobs.runs` describes them; the model
        with the highest skill first.

    Raises:
        FileNotFoundError: A run is missing: the comparison would not be whole.
    """
    plan = Benchmark(protocol, folder)
    found = {}
    for model in plan.models:
        jobs = plan.jobs("runs", [model])
        missing = [job.name for job in jobs if not plan.is_done(job)] if jobs else [f"runs/{model}"]
        if missing:
            raise FileNotFoundError(
                f"{plan.name}: {', '.join(missing)} not measured: python -m nextframe.benchmark --protocol {protocol}"
            )
        found[model] = [plan.read(job.name) for job in jobs]
    return dict(sorted(found.items(), key=lambda item: -over_seeds(item[1], skill)[0]))


def skill(run: dict, group: str = "all") -> float:
    """Return a run's skill on the first frame ahead."""
    return run["scores"][group]["skill"][0]


def mse_per_frame(run: dict, group: str = "all") -> float:
    """Return a run's squared error, summed over the first frame ahead."""
    return run["scores"][group]["MSE per frame"][0]


def over_seeds(of_one_model: list[dict], number: Callable[[dict], float]) -> tuple[float, float]:
    """Return the mean of a number over a model's runs, and half the distance from its lowest to its highest."""
    values = np.array([number(run) for run in of_one_model], float)
    return float(values.mean()), float(np.ptp(values) / 2)


def with_spread(of_one_model: list[dict], number: Callable[[dict], float], digits: int = 3) -> str:
    """Write that mean and half distance as text; a baseline, measured once, has no spread.

    Example:
        `with_spread(runs()["conv_lstm"], mse_per_frame, 2)`
    """
    mean, spread = over_seeds(of_one_model, number)
    text = f"{mean:.{digits}f}"
    return text if len(of_one_model) == 1 else f"{text} ± {spread:.{digits}f}"
