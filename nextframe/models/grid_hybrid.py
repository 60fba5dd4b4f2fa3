"""A stack that keeps the picture: an encoder on each frame, Conv3D, ConvGRU or ConvLSTM, and skips to the last frame."""

import keras
from keras import layers

from nextframe.checks import one_of
from nextframe.layers import FoldFrames
from nextframe.models.backbones import even_out, frame_encoder
from nextframe.models.baselines import context_input
from nextframe.models.conv_lstm import CELLS
from nextframe.models.heads import paint_beside_last, to_frame
from nextframe.models.reshaping import group_frames


def grid_hybrid(
    context_shape: tuple[int, ...],
    filters: int = 16,
    cell: str = "gru",
    patch: int = 2,
    frames_per_step: int = 2,
    decoder_filters: int = 64,
    head: str = "residual",
    cut: str = "block1",
    **encoder,
) -> keras.Model:
    """Encode each frame, convolve in space and time, remember in pictures, and paint beside the last frame's pixels.

    Nothing is pooled after the encoder, whose early layers keep a place for every few pixels.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of the convolution in time and of the memory.
        cell: "lstm" for ConvLSTM or "gru" for ConvGRU.
        patch: Side of the squares of pixels that are painted at once; see `nextframe.models.reshaping`.
        frames_per_step: Frames that the recurrent layer reads at once.
        decoder_filters: Channels of the convolutions that paint.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.
        cut, encoder: As in `nextframe.models.frame_encoder`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A cell, patch, step or head that does not exist or fit.
        ConnectionError: Weights that cannot be fetched.
    """
    one_of("cell", cell, CELLS)
    context = context_input(context_shape)
    read = frame_encoder(context_shape[1:], cut=cut, **encoder)
    x = FoldFrames(read)(context)  # (batch, N, rows, columns, channels)
    x = even_out(x)
    x = group_frames(x, frames_per_step)
    x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
    memory = CELLS[cell](filters, 3, padding="same")(x)  # (batch, …, filters)
    frame = paint_beside_last(context, memory, decoder_filters, patch)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="grid_hybrid")
