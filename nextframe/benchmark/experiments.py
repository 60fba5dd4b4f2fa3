"""The benchmark's experiments, one function each: a model's cost, a learning rate, a whole run.

Each takes the settings of a job and returns its measurements, with the trained model where there is one.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from nextframe import diagnostics
from nextframe._utils.files import without_nan
from nextframe.benchmark import tasks
from nextframe.benchmark.task import AnyTask
from nextframe.models import build
from nextframe.models.on_differences import on_differences


def calibrate(
    model: str,
    arguments: dict,
    task: dict,
    yardstick: dict | None = None,
    steps: int = 30,
    differences: bool = False,
) -> tuple[dict, None]:
    """Time a training step, and count the model's parameters, operations and memory.

    Args:
        model, arguments, task: As the protocol has them.
        yardstick: Another model, its arguments, and its "seconds_per_step" by definition: the model's step takes as
            many times as long as it takes more of the processor's time. Default: the seconds of this machine.
        steps: In a round.
        differences: Whether the model reads differences, see `nextframe.models.on_differences`.

    Returns:
        Seconds for a step of 32 windows (the faster of two rounds, after one to warm up), parameters, operations of a
        forecast, and megabytes at the peak of a training step (None where the system does not tell).
    """
    data = tasks.load_task(**task)
    network = _build(model, arguments, data, 0, differences)
    clock = time.perf_counter if yardstick is None else time.process_time  # other programs do not count in the latter
    seconds = _seconds_per_step(network, data, steps, clock)
    if yardstick is not None:
        known = _build(yardstick["model"], yardstick["arguments"], data, 0, False)
        seconds *= yardstick["seconds_per_step"] / _seconds_per_step(known, data, steps, clock)
    try:
        memory = diagnostics.peak_training_memory(model, data.context_shape, batch_size=32, **arguments)
    except RuntimeError:
        memory = None
    return {
        "seconds_per_step": seconds,
        "parameters": network.count_params(),
        "forward_flops": diagnostics.forward_flops(network),
        "peak_training_megabytes": memory,
    }, None


def search_learning_rate(
    model: str,
    arguments: dict,
    task: dict,
    steps: int,
    rounds: int,
    learning_rate: float,
    seed: int,
    checkpoint: Path | None = None,
    differences: bool = False,
    schedule: str = "cosine",
    conditions: dict | None = None,
) -> tuple[dict, None]:
    """Train for a share of the steps with one learning rate; return the lowest error on the validation clips.

    None where no round had one, since training diverged.
    """
    data = tasks.load_task(**task)
    network = _build(model, arguments, data, seed, differences)
    options: dict[str, Any] = {"seed": seed, "rounds": rounds, "schedule": schedule, "checkpoint": checkpoint}
    options |= conditions or {}
    history = data.fit(network, steps, learning_rate, progress=False, **options)
    return without_nan({"validation": _lowest(history), "history": history}), None


def train_and_score(
    model: str,
    arguments: dict,
    task: dict,
    horizon: int,
    steps: int = 0,
    rounds: int = 1,
    learning_rate: float = 0.0,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: bool = False,
    differences: bool = False,
    schedule: str = "cosine",
    conditions: dict | None = None,
) -> tuple[dict, keras.Model | None]:
    """Train a model and score it on the test clips; a baseline, with no steps, is scored as it is.

    Returns:
        Its parameters, operations and history, with what the task's `score` says of it. And the model, if trained.
    """
    data = tasks.load_task(**task)
    network = _build(model, arguments, data, seed, differences)
    history = []
    if steps:
        flops = diagnostics.training_flops(network)
        history = data.fit(
            network,
            steps,
            learning_rate,
            seed=seed,
            rounds=rounds,
            schedule=schedule,
            checkpoint=checkpoint,
            flops_per_example=flops,
            progress=progress,
            **conditions or {},
        )
    result = {
        "context_shape": list(data.context_shape),
        "parameters": network.count_params(),
        "forward_flops": diagnostics.forward_flops(network),
        "history": history,
        "validation": _lowest(history),
    }
    result |= data.score(
        network,
        horizon=horizon,
        seed=seed,
        rebuild=lambda shape: _of_shape(model, arguments, shape, differences),
    )
    return without_nan(result), network if steps else None


def _seconds_per_step(
    network: keras.Model,
    data: AnyTask,
    steps: int,
    clock: Callable[[], float],
) -> float:
    watch = StopWatch(clock)
    data.fit(network, 3 * steps, 1e-3, rounds=3, progress=False, callbacks=[watch])
    return min(watch.seconds[1:]) / steps


class StopWatch(keras.callbacks.Callback):
    """Seconds of each round of a training, without its validation."""

    def __init__(self, clock: Callable[[], float]):
        """Say which clock to read."""
        super().__init__()
        self.clock, self.begun = clock, 0.0
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Read the clock."""
        self.begun = self.clock()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Read it again, as a round's training is over."""
        self.seconds.append(self.clock() - self.begun)


def _build(model: str, arguments: dict, data: AnyTask, seed: int, differences: bool) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return _of_shape(model, arguments, data.context_shape, differences)


def _of_shape(model: str, arguments: dict, context_shape: tuple[int, ...], differences: bool) -> keras.Model:
    network = build(model, context_shape, **arguments)
    return on_differences(network) if differences else network


def _lowest(history: list[dict]) -> float | None:
    """The lowest validation error that is a number."""
    return min((entry["validation"] for entry in history if math.isfinite(entry["validation"])), default=None)


STAGES: dict[str, Callable[..., tuple[dict, keras.Model | None]]] = {
    "calibration": calibrate,
    "search": search_learning_rate,
    "runs": train_and_score,
}
