"""CNN-LSTM (LRCN): Conv2D on each frame, then an LSTM on the flattened features."""

import keras
from keras import layers

from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input


def conv_then_lstm(
    context_shape: tuple[int, ...],
    filters: int = 16,
    units: int = 256,
    head: str = "linear",
) -> keras.Model:
    """Halve each frame twice with strided convolutions, flatten, read with an LSTM, and decode a frame from its last state.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of the convolutions.
        units: Size of the LSTM's state.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape or head that does not exist.

    Source:
        Shi et al., Convolutional LSTM Network, NIPS 2015, which proposes the ConvLSTM in the place of such a stack.
    """
    context = x = context_input(context_shape)
    frames, height, width, _ = context_shape
    for _ in range(2):  # a kernel of 1 in time: each frame for itself
        x = layers.Conv3D(
            filters,
            (1, 3, 3),
            strides=(1, 2, 2),
            padding="same",
            activation="relu",
        )(x)  # (batch, N, rows, columns, filters)
    x = layers.Reshape((frames, -1))(x)  # (batch, N, features)
    state = layers.LSTM(units)(x)  # (batch, units)
    decoded = layers.Dense(height * width)(state)
    frame = layers.Reshape((height, width, 1))(decoded)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="conv_then_lstm")
