"""Recurrent layers whose memory is a picture: ConvLSTM and ConvGRU."""

import keras
from keras import layers

from nextframe.checks import one_of
from nextframe.layers import ConvGRU2D
from nextframe.models.baselines import context_input
from nextframe.models.heads import to_frame
from nextframe.models.reshaping import from_patches, to_patches


def conv_lstm(
    context_shape: tuple[int, ...],
    filters: int = 64,
    depth: int = 1,
    kernel_size: int = 3,
    cell: str = "lstm",
    patch: int = 4,
    every_step: bool = False,
    head: str = "linear",
) -> keras.Model:
    """Read the frames with a stack of ConvLSTM or ConvGRU layers, and paint a frame from the last one's memory.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each layer's memory.
        depth: Number of recurrent layers.
        kernel_size: Side of each kernel, for inputs and for the memory, in places.
        cell: "lstm" or "gru".
        patch: Side of the squares of pixels that make one place; see `nextframe.models.reshaping`.
        every_step: Whether to forecast after every frame, and not after the last one only. Each forecast is made from
            the frames up to its own, since a recurrent layer cannot look ahead and the painting looks at one step.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or with
        `every_step` to `(batch, N, height, width, 1)`, a forecast of the frame after each.

    Raises:
        ValueError: A context shape, cell or head that does not exist, or a patch that does not divide the frames.

    Source:
        Shi et al., Convolutional LSTM Network, NIPS 2015, without peepholes, which Keras does not have.
    """
    cells = {"lstm": layers.ConvLSTM2D, "gru": ConvGRU2D}
    one_of("cell", cell, cells)
    context = context_input(context_shape)
    x = to_patches(context, patch)  # (batch, N, rows, columns, patch²)
    for _ in range(depth):
        x = cells[cell](
            filters, kernel_size, padding="same", return_sequences=True
        )(x)
    if every_step:
        x = layers.Conv3D(patch**2, (1, 3, 3), padding="same")(x)
    else:
        x = layers.Conv2D(patch**2, 3, padding="same")(x[:, -1])
    frame = from_patches(x, patch)
    return keras.Model(
        context, to_frame(context, frame, head), name="conv_lstm"
    )
