"""Forecasting: one frame ahead, or many by feeding each forecast back in."""

import keras
import numpy as np

from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import whole_number
from nextframe.metrics import clip_to_unit


def predict_next(model: keras.Model, context: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Forecast the frame after each context.

    Args:
        model: Maps a context to a target.
        context: `(batch, N, height, width, 1)`, float32 in 0..1.
        batch_size: Contexts forecast at once.

    Returns:
        float32 `(batch, height, width, 1)`, not clipped. Of a model that forecasts after every frame, the last one.

    Raises:
        ValueError: The context is empty, not of floats, or not of the shape that the model was built for.
    """
    expected = model.input_shape[1:]
    if np.ndim(context) != 5 or any(
        want not in (None, have) for want, have in zip(expected, context.shape[1:], strict=True)
    ):
        raise ValueError(
            f"context has shape {np.shape(context)}; {model.name} was built for (batch, "
            f"{', '.join(map(str, expected))}): cut windows of that shape, or build the model for yours"
        )
    if not np.issubdtype(context.dtype, np.floating):
        raise ValueError(f"context has dtype {context.dtype}; expected floats in 0..1: use nextframe.windows.to_unit")
    if len(context) == 0:
        raise ValueError("context is an empty batch: expected at least one context")
    with quiet_about_tracing():
        forecast = model.predict(context, batch_size=batch_size, verbose=0)
    return forecast[:, -1] if forecast.ndim == 5 else forecast


def predict_along(model: keras.Model, videos: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Forecast each frame of some videos from the N true frames before it.

    Args:
        model: Maps a context of N frames to a target.
        videos: `(batch, time, height, width, 1)`, float32 in 0..1, longer than N frames.
        batch_size: Contexts forecast at once.

    Returns:
        float32 `(batch, time − N, height, width, 1)`: forecasts of frames N, N + 1, … of each video, not clipped.

    Raises:
        ValueError: The videos are too short, or as for `predict_next`.
    """
    frames = model.input_shape[1]
    if np.ndim(videos) != 5 or videos.shape[1] <= frames:
        raise ValueError(
            f"videos have shape {np.shape(videos)}: expected (batch, time, height, width, 1), "
            f"longer than {frames} frames"
        )
    windows = np.lib.stride_tricks.sliding_window_view(videos[:, :-1], frames, axis=1)  # (batch, starts, h, w, 1, N)
    contexts = np.moveaxis(windows, -1, 2).reshape(-1, frames, *videos.shape[2:])
    return predict_next(model, contexts, batch_size).reshape(len(videos), -1, *videos.shape[2:])


def rollout(
    model: keras.Model, context: np.ndarray, horizon: int, *, clip: bool = True, batch_size: int = 32
) -> np.ndarray:
    """Forecast several frames: each one joins the context, and the oldest frame leaves it.

    The model never sees a true frame after its context, as it would not in use.

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
    forecasts = []
    for _ in range(horizon):
        forecast = predict_next(model, context, batch_size)
        forecast = clip_to_unit(forecast) if clip else forecast
        forecasts.append(forecast)
        context = np.concatenate([context[:, 1:], forecast[:, None]], axis=1)
    return np.stack(forecasts, axis=1)
