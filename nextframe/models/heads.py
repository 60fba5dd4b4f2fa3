"""Heads: how a model turns its features into a frame."""

import keras
from keras import layers

from nextframe._utils.keras_layers import ROLLOUT
from nextframe._utils.validation import one_of
from nextframe.models.patches import patchify, unpatchify

HEADS = ("linear", "residual", "sigmoid")


def to_frame(
    context: keras.KerasTensor,
    frame: keras.KerasTensor,
    head: str,
    name: str | None = "forecast",
) -> keras.KerasTensor:
    """Finish a forecast.

    Args:
        context: `(batch, N, height, width, 1)`.
        frame: Output of the model's last layer, `(batch, height, width, 1)`, without an activation; or one for
            each step, `(batch, N, height, width, 1)`.
        head: "linear": this output is the forecast. It may stray outside 0..1; clip it when it is scored.
            "residual": it is a correction, added to the last frame of the context (or to each step's own frame).
            "sigmoid": squeeze it into 0..1. With a loss of MSE on sparse frames this collapses to black.
        name: Of the layer; None for one that Keras makes up, where a model forecasts on the way as well.

    Returns:
        The forecast, of the shape of `frame`, float32 also where the rest computes in half precision.

    Raises:
        ValueError: Another head.
    """
    one_of("head", head, HEADS)
    if head == "residual":
        last = context if len(frame.shape) == 5 else context[:, -1]
        return layers.Add(dtype="float32", name=name)([last, frame])
    return layers.Activation(head, dtype="float32", name=name)(frame)


def to_rollout(
    context: keras.KerasTensor, frames: keras.KerasTensor, head: str
) -> keras.KerasTensor:
    """Finish the forecasts of a model that makes several frames at once.

    Args:
        context: `(batch, N, height, width, 1)`.
        frames: Output of the model's last layer, `(batch, horizon, height, width, 1)`, without an activation.
        head: As for `to_frame`; a residual is added to the last frame of the context, for every step.

    Returns:
        With a horizon of 1 a target, `(batch, height, width, 1)`, as `to_frame` makes it. Else the frames after the
        context, of the shape of `frames`, from a layer named "rollout", which tells them from one forecast after each
        frame of the context. float32 in both cases.

    Raises:
        ValueError: Another head.
    """
    if frames.shape[1] == 1:
        return to_frame(context, frames[:, 0], head)
    return to_frame(context[:, -1:], frames, head, name=ROLLOUT)


def decode_with_skip(
    context: keras.KerasTensor,
    features: keras.KerasTensor,
    filters: int,
    patch: int,
) -> keras.KerasTensor:
    """Decode a frame from features, with a skip connection to the last frame's pixels, which the encoder has lost.

    Args:
        context: `(batch, N, height, width, 1)`.
        features: `(batch, rows, columns, channels)`, resized to the grid of patches where theirs is another.
        filters: Channels of the two hidden convolutions.
        patch: Side of the squares of pixels that are decoded at once; see `nextframe.models.patches`.

    Returns:
        `(batch, height, width, 1)`, without an activation, for `to_frame`.

    Raises:
        ValueError: A patch that does not divide the frames.
    """
    pixels = patchify(context[:, -1:], patch)[:, 0]
    grid = pixels.shape[1:3]
    if features.shape[1:3] != grid:
        features = layers.Resizing(*grid)(features)
    x = layers.Concatenate()([features, pixels])
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return unpatchify(layers.Conv2D(patch**2, 3, padding="same")(x), patch)
