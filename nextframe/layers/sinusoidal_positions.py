"""Sinusoidal positions: what tells a network that reads its tokens in no order which one is which."""

import math

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("nextframe")
class SinusoidalPositions(keras.layers.Layer):
    """Add waves of its number to each token: to channel 2k sin(number / 10000^(2k / channels)), to 2k + 1 the cosine.

    Tokens are numbered from 0 through all axes between the first and the last, the last of them fastest: through one
    frame after the other. There is nothing to learn.

    Args:
        kwargs: As for `keras.layers.Layer`.

    Input shape:
        `(batch, ..., channels)`, with at least one axis of tokens, all of known sizes.

    Output shape:
        The same.

    Raises:
        ValueError: The input has no axis of tokens, or one of unknown size.

    Source:
        Vaswani et al., Attention Is All You Need, NIPS 2017.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Compute the waves."""
        sizes = [size for size in input_shape[1:] if size is not None]
        if len(sizes) < max(2, len(input_shape) - 1):
            raise ValueError(
                f"input of shape {tuple(input_shape)}: expected (batch, tokens, channels), or more axes of tokens, "
                "and each size but the first known: waves are drawn for these tokens"
            )
        self.waves = sinusoids(math.prod(sizes[:-1]), sizes[-1]).reshape(sizes)
        self.built = True

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Add them."""
        return inputs + ops.cast(self.waves, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's."""
        return tuple(input_shape)


def sinusoids(count: int, channels: int) -> np.ndarray:
    """Return the waves of `SinusoidalPositions` for the numbers 0 to count − 1, float32 `(count, channels)`."""
    channel = np.arange(channels)
    angle = np.arange(count)[:, None] / 10_000 ** (channel // 2 * 2 / channels)
    return np.where(channel % 2, np.cos(angle), np.sin(angle)).astype(np.float32)
