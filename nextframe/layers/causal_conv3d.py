"""A 3-D convolution that never looks ahead in time."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("nextframe")
class CausalConv3D(keras.layers.Conv3D):
    """Conv3D whose output at time t sees the inputs up to t, and none after.

    Keras offers causal padding for Conv1D alone. With `padding="same"`, a temporal kernel of 3 sees one frame ahead:
    in a sequence-to-sequence model that frame is the target. Here time is padded at its start only, and space on both
    sides, so every axis keeps its length.

    Args:
        filters, kernel_size, kwargs: As for `keras.layers.Conv3D`. `padding` and `strides` are fixed, since other
            values would not be causal or not keep the length.

    Input shape:
        `(batch, time, height, width, channels)`

    Output shape:
        `(batch, time, height, width, filters)`

    Raises:
        ValueError: `padding`, `strides` or `data_format` is given another value.
    """

    def __init__(self, filters: int, kernel_size: int | tuple[int, int, int], **kwargs: Any):
        fixed = {"padding": "valid", "strides": (1, 1, 1), "data_format": "channels_last"}
        for name, value in fixed.items():
            given = kwargs.pop(name, value)
            # a layer that was saved comes back with lists
            if (tuple(given) if isinstance(given, list) else given) != value:
                raise ValueError(f"{name}={given!r}: CausalConv3D keeps the length of every axis; leave it out")
        super().__init__(filters, kernel_size, **fixed, **kwargs)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Pad, then convolve."""
        padded = [dilation * (size - 1) for size, dilation in zip(self.kernel_size, self.dilation_rate, strict=True)]
        time, *space = padded
        padding = [(0, 0), (time, 0), *((side // 2, side - side // 2) for side in space), (0, 0)]
        return super().call(ops.pad(inputs, padding))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's shape, but for the channels."""
        return (*input_shape[:-1], self.filters)
