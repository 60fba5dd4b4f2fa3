"""Fully connected LSTM (FC-LSTM) or GRU: whole frames as vectors."""

import keras
from keras import layers

from nextframe._utils.validation import one_of
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input


def dense_lstm(
    context_shape: tuple[int, ...],
    units: int = 256,
    cell: str = "lstm",
    head: str = "linear",
) -> keras.Model:
    """Flatten each frame, read the frames with a recurrent layer, and decode a frame from its last state.

    Args:
        context_shape: `(N, height, width, 1)`.
        units: Size of the recurrent layer's state.
        cell: "lstm" or "gru".
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape, cell or head that does not exist.

    Source:
        Srivastava et al., Unsupervised Learning of Video Representations using LSTMs, ICML 2015, with one layer, and
        one frame ahead.
    """
    cells = {"lstm": layers.LSTM, "gru": layers.GRU}
    one_of("cell", cell, cells)
    context = context_input(context_shape)
    frames, height, width, _ = context_shape
    pixels = height * width
    vectors = layers.Reshape((frames, pixels))(context)  # (batch, N, pixels)
    state = cells[cell](units)(vectors)  # (batch, units)
    decoded = layers.Dense(pixels)(state)  # (batch, pixels)
    frame = layers.Reshape((height, width, 1))(decoded)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="dense_lstm")
