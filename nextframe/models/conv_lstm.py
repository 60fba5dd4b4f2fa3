"""ConvLSTM and ConvGRU: recurrent layers whose hidden state keeps rows and columns."""

import keras
from keras import layers

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import ConvGRU2D
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import group_frames, patchify, unpatchify

RECURRENT_2D = {"lstm": layers.ConvLSTM2D, "gru": ConvGRU2D}


def encode(
    x: keras.KerasTensor,
    cell: type[keras.layers.Layer],
    filters: int,
    kernel_size: int,
    depth: int,
) -> keras.KerasTensor:
    """Read step by step with a stack of recurrent layers; one output a step."""
    options = {"padding": "same", "return_sequences": True}
    for _ in range(whole_number("depth", depth)):
        x = cell(filters, kernel_size, **options)(x)
    return x


def decode(
    x: keras.KerasTensor, filters: int, depth: int, channels: int
) -> keras.KerasTensor:
    """Convolve each step for itself: a kernel of 1 in time."""
    kernel, options = (1, 3, 3), {"padding": "same"}
    for _ in range(whole_number("decoder_depth", depth) - 1):
        x = layers.Conv3D(filters, kernel, activation="relu", **options)(x)
    return layers.Conv3D(channels, kernel, **options)(x)


def conv_lstm(
    context_shape: tuple[int, ...],
    filters: int = 16,
    depth: int = 1,
    kernel_size: int = 3,
    cell: str = "lstm",
    patch: int = 2,
    frames_per_step: int = 1,
    decoder_depth: int = 3,
    decoder_filters: int = 64,
    return_sequences: bool = False,
    head: str = "linear",
) -> keras.Model:
    """Read the frames with a stack of ConvLSTM or ConvGRU layers, and decode a frame from the last one's state.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each layer's hidden state.
        depth: Number of recurrent layers.
        kernel_size: Side of each kernel, for inputs and for the hidden state, in positions.
        cell: "lstm" or "gru".
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.
        frames_per_step: Frames that the recurrent layers read at once. Half as many steps cost half as much.
        decoder_depth: Number of convolutions in the decoder, the last one included.
        decoder_filters: Channels of each of them but the last.
        return_sequences: Whether to forecast after every frame, and not after the last one only. Each forecast is made from
            the frames up to its own, since a recurrent layer cannot look ahead and the decoder looks at one step.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or with
        `return_sequences` to `(batch, N, height, width, 1)`, a forecast of the frame after each.

    Raises:
        ValueError: A context shape, cell or head that does not exist, a patch or a step that does not divide the
            frames, a depth below 1, or `return_sequences` with steps of more than one.

    Source:
        Shi et al., Convolutional LSTM Network, NIPS 2015, without peepholes, which Keras does not have.
    """
    one_of("cell", cell, RECURRENT_2D)
    if return_sequences and frames_per_step != 1:
        raise ValueError(
            f"return_sequences with {frames_per_step=}: expected 1"
        )
    context = context_input(context_shape)
    x = group_frames(patchify(context, patch), frames_per_step)
    x = encode(x, RECURRENT_2D[cell], filters, kernel_size, depth)
    x = x if return_sequences else x[:, -1:]
    x = unpatchify(decode(x, decoder_filters, decoder_depth, patch**2), patch)
    forecast = to_frame(context, x if return_sequences else x[:, 0], head)
    return keras.Model(context, forecast, name="conv_lstm")
