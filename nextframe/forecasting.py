"""Forecasting: one frame ahead, or many by feeding each forecast back in."""

import keras
import numpy as np

from nextframe._utils.keras_layers import ROLLOUT, frames_ahead
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import range_cure, shown, whole_number
from nextframe.metrics import clip_to_unit
from nextframe.objectives import own_loss

STRAY = 0.5  # how far a context may leave 0..1 before it looks like another scale


def predict_next(
    model: keras.Model, context: np.ndarray, batch_size: int = 32, *, check_range: bool = True
) -> np.ndarray:
    """Forecast the frame after each context.

    Args:
        model: Maps a context to a target.
        context: `(batch, N, height, width, 1)`, float32 in 0..1.
        batch_size: Contexts forecast at once, at most.
        check_range: Whether to refuse values that are far outside 0..1, as those of bytes are. Without it, contexts may
            hold unclipped forecasts, or values that only probe the model.

    Returns:
        float32 `(batch, height, width, 1)`, not clipped. Of a model that forecasts after every frame, the last one; of
        one that forecasts several frames ahead, the first. `rollout` gives them all.

    Raises:
        ValueError: `model` is no model, reads more than a context, makes several forecasts of one frame, or a number of
            frames that says nothing of which is which; or the context is empty, not of floats in about 0..1, or not of
            the shape that the model was built for.
    """
    return _all_frames(model, context, batch_size, check_range)[:, 0]


def _all_frames(model: keras.Model, context: np.ndarray, batch_size: int, check_range: bool) -> np.ndarray:
    """Every frame that a model forecasts at once, `(batch, frames, height, width, 1)`: mostly one."""
    check_context(model, context, check_range)
    check_one_forecast(model)
    size = _batch_size(len(context), batch_size)
    batches = [context[first : first + size] for first in range(0, len(context), size)]
    with quiet_about_tracing():  # `predict` would first make a dataset of them, which takes longer than a small network
        forecast = np.concatenate([model.predict_on_batch(batch) for batch in batches])
    if forecast.ndim != 5:
        return forecast[:, None]
    if frames_ahead(model):
        return forecast
    if forecast.shape[1] != context.shape[1]:
        raise ValueError(
            f"{model.name} makes {forecast.shape[1]} frames of {context.shape[1]}: expected one frame, one after each, "
            f'or several ahead from a layer named "{ROLLOUT}": if they are that, give its last layer this name'
        )
    return forecast[:, -1:]


def _batch_size(count: int, most: int) -> int:
    """Contexts in a batch, at most so many: a number that leaves no smaller batch at the end, if there is a large one.

    TensorFlow traces a network anew for a batch of another size.
    """
    return next((size for size in range(min(most, count), most // 2, -1) if count % size == 0), most)


def predict_along(
    model: keras.Model, videos: np.ndarray, batch_size: int = 32, *, check_range: bool = True
) -> np.ndarray:
    """Forecast each frame of some videos from the N true frames before it.

    Args:
        model: Maps a context of N frames to a target.
        videos: `(batch, time, height, width, 1)`, float32 in 0..1, longer than N frames.
        batch_size, check_range: As in `predict_next`.

    Returns:
        float32 `(batch, time − N, height, width, 1)`: forecasts of frames N, N + 1, … of each video, not clipped. Of a
        model that forecasts several frames ahead, the first one made at each time.

    Raises:
        ValueError: The videos are too short, or as for `predict_next`.
    """
    _check_model(model, "videos")
    check_one_forecast(model)
    frames = model.input_shape[1]
    if np.ndim(videos) != 5 or videos.shape[1] <= frames:
        raise ValueError(
            f"videos have shape {np.shape(videos)}: expected (batch, time, height, width, 1), "
            f"longer than {frames} frames"
        )
    windows = np.lib.stride_tricks.sliding_window_view(videos[:, :-1], frames, axis=1)  # (batch, starts, h, w, 1, N)
    contexts = np.moveaxis(windows, -1, 2).reshape(-1, frames, *videos.shape[2:])
    forecasts = predict_next(model, contexts, batch_size, check_range=check_range)
    return forecasts.reshape(len(videos), -1, *videos.shape[2:])


def rollout(
    model: keras.Model, context: np.ndarray, horizon: int, *, clip: bool = True, batch_size: int = 32
) -> np.ndarray:
    """Forecast several frames: each one joins the context, and the oldest frame leaves it.

    The model never sees a true frame after its context, as it would not in use. One that forecasts several frames ahead
    is asked once for each `horizon` of its own: all of them join the context, and as many frames leave it.

    Args:
        model, context, batch_size: As in `predict_next`.
        horizon: Frames to forecast.
        clip: Whether to limit each forecast to 0..1 before it is fed back. Without it, errors can grow without end.

    Returns:
        float32 `(batch, horizon, height, width, 1)`.

    Raises:
        ValueError: As `predict_next`; or `horizon` is below 1.
    """
    whole_number("horizon", horizon)
    forecasts, made = [], 0
    while made < horizon:
        ahead = _all_frames(model, context, batch_size, check_range=made == 0)
        ahead = clip_to_unit(ahead) if clip else ahead
        forecasts.append(ahead)
        made += ahead.shape[1]
        context = np.concatenate([context, ahead], axis=1)[:, -context.shape[1] :]
    return np.concatenate(forecasts, axis=1)[:, :horizon]


def check_context(model: keras.Model, context: np.ndarray, check_range: bool = True) -> None:
    """Raise a ValueError that names the cure unless a model can forecast from these contexts.

    Args:
        model, context, check_range: As in `predict_next`.
    """
    _check_model(model, "context")
    if not hasattr(context, "dtype"):
        raise ValueError(f"context={shown(context)}: expected one NumPy array: make it one, for example with np.stack")
    shape = model.input_shape
    expected = (shape[0] if isinstance(shape, list) else shape)[1:]  # noise may be another input
    fits = context.ndim == 5 == len(expected) + 1
    if not fits or any(want not in (None, have) for want, have in zip(expected, context.shape[1:], strict=True)):
        raise ValueError(
            f"context has shape {np.shape(context)}; {model.name} was built for (batch, "
            f"{', '.join(map(str, expected))}): cut windows of that shape, or build the model for yours"
        )
    if not np.issubdtype(context.dtype, np.floating):
        raise ValueError(f"context has dtype {context.dtype}; expected floats in 0..1: use nextframe.windows.to_unit")
    if len(context) == 0:
        raise ValueError("context is an empty batch: expected at least one context")
    if check_range:
        _check_range("context", context)


def check_one_forecast(model: keras.Model) -> None:
    """Raise a ValueError unless a model makes one forecast, of a context alone."""
    if own_loss(model) or len(model.inputs or []) > 1:
        raise ValueError(
            f"{model.name} makes no single forecast of a context alone: use nextframe.sampling.sample_rollout where it "
            "draws futures, nextframe.steering.steer where it reads actions, or its predict"
        )


def _check_model(model: object, then: str) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"model={shown(model)}: expected a keras.Model, and the {then} after it")


def _check_range(name: str, frames: np.ndarray) -> None:
    """Complain about frames that no model of this book was trained on: NaN, or another scale than 0..1."""
    low, high = float(frames.min()), float(frames.max())  # NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} holds NaN or infinite values; expected floats in 0..1: fill or drop those frames")
    if low < -STRAY or high > 1 + STRAY:
        rescale = f"({name} - low) / (high - low), with low and high the values that should be black and white"
        cure = range_cure(name, frames, rescale)
        raise ValueError(
            f"{name} has values {low:.6g} to {high:.6g}; expected 0..1: {cure}, or cut windows of bytes and use "
            "nextframe.windows.to_unit"
        )
