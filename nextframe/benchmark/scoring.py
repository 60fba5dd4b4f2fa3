"""Scores of a trained model: its errors on the test windows, ahead in time and elsewhere, and its diagnostics."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from nextframe import diagnostics, metrics
from nextframe.diagnostics._graph import has_gradient
from nextframe.forecasting import predict_along, predict_next, rollout

_AT_ONCE = 500  # windows scored at once: ten thousand forecasts of ten frames do not fit everywhere
_DIAGNOSED = 64  # windows that diagnostics look at


def score_elsewhere(
    network: keras.Model, rebuild: Callable[[tuple[int, ...]], keras.Model], context: np.ndarray, truth: np.ndarray
) -> dict[str, Any] | None:
    """MSE per frame on other clips, and that of copying; None for frames of a size that the weights do not fit.

    Args:
        network: Maps a context to a target.
        rebuild: Makes the same network for a context of another shape.
        context: `(windows, N, height, width, 1)`, float32 in 0..1.
        truth: The frame after each.

    Returns:
        Both means, and "clip_mse", the model's for each window.
    """
    if network.input_shape[1:] != context.shape[1:]:
        other = rebuild(context.shape[1:])
        weights = network.get_weights()
        if [array.shape for array in other.get_weights()] != [array.shape for array in weights]:
            return None
        other.set_weights(weights)
        network = other
    errors = clip_mse(network, context, truth)
    return {
        "MSE per frame": float(np.mean(errors)),
        "copying": float(metrics.mse(truth, context[:, -1], per="frame").mean()),
        "clip_mse": errors,
    }


def clip_mse(network: keras.Model, context: np.ndarray, truth: np.ndarray) -> list[float]:
    """Return the squared error of the first frame ahead, summed over the frame, for each window."""
    forecast = metrics.clip_to_unit(predict_next(network, context))
    return np.round(metrics.mse(truth, forecast, per="frame"), 4).tolist()


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


def diagnose(network: keras.Model, context: np.ndarray, video: np.ndarray) -> dict:
    """Return what `nextframe.diagnostics` says of a network, by name: on the first contexts, and along a video."""
    context = context[:_DIAGNOSED]
    shifts = [shift for shift in (1, 2, 4, 8) if 2 * shift < min(context.shape[2:4])]
    with np.errstate(invalid="ignore"):  # changes relative to a black forecast are 0 ÷ 0
        return {
            "shift_error": {str(shift): diagnostics.shift_error(network, context, shift) for shift in shifts},
            "temporal_receptive_field": (
                diagnostics.temporal_receptive_field(network, context).tolist() if has_gradient(network) else None
            ),
            "order_sensitivity": diagnostics.order_sensitivity(network, context),
            "leaks": diagnostics.leaks(network, video[:, : context.shape[1] + 3]),
        }
