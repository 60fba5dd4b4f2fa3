"""A world model: frames as channels, with one more input, the action that leads to the next frame."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from nextframe._utils.validation import whole_number
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)

CERTAINTY = 6.0  # logit of a white pixel before training: 0.998 to stay white


def add_action(
    x: keras.KerasTensor, action: keras.KerasTensor, actions: int
) -> keras.KerasTensor:
    """Add what an action means, a number for each channel, at all positions of a map."""
    channels = x.shape[-1]
    meaning = layers.Embedding(actions, channels, name="action_embedding")
    return x + layers.Reshape((1, 1, channels))(meaning(action))


def predict_change(
    x: keras.KerasTensor, filters: int, dilations: Sequence[int], patch: int
) -> keras.KerasTensor:
    """Residual convolutions, dilated to see far; before training, no change."""
    options: dict[str, Any] = {"padding": "same", "activation": "relu"}
    x = layers.Conv2D(filters, 3, **options)(x)
    for dilation in dilations:
        options["dilation_rate"] = whole_number("dilations", dilation)
        x = x + layers.Conv2D(filters, 3, **options)(x)
    options = {"padding": "same", "kernel_initializer": "zeros"}
    return unpatchify(layers.Conv2D(patch**2, 3, **options)(x), patch)


def steerable(
    context_shape: tuple[int, ...],
    actions: int = 3,
    filters: int = 64,
    dilations: Sequence[int] = (1, 2, 2),
    patch: int = 2,
) -> keras.Model:
    """Forecast the frame that follows a context and an action: for each pixel, the probability that it is white.

    Args:
        context_shape: `(N, height, width, 1)`.
        actions: How many actions there are; they are the numbers from 0 on.
        filters: Channels of each hidden layer, one position for each patch.
        dilations: Of the residual convolutions, one each: how far apart the positions are that a 3×3 kernel reads. Dilated
            kernels see further with as many weights.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` and an action, a whole number `(batch,)`, to a target
        `(batch, height, width, 1)`. Before training, it copies the last frame.

    Raises:
        ValueError: A context shape that does not exist, a patch that does not divide the frames, or a number that is
            too small.

    Source:
        Oh et al., Action-Conditional Video Prediction using Deep Networks in Atari Games, NIPS 2015: there, the action's
        embedding multiplies the features, and here it is added. Dilations: Yu and Koltun, Multi-Scale Context
        Aggregation by Dilated Convolutions, ICLR 2016.
    """
    whole_number("actions", actions)
    whole_number("filters", filters)
    context = context_input(context_shape)
    action = keras.Input((), dtype="int32", name="action")
    x = frames_to_channels(patchify(context, patch))
    x = add_action(x, action, actions)
    change = predict_change(x, filters, dilations, patch)
    copied = layers.Rescaling(2 * CERTAINTY, -CERTAINTY)(context[:, -1])
    frame = to_frame(context, copied + change, "sigmoid")
    return keras.Model([context, action], frame, name="steerable")
