"""Translation equivariance: whether a shifted clip gives a shifted forecast."""

import keras
import numpy as np

from nextframe.forecasting import predict_next


def shift_error(model: keras.Model, context: np.ndarray, shift: int, margin: int | None = None) -> float:
    """How far the forecast of a shifted video is from the shifted forecast of the video: 0 if they are equal.

    ‖f(shift x) − shift f(x)‖ ÷ ‖f(x)‖, on pixels at least `margin` from the border, where new pixels enter.

    Args:
        model: Maps a context to a target.
        context: `(batch, N, height, width, 1)`, float32.
        shift: Pixels to the right.
        margin: Pixels to leave out at each border. Default: `shift`, or more if the model looks further.
    """
    margin = abs(shift) if margin is None else margin
    if 2 * margin >= min(context.shape[2:4]):
        raise ValueError(f"margin={margin} leaves nothing of frames of {context.shape[2]}×{context.shape[3]}: lower it")
    inside = (slice(None), *[slice(margin, -margin or None)] * 2)
    forecast = predict_next(model, context)
    of_shifted = predict_next(model, np.roll(context, shift, axis=3))
    shifted = np.roll(forecast, shift, axis=2)
    return float(np.linalg.norm((of_shifted - shifted)[inside]) / np.linalg.norm(forecast[inside]))
