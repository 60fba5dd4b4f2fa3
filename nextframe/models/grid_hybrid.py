"""A stack that keeps the picture: an encoder on each frame, Conv3D, ConvGRU or ConvLSTM, and skips to the last frame."""

from typing import Any

import keras
from keras import layers

from nextframe._utils.validation import one_of
from nextframe.layers import FoldFrames
from nextframe.models.backbones import frame_encoder, normalize_features
from nextframe.models.conv_lstm import RECURRENT_2D
from nextframe.models.heads import decode_with_skip, to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import group_frames


def grid_hybrid(
    context_shape: tuple[int, ...],
    filters: int = 16,
    cell: str = "gru",
    patch: int = 2,
    frames_per_step: int = 2,
    decoder_filters: int = 64,
    head: str = "residual",
    feature_layer: str = "block1",
    **encoder: Any,
) -> keras.Model:
    """Encode each frame, convolve in space and time, read with a ConvGRU or ConvLSTM, and decode beside the last frame's pixels.

    Nothing is pooled after the encoder, whose early layers keep a position for every few pixels.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of the convolution in time and of the hidden state.
        cell: "lstm" for ConvLSTM or "gru" for ConvGRU.
        patch: Side of the squares of pixels that are decoded at once; see `nextframe.models.patches`.
        frames_per_step: Frames that the recurrent layer reads at once.
        decoder_filters: Channels of the decoder's convolutions.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.
        feature_layer, encoder: As in `nextframe.models.frame_encoder`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A cell, patch, step or head that does not exist or fit.
        ConnectionError: Weights that cannot be fetched.
    """
    one_of("cell", cell, RECURRENT_2D)
    context = context_input(context_shape)
    read = frame_encoder(
        context_shape[1:], feature_layer=feature_layer, **encoder
    )
    x = FoldFrames(read)(context)  # (batch, N, rows, columns, channels)
    x = normalize_features(x)
    x = group_frames(x, frames_per_step)
    x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
    state = RECURRENT_2D[cell](filters, 3, padding="same")(x)
    frame = decode_with_skip(context, state, decoder_filters, patch)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="grid_hybrid")
