"""What the benchmark measures, each in one function: a model's cost, a learning rate, a whole run.

Each takes the settings of a job and returns what was measured, with the trained model where there is one.
"""

import math

import keras
import numpy as np

from nextframe import metrics, probes, protocols
from nextframe.forecasting import predict_along, rollout
from nextframe.models import build
from nextframe.models.baselines import WarpByFlow

_AT_ONCE = 500  # windows scored at once: ten thousand forecasts of ten frames do not fit everywhere
_PROBED = 64  # windows that probes look at


def calibration(
    model: str, size: dict, films: dict, yardstick: dict | None = None, steps: int = 30
) -> tuple[dict, None]:
    """Time a training step, and count what the model costs.

    Args:
        model, size, films: As the protocol has them.
        yardstick: Another model and its size, and the "seconds_per_step" that it has by definition: so many times
            faster or slower than that it is here, so many times are all seconds scaled. Default: they are this
            machine's.
        steps: In a round.

    Returns:
        Seconds for a step of 32 windows (the faster of two rounds, after one to warm up), parameters, operations of a
        forecast, and megabytes at the peak of a training step (None where the system does not tell).
    """
    task = protocols.films(**films)
    network = _build(model, size, task, seed=0)
    seconds = _seconds_per_step(network, task, steps)
    if yardstick is not None:
        known = _build(yardstick["model"], yardstick["size"], task, seed=0)
        seconds *= yardstick["seconds_per_step"] / _seconds_per_step(known, task, steps)
    try:
        memory = probes.peak_training_memory(model, task.context_shape, batch_size=32, **size)
    except RuntimeError:
        memory = None
    return {
        "seconds_per_step": seconds,
        "parameters": network.count_params(),
        "forward_flops": probes.forward_flops(network),
        "peak_training_megabytes": memory,
    }, None


def search(
    model: str, size: dict, films: dict, steps: int, rounds: int, learning_rate: float, seed: int
) -> tuple[dict, None]:
    """Train for a share of the steps with one learning rate; return the lowest error on the validation films."""
    task = protocols.films(**films)
    network = _build(model, size, task, seed)
    history = task.fit(network, steps, learning_rate, seed=seed, rounds=rounds, progress=False)
    return {"validation": min(entry["validation"] for entry in history), "history": history}, None


def runs(
    model: str,
    size: dict,
    films: dict,
    horizon: int,
    steps: int = 0,
    rounds: int = 1,
    learning_rate: float = 0.0,
    seed: int = 0,
    progress: bool = False,
) -> tuple[dict, keras.Model | None]:
    """Train a model and score it on the test films; a baseline, with no steps, is scored as it is.

    Returns:
        Its history, its scores over the horizon and its answers to the probes; and the model, if it was trained.
    """
    task = protocols.films(**films)
    network = _build(model, size, task, seed)
    history = []
    if steps:
        flops = probes.training_flops(network)
        history = task.fit(
            network, steps, learning_rate, seed=seed, rounds=rounds, progress=progress, flops_per_example=flops
        )
    groups = {"all": slice(None)} | task.groups
    result = {
        "context_shape": list(task.context_shape),
        "parameters": network.count_params(),
        "forward_flops": probes.forward_flops(network),
        "history": history,
        "validation": min((entry["validation"] for entry in history), default=None),
        "scores": {
            name: score_horizon(network, task.context[part], task.future[part, :horizon])
            for name, part in groups.items()
        },
        "probes": _probe(network, task),
    }
    return _without_nan(result), network if steps else None


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
    parts = [slice(first, first + _AT_ONCE) for first in range(0, len(context), _AT_ONCE)]
    parts = [_score_part(network, context[part], future[part]) for part in parts]
    shares = np.array([part.pop("windows") for part in parts], float)
    shares /= shares.sum()
    mean = {name: sum(share * part[name] for share, part in zip(shares, parts, strict=True)) for name in parts[0]}
    copying, sharp, energy = (mean.pop(name) for name in ("copying", "true sharpness", "true energy"))
    mean["skill"] = 1 - mean["MSE per frame"] / copying
    mean["sharpness"] /= sharp
    mean["energy"] /= energy
    return {name: values.tolist() for name, values in mean.items()}


def _score_part(network, context, future):
    forecast = rollout(network, context, future.shape[1])
    film = np.concatenate([context, future], axis=1)
    single = metrics.clip_to_unit(predict_along(network, film))
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
    return {"windows": len(context)} | {name: values.mean(axis=0) for name, values in means.items()}


def _probe(network, task):
    context = task.context[:_PROBED]
    shifts = [shift for shift in (1, 2, 4, 8) if 2 * shift < min(context.shape[2:4])]
    has_gradient = not any(isinstance(layer, WarpByFlow) for layer in network.layers)
    return {
        "shift_error": {str(shift): probes.shift_error(network, context, shift) for shift in shifts},
        "temporal_receptive_field": (
            probes.temporal_receptive_field(network, context).tolist() if has_gradient else None
        ),
        "order_sensitivity": probes.order_sensitivity(network, context),
        "leaks": probes.leaks(network, task.film[:, : context.shape[1] + 3]),
    }


def _seconds_per_step(network, task, steps):
    history = task.fit(network, 3 * steps, 1e-3, rounds=3, progress=False)
    return float(np.diff([entry["seconds"] for entry in history]).min() / steps)


def _build(model, size, task, seed):
    keras.utils.set_random_seed(seed)
    return build(model, task.context_shape, **size)


def _without_nan(value):
    """JSON has no NaN or infinity: None in their place."""
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
