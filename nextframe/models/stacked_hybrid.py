"""The famous answer's stack: a network on each frame, convolutions in time, pooling, and a recurrent layer."""

from typing import Any

import keras
from keras import layers

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import FoldFrames
from nextframe.models.backbones import frame_encoder, normalize_features
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input

RECURRENT = {"lstm": layers.LSTM, "gru": layers.GRU}


def convolve_and_pool(
    x: keras.KerasTensor, filters: int, pooling: int, times: int = 2
) -> keras.KerasTensor:
    """Convolve in space and time and max-pool each square of positions, `times` over."""
    least = whole_number("pooling", pooling) ** times
    rows, columns = x.shape[2:4]
    if min(rows, columns) < least:
        raise ValueError(
            f"pooling={pooling} needs features of {least}×{least} or more, "
            f"not {rows}×{columns}: lower it, raise image_size, or choose an "
            "earlier feature_layer"
        )
    for _ in range(times):
        x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling3D((1, pooling, pooling))(x)
    return x


def stacked_hybrid(
    context_shape: tuple[int, ...],
    pooling: int = 2,
    cell: str = "gru",
    units: int = 256,
    filters: int = 32,
    head: str = "linear",
    feature_layer: str | None = "block1",
    **encoder: Any,
) -> keras.Model:
    """Encode each frame, convolve in space and time, pool, read with a recurrent layer, and decode a frame from its state.

    Args:
        context_shape: `(N, height, width, 1)`.
        pooling: Side of the squares of positions that are pooled into one, after each of the two convolutions.
        cell: "lstm" or "gru".
        units: Size of its state.
        filters: Channels of the convolutions.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.
        feature_layer, encoder: As in `nextframe.models.frame_encoder`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A cell or head that does not exist, or features too small to be pooled twice.
        ConnectionError: Weights that cannot be fetched.
    """
    one_of("cell", cell, RECURRENT)
    context = context_input(context_shape)
    frames, height, width, _ = context_shape
    read = frame_encoder(
        context_shape[1:], feature_layer=feature_layer, **encoder
    )
    x = FoldFrames(read)(context)  # (batch, N, rows, columns, channels)
    x = normalize_features(x)
    x = convolve_and_pool(x, filters, pooling)
    x = layers.Reshape((frames, -1))(x)  # (batch, N, features)
    state = RECURRENT[cell](units)(x)  # (batch, units)
    decoded = layers.Dense(height * width)(state)
    frame = layers.Reshape((height, width, 1))(decoded)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="stacked_hybrid")


def stacked_classifier(
    context_shape: tuple[int, ...],
    classes: int = 8,
    pooling: int = 2,
    cell: str = "gru",
    units: int = 64,
    filters: int = 32,
    **encoder: Any,
) -> keras.Model:
    """Classify a clip with such a stack, of one convolution: what its parts were made for.

    Args:
        context_shape: `(N, height, width, 1)`.
        classes: How many there are.
        pooling: Side of the squares of positions that are pooled into one.
        cell, units, filters, encoder: As in `stacked_hybrid`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to probabilities `(batch, classes)`.

    Raises:
        ValueError: A cell that does not exist, or features too small to be pooled.
        ConnectionError: Weights that cannot be fetched.
    """
    one_of("cell", cell, RECURRENT)
    context = context_input(context_shape)
    read = frame_encoder(context_shape[1:], **encoder)
    x = FoldFrames(read)(context)  # (batch, N, rows, columns, channels)
    x = normalize_features(x)
    x = convolve_and_pool(x, filters, pooling, times=1)
    x = layers.Reshape((context_shape[0], -1))(x)  # (batch, N, features)
    state = RECURRENT[cell](units)(x)
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32"
    )(state)
    return keras.Model(context, probabilities, name="stacked_classifier")
