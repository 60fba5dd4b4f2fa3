"""ConvGRU2DCell: one step of `ConvGRU2D`, in a module of its own."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("nextframe")
class ConvGRU2DCell(keras.layers.GRUCell):
    """One step of `ConvGRU2D`; its arguments are explained there, and those after the first seven are `GRUCell`'s.

    Call arguments:
        inputs: `(batch, rows, columns, channels)`.
        states: The hidden state, `(batch, new rows, new columns, filters)`, alone in a list.
        training: Whether dropout is at work.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        reset_after: bool = False,
        **options: Any,
    ):
        super().__init__(filters, reset_after=reset_after, **options)
        # Conv2D parses and validates these arguments, and knows the shape of the output
        like = keras.layers.Conv2D(
            filters, kernel_size, strides, padding, data_format=data_format, dilation_rate=dilation_rate
        )
        self.filters, self.kernel_size, self.strides = filters, like.kernel_size, like.strides
        self.padding, self.data_format, self.dilation_rate = like.padding, like.data_format, like.dilation_rate
        self.convolved_shape = like.compute_output_shape
        self.dropout_mask_count = None  # one mask for all gates

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights: gates along the last axis, in the order of Keras's GRU: update, reset, candidate."""
        channels, *space = self._channels_first(input_shape[1:])
        if channels is None or None in space:
            raise ValueError(f"input_shape={input_shape}: ConvGRU2D needs to know rows, columns and channels")
        self.input_shape_of_a_step = tuple(input_shape[1:])
        gates = 3 * self.filters
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels, gates),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(*self.kernel_size, self.filters, gates),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(2, gates) if self.reset_after else (gates,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.built = True

    def call(
        self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor], training: bool = False
    ) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """Update the hidden state by one frame; return it as output and as state."""
        (state,) = states
        seen, kept = inputs, state
        if training and 0 < self.dropout < 1:
            seen = seen * self.get_dropout_mask(seen)
        if training and 0 < self.recurrent_dropout < 1:
            kept = kept * self.get_recurrent_dropout_mask(kept)
        bias = recurrent_bias = None
        if self.bias is not None:
            bias, recurrent_bias = (self.bias[0], self.bias[1]) if self.reset_after else (self.bias, None)
        both = 2 * self.filters  # the update gate's channels and the reset gate's
        x = self._convolve_input(seen, bias)
        x_gates, x_candidate = self._split(x, both)
        if self.reset_after:
            h_gates, h_candidate = self._split(self._convolve_state(kept, self.recurrent_kernel, recurrent_bias), both)
        else:
            h_gates = self._convolve_state(kept, self.recurrent_kernel[..., :both])
        update, reset = self._split(self.recurrent_activation(x_gates + h_gates), self.filters)
        if self.reset_after:
            h_candidate = reset * h_candidate
        else:
            h_candidate = self._convolve_state(reset * kept, self.recurrent_kernel[..., both:])
        candidate = self.activation(x_candidate + h_candidate)
        state = update * state + (1 - update) * candidate
        return state, [state]

    def get_initial_state(self, batch_size: int | None = None) -> list[keras.KerasTensor]:
        """The initial hidden state: zeros."""
        shape = self.compute_output_shape((batch_size, *self.input_shape_of_a_step))
        return [ops.zeros(shape, dtype=self.compute_dtype)]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the hidden state, which is the output."""
        return self.convolved_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Everything that `__init__` takes."""
        config = super().get_config()
        del config["units"]
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        return config | {name: getattr(self, name) for name in names}

    def _convolve_input(self, inputs: keras.KerasTensor, bias: keras.KerasTensor | None) -> keras.KerasTensor:
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._add(x, bias)

    def _convolve_state(
        self, state: keras.KerasTensor, kernel: keras.KerasTensor, bias: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        return self._add(ops.conv(state, kernel, 1, "same", self.data_format), bias)

    def _add(self, x: keras.KerasTensor, bias: keras.KerasTensor | None) -> keras.KerasTensor:
        if bias is None:
            return x
        return x + (bias if self.data_format == "channels_last" else ops.reshape(bias, (-1, 1, 1)))

    def _split(self, x: keras.KerasTensor, first: int) -> list[keras.KerasTensor]:
        return ops.split(x, [first], axis=-1 if self.data_format == "channels_last" else 1)

    def _channels_first(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[-1], *shape[:-1]) if self.data_format == "channels_last" else shape
