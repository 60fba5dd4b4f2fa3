"""A world model: the book's forecaster, with one more input, the action that leads to the next frame."""

import keras
from keras import layers

from nextframe._utils.validation import whole_number
from nextframe.models.forecaster import check_sizes, unet
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)

CERTAINTY = 4.0  # logit of a white pixel before training: 0.98 to stay white


def steerable(
    context_shape: tuple[int, ...],
    actions: int = 3,
    filters: int = 64,
    blocks: int = 2,
    deep_filters: int = 64,
    deep_blocks: int = 2,
    patch: int = 2,
) -> keras.Model:
    """Forecast the frame that follows a context and an action, pixel by pixel, as the probability that it is white.

    Args:
        context_shape: `(N, height, width, 1)`.
        actions: How many actions there are; they are the numbers from 0 on.
        filters: Channels at full resolution, one position for each patch.
        blocks: Residual blocks there: one before the lower resolution, the others after it.
        deep_filters: Channels at half the resolution.
        deep_blocks: Residual blocks there; with 0, the lower resolution is left out.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` and an action, a whole number `(batch,)`, to a target
        `(batch, height, width, 1)`. Before training, it copies the last frame.

    Raises:
        ValueError: A context shape that does not exist, sides that `2 × patch` does not divide, or a number that is too
            small.

    Source:
        The action as an embedding that is added to the features: Oh et al., Action-Conditional Video Prediction using
        Deep Networks in Atari Games, NIPS 2015, who multiply. The network: `nextframe.models.forecaster`, without its
        kernels.
    """
    context = context_input(context_shape)
    check_sizes(
        context_shape, blocks, deep_blocks, context_shape[0], 0, patch
    )
    whole_number("actions", actions)
    action = keras.Input((), dtype="int32", name="action")
    x = frames_to_channels(patchify(context, patch))
    channels = x.shape[-1]
    meaning = layers.Embedding(actions, channels, name="action_embedding")
    x = x + layers.Reshape((1, 1, channels))(meaning(action))
    x = unet(x, filters, blocks, deep_filters, deep_blocks)
    options = {"padding": "same", "kernel_initializer": "zeros"}
    change = layers.Conv2D(patch**2, 3, **options)(x)
    copied = layers.Rescaling(2 * CERTAINTY, -CERTAINTY)(context[:, -1])
    logits = copied + unpatchify(change, patch)
    frame = to_frame(context, logits, "sigmoid")
    return keras.Model([context, action], frame, name="steerable")
