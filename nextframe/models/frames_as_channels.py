"""A plain 2-D network that reads N frames as the N channels of one picture."""

import keras
from keras import layers

from nextframe.models.baselines import context_input
from nextframe.models.heads import to_frame


def frames_as_channels(
    context_shape: tuple[int, ...],
    filters: int = 32,
    depth: int = 6,
    kernel_size: int = 3,
    head: str = "linear",
) -> keras.Model:
    """Stack 2-D convolutions on a context whose frames have become channels.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each hidden layer.
        depth: Number of convolutions, the last one included. Each lets a pixel see `kernel_size // 2` pixels further.
        kernel_size: Side of each kernel, in pixels.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape or head that does not exist.
    """
    context = context_input(context_shape)
    x = layers.Permute((2, 3, 4, 1))(context)  # (batch, height, width, 1, N)
    x = layers.Reshape((*context_shape[1:3], context_shape[0]))(
        x
    )  # (batch, height, width, N)
    for _ in range(depth - 1):
        x = layers.Conv2D(
            filters, kernel_size, padding="same", activation="relu"
        )(x)
    frame = layers.Conv2D(1, kernel_size, padding="same")(
        x
    )  # (batch, height, width, 1)
    return keras.Model(
        context, to_frame(context, frame, head), name="frames_as_channels"
    )
