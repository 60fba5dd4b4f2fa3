"""The benchmark's experiments, one function each: a model's cost, a learning rate, a whole run.

Each takes the settings of a job and returns its measurements, with the trained model where there is one.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe import diagnostics, metrics
from nextframe.benchmark import tasks
from nextframe.benchmark.task import LabelledTask, Task
from nextframe.forecasting import predict_along, predict_next, rollout
from nextframe.layers import FlowProposals
from nextframe.models import build
from nextframe.models.on_differences import on_differences

_AT_ONCE = 500  # windows scored at once: ten thousand forecasts of ten frames do not fit everywhere
_DIAGNOSED = 64  # windows that diagnostics look at


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
        yardstick: Another model, its arguments, and its "seconds_per_step" by definition: all seconds are multiplied
            by these and divided by the seconds that its step takes here. Default: the seconds of this machine.
        steps: In a round.
        differences: Whether the model reads differences, see `nextframe.models.on_differences`.

    Returns:
        Seconds for a step of 32 windows (the faster of two rounds, after one to warm up), parameters, operations of a
        forecast, and megabytes at the peak of a training step (None where the system does not tell).
    """
    data = tasks.load_task(**task)
    network = _build(model, arguments, data, 0, differences)
    seconds = _seconds_per_step(network, data, steps)
    if yardstick is not None:
        known = _build(yardstick["model"], yardstick["arguments"], data, 0, False)
        seconds *= yardstick["seconds_per_step"] / _seconds_per_step(known, data, steps)
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
) -> tuple[dict, None]:
    """Train for a share of the steps with one learning rate; return the lowest error on the validation clips."""
    data = tasks.load_task(**task)
    network = _build(model, arguments, data, seed, differences)
    options: dict[str, Any] = {"seed": seed, "rounds": rounds, "schedule": schedule, "checkpoint": checkpoint}
    history = data.fit(network, steps, learning_rate, progress=False, **options)
    return {"validation": min(entry["validation"] for entry in history), "history": history}, None


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
) -> tuple[dict, keras.Model | None]:
    """Train a model and score it on the test clips; a baseline, with no steps, is scored as it is.

    Returns:
        Its history, scores over the horizon, the error of each test window, and diagnostics, or a classifier's history
        and accuracy; and the model, if trained.
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
        )
    result = {
        "context_shape": list(data.context_shape),
        "parameters": network.count_params(),
        "forward_flops": diagnostics.forward_flops(network),
        "history": history,
        "validation": min((entry["validation"] for entry in history), default=None),
    }
    if isinstance(data, LabelledTask):
        return result | {"accuracy": data.accuracy(network)}, network
    groups = {"all": slice(None)} | data.groups
    result |= {
        "scores": {
            name: score_horizon(network, data.context[part], data.future[part, :horizon])
            for name, part in groups.items()
        },
        "clip_mse": clip_mse(network, data),
        "elsewhere": {
            name: _elsewhere(network, model, arguments, *windows) for name, windows in data.elsewhere.items()
        },
        "diagnostics": _diagnose(network, data),
    }
    return _without_nan(result), network if steps else None


def _elsewhere(
    network: keras.Model, model: str, arguments: dict, context: np.ndarray, truth: np.ndarray
) -> dict[str, float] | None:
    """MSE per frame on other clips, and that of copying; None for frames of a size that the weights do not fit."""
    if network.input_shape[1:] != context.shape[1:]:
        other = build(model, context.shape[1:], **arguments)
        weights = network.get_weights()
        if [array.shape for array in other.get_weights()] != [array.shape for array in weights]:
            return None
        other.set_weights(weights)
        network = other
    forecast = metrics.clip_to_unit(predict_next(network, context))
    return {
        "MSE per frame": float(metrics.mse(truth, forecast, per="frame").mean()),
        "copying": float(metrics.mse(truth, context[:, -1], per="frame").mean()),
    }


def clip_mse(network: keras.Model, data: Task) -> list[float]:
    """Return the squared error of the first frame ahead, summed over the frame, for each test window."""
    forecast = metrics.clip_to_unit(predict_next(network, data.context))
    return np.round(metrics.mse(data.truth, forecast, per="frame"), 4).tolist()


def score_horizon(network: keras.Model, context: np.ndarray, future: np.ndarray) -> dict[str, list[float]]:
    """Score a rollout frame by frame, and single forecasts that are each made from true frames.

    Args:
        network: Maps a context to a target.
        context: `(windows, N, height, width, 1)`, float32 in 0..1.
        future: `(windows, horizon, height, width, 1)`, the frames after it.

    Returns:
        Name of a metric → its mean for each frame ahead. "skill" is against the context's last frame; "from true
        frames" is the rollout's MSE per frame, had each forecast been made from the truth before it; "sharpness" and
        "energy" are a share of the truth's.
    """
    slices = [slice(first, first + _AT_ONCE) for first in range(0, len(context), _AT_ONCE)]
    parts = [_score_part(network, context[part], future[part]) for part in slices]
    windows = [len(context[part]) for part in slices]
    mean = {name: np.average([part[name] for part in parts], axis=0, weights=windows) for name in parts[0]}
    copying, sharp, energy = (mean.pop(name) for name in ("copying", "true sharpness", "true energy"))
    mean["skill"] = 1 - mean["MSE per frame"] / copying
    mean["sharpness"] /= sharp
    mean["energy"] /= energy
    return {name: values.tolist() for name, values in mean.items()}


def _score_part(network: keras.Model, context: np.ndarray, future: np.ndarray) -> dict[str, np.ndarray]:
    forecast = rollout(network, context, future.shape[1])
    video = np.concatenate([context, future], axis=1)
    single = metrics.clip_to_unit(predict_along(network, video))
    last = np.broadcast_to(context[:, -1:], future.shape)
    means = {
        "MSE per frame": metrics.mse(future, forecast, per="frame"),
        "MAE per frame": metrics.mae(future, forecast, per="frame"),
        "PSNR": metrics.psnr(future, forecast),
        "SSIM": metrics.ssim(future, forecast),
        "from true frames": metrics.mse(future, single, per="frame"),
        "copying": metrics.mse(future, last, per="frame"),
        "sharpness": metrics.sharpness(forecast),
        "true sharpness": metrics.sharpness(future),
        "energy": metrics.energy(forecast),
        "true energy": metrics.energy(future),
    }
    return {name: values.mean(axis=0) for name, values in means.items()}


def _diagnose(network: keras.Model, data: Task) -> dict:
    context = data.context[:_DIAGNOSED]
    shifts = [shift for shift in (1, 2, 4, 8) if 2 * shift < min(context.shape[2:4])]
    has_gradient = not any(isinstance(layer, FlowProposals) for layer in network.layers)
    with np.errstate(invalid="ignore"):  # changes relative to a black forecast are 0 ÷ 0
        return {
            "shift_error": {str(shift): diagnostics.shift_error(network, context, shift) for shift in shifts},
            "temporal_receptive_field": (
                diagnostics.temporal_receptive_field(network, context).tolist() if has_gradient else None
            ),
            "order_sensitivity": diagnostics.order_sensitivity(network, context),
            "leaks": diagnostics.leaks(network, data.video[:, : context.shape[1] + 3]),
        }


def _seconds_per_step(network: keras.Model, data: Task | LabelledTask, steps: int) -> float:
    history = data.fit(network, 3 * steps, 1e-3, rounds=3, progress=False)
    return float(np.diff([entry["seconds"] for entry in history]).min() / steps)


def _build(model: str, arguments: dict, data: Task | LabelledTask, seed: int, differences: bool) -> keras.Model:
    keras.utils.set_random_seed(seed)
    network = build(model, data.context_shape, **arguments)
    return on_differences(network) if differences else network


def _without_nan(value: Any) -> Any:
    """JSON has no NaN or infinity: None in their place."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


STAGES: dict[str, Callable[..., tuple[dict, keras.Model | None]]] = {
    "calibration": calibrate,
    "search": search_learning_rate,
    "runs": train_and_score,
}
