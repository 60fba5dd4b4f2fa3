"""SpatiotemporalLSTM2DCell: one step of `SpatiotemporalLSTM2D`, in a module of its own."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

_FORGET_GATES = 1, 5  # among the seven groups of channels that a step makes of its input


@keras.saving.register_keras_serializable("nextframe")
class SpatiotemporalLSTM2DCell(keras.layers.LSTMCell):
    """One step of `SpatiotemporalLSTM2D`, which explains the arguments; those after the first six are `LSTMCell`'s.

    Called step by step, it lets the second memory go elsewhere than to the next step of its own layer: PredRNN hands it
    up from layer to layer. See `nextframe.models.predrnn`.

    Call arguments:
        inputs: `(batch, rows, columns, channels)`.
        states: Hidden state, cell state and second memory, each `(batch, new rows, new columns, filters)`, in a list.
        training: Whether dropout is at work.

    Returns:
        The hidden state, as output; and the three states in a list.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        **options: Any,
    ):
        super().__init__(filters, **options)
        # Conv2D parses and validates these arguments, and knows the shape of the output
        like = keras.layers.Conv2D(
            filters, kernel_size, strides, padding, data_format=data_format, dilation_rate=dilation_rate
        )
        self.filters, self.kernel_size, self.strides = filters, like.kernel_size, like.strides
        self.padding, self.data_format, self.dilation_rate = like.padding, like.data_format, like.dilation_rate
        self.convolved_shape = like.compute_output_shape
        self.channel_axis = -1 if like.data_format == "channels_last" else 1
        self.state_size = [filters] * 3
        self.dropout_mask_count = None  # one mask for all gates

    def build(self, inputs_shape: tuple[int | None, ...], states_shape: Any = None) -> None:
        """Make the weights.

        Along the last axis of each kernel: input gate, forget gate, candidate and output gate, as in Keras's LSTM, then
        the second memory's input gate, forget gate and candidate. The kernel for inputs has all seven, that for the
        hidden state the first four, that for the second memory the last three.
        """
        if None in inputs_shape[1:]:
            raise ValueError(
                f"inputs_shape={inputs_shape}: SpatiotemporalLSTM2D needs to know rows, columns and channels"
            )
        self.input_shape_of_a_step = tuple(inputs_shape[1:])
        channels, filters, size = inputs_shape[self.channel_axis], self.filters, self.kernel_size
        self.kernel = self.add_weight(
            shape=(*size, channels, 7 * filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self._add_kernel("recurrent_kernel", (*size, filters, 4 * filters))
        self.memory_kernel = self._add_kernel("memory_kernel", (*size, filters, 3 * filters))
        # What both memories say to the output gate, and to what it lets through
        self.output_kernel = self._add_kernel("output_kernel", (*size, 2 * filters, filters))
        self.mixing_kernel = self._add_kernel("mixing_kernel", (1, 1, 2 * filters, filters))
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(7 * filters,),
                initializer=self._initial_bias if self.unit_forget_bias else self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.built = True

    def call(
        self, inputs: keras.KerasTensor, states: Sequence[keras.KerasTensor], training: bool = False
    ) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """Update the states by one frame; return the hidden state as output, and all three."""
        hidden, cell, memory = states
        seen, kept = inputs, hidden
        if training and 0 < self.dropout < 1:
            seen = seen * self.get_dropout_mask(seen)
        if training and 0 < self.recurrent_dropout < 1:
            kept = kept * self.get_recurrent_dropout_mask(kept)
        x = ops.split(self._convolve_input(seen), 7, self.channel_axis)
        h = ops.split(self._convolve_state(kept, self.recurrent_kernel), 4, self.channel_axis)
        m = ops.split(self._convolve_state(memory, self.memory_kernel), 3, self.channel_axis)
        cell = self._update(cell, *(of_x + of_h for of_x, of_h in zip(x[:3], h[:3], strict=True)))
        memory = self._update(memory, *(of_x + of_m for of_x, of_m in zip(x[4:], m, strict=True)))
        both = ops.concatenate([cell, memory], self.channel_axis)
        gate = self.recurrent_activation(x[3] + h[3] + self._convolve_state(both, self.output_kernel))
        hidden = gate * self.activation(self._convolve_state(both, self.mixing_kernel))
        return hidden, [hidden, cell, memory]

    def get_initial_state(self, batch_size: int | None = None) -> list[keras.KerasTensor]:
        """The initial states: zeros."""
        shape = self.convolved_shape((batch_size, *self.input_shape_of_a_step))
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(3)]

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], states_shape: Any = None
    ) -> tuple[tuple[int | None, ...], list[tuple[int | None, ...]]]:
        """The shape of the output, and of the three states."""
        shape = tuple(self.convolved_shape(inputs_shape))
        return shape, [shape] * 3

    def get_config(self) -> dict[str, Any]:
        """Everything that `__init__` takes."""
        config = super().get_config()
        del config["units"]
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        return config | {name: getattr(self, name) for name in names}

    def _add_kernel(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        return self.add_weight(
            shape=shape,
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name=name,
        )

    def _initial_bias(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """Biases of the forget gates that let everything stay at first; the others as asked for."""
        ones, other = keras.initializers.Ones(), self.bias_initializer
        parts = [ones if gate in _FORGET_GATES else other for gate in range(7)]
        return ops.concatenate([make((self.filters,), dtype=dtype) for make in parts])

    def _update(
        self,
        memory: keras.KerasTensor,
        write: keras.KerasTensor,
        keep: keras.KerasTensor,
        candidate: keras.KerasTensor,
    ) -> keras.KerasTensor:
        """An LSTM's update of a memory, from what its gates and its candidate are before their activation."""
        if self.unit_forget_bias and self.bias is None:
            keep = keep + 1
        kept = self.recurrent_activation(keep) * memory
        return kept + self.recurrent_activation(write) * self.activation(candidate)

    def _convolve_input(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        if self.bias is None:
            return x
        return x + (self.bias if self.channel_axis == -1 else ops.reshape(self.bias, (-1, 1, 1)))

    def _convolve_state(self, state: keras.KerasTensor, kernel: keras.KerasTensor) -> keras.KerasTensor:
        return ops.conv(state, kernel, 1, "same", self.data_format)
