"""Let any network forecast a still video as still: it reads differences from the last frame, and forecasts a change."""

import keras
from keras import layers, ops

from nextframe._utils.keras_layers import ROLLOUT, frames_ahead

GAIN = 8.0  # frames differ by a few percent of the range; layers learn best from numbers near 1


def on_differences(network: keras.Model, gain: float = GAIN) -> keras.Model:
    """Let a network read differences from the last frame and forecast the change that comes next.

    The forecast is `last + (network(gain × (context − last)) − network(0)) ÷ gain`. Where nothing changes it is the
    last frame, up to rounding, for any weights of the network: copying need not be learned.

    Args:
        network: Maps a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or to several
            frames ahead; such as one with a linear head: its output must be free to be negative.
        gain: Factor on the differences.

    Returns:
        Model of the same shapes.

    Raises:
        ValueError: The network forecasts after every frame.
    """
    ahead = frames_ahead(network)
    if len(network.output_shape) != 4 and ahead is None:
        raise ValueError(
            f"{network.name} gives {network.output_shape}: expected one frame, (batch, height, width, 1), or several "
            f'ahead from a layer named "{ROLLOUT}": build it with return_sequences=False'
        )
    context = keras.Input(network.input_shape[1:], name="context")
    last = context[:, -1:]
    differences = gain * (context - last)
    nothing = network(ops.zeros_like(ops.take(differences, [0], axis=0)))
    change = (network(differences) - nothing) / gain
    if ahead is None:
        last = last[:, 0]
    name = "forecast" if ahead is None else ROLLOUT
    forecast = layers.Add(dtype="float32", name=name)([last, change])
    return keras.Model(
        context, forecast, name=f"{network.name}_on_differences"
    )
