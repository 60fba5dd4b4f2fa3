"""Heads: how a model turns its features into a frame."""

import keras
from keras import layers

from nextframe.checks import one_of

HEADS = ("linear", "residual", "sigmoid")


def to_frame(
    context: keras.KerasTensor, frame: keras.KerasTensor, head: str
) -> keras.KerasTensor:
    """Finish a forecast.

    Args:
        context: `(batch, N, height, width, 1)`.
        frame: What the model's last layer made of it, `(batch, height, width, 1)`, without an activation; or one for
            each step, `(batch, N, height, width, 1)`.
        head: "linear": that is the forecast. It may stray outside 0..1; clip it when it is scored.
            "residual": it is a correction, added to the last frame of the context (or to each step's own frame).
            "sigmoid": squeeze it into 0..1. With a loss of MSE on sparse frames this collapses to black.

    Returns:
        The forecast, of the shape of `frame`, float32 also where the rest computes in half precision.

    Raises:
        ValueError: Another head.
    """
    one_of("head", head, HEADS)
    if head == "linear":
        return layers.Activation("linear", dtype="float32", name="forecast")(
            frame
        )
    if head == "residual":
        last = context if len(frame.shape) == 5 else context[:, -1]
        return layers.Add(dtype="float32", name="forecast")([last, frame])
    return layers.Activation("sigmoid", dtype="float32", name="forecast")(
        frame
    )
