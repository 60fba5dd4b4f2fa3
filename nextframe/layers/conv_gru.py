"""ConvGRU2D: a GRU whose inputs and hidden state keep rows and columns; Keras has the LSTM of that kind alone."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("nextframe")
class ConvGRU2DCell(keras.layers.GRUCell):
    """One step of `ConvGRU2D`; its arguments are explained there.

    Call arguments:
        inputs: `(batch, rows, columns, channels)`.
        states: The hidden state, `(batch, new rows, new columns, filters)`, alone in a list.
        training: Whether dropout is at work.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        reset_after=False,
        **options,
    ):
        super().__init__(filters, reset_after=reset_after, **options)
        # Conv2D parses and validates these arguments
        like = keras.layers.Conv2D(
            filters, kernel_size, strides, padding, data_format=data_format, dilation_rate=dilation_rate
        )
        self.filters, self.kernel_size, self.strides = filters, like.kernel_size, like.strides
        self.padding, self.data_format, self.dilation_rate = like.padding, like.data_format, like.dilation_rate
        self.dropout_mask_count = None  # one mask for all gates

    def build(self, input_shape):
        """Make the weights: gates along the last axis, in the order of Keras's GRU: update, reset, candidate."""
        channels, *space = self._channels_first(input_shape[1:])
        if channels is None or None in space:
            raise ValueError(f"input_shape={input_shape}: ConvGRU2D needs to know rows, columns and channels")
        self.input_shape_of_a_step = tuple(input_shape[1:])
        gates = 3 * self.filters
        for name, into in (("kernel", channels), ("recurrent_kernel", self.filters)):
            kind = "recurrent" if name == "recurrent_kernel" else "kernel"
            weight = self.add_weight(
                shape=(*self.kernel_size, into, gates),
                initializer=getattr(self, f"{kind}_initializer"),
                regularizer=getattr(self, f"{kind}_regularizer"),
                constraint=getattr(self, f"{kind}_constraint"),
                name=name,
            )
            setattr(self, name, weight)
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

    def call(self, inputs, states, training=False):
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

    def get_initial_state(self, batch_size=None):
        """The initial hidden state: zeros."""
        shape = self.compute_output_shape((batch_size, *self.input_shape_of_a_step))
        return [ops.zeros(shape, dtype=self.compute_dtype)]

    def compute_output_shape(self, input_shape):
        """The shape of the hidden state, which is the output."""
        like = keras.layers.Conv2D(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return like.compute_output_shape(input_shape)

    def get_config(self):
        """Everything that `__init__` takes."""
        config = super().get_config()
        del config["units"]
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        return config | {name: getattr(self, name) for name in names}

    def _convolve_input(self, inputs, bias):
        x = ops.conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._add(x, bias)

    def _convolve_state(self, state, kernel, bias=None):
        return self._add(ops.conv(state, kernel, 1, "same", self.data_format), bias)

    def _add(self, x, bias):
        if bias is None:
            return x
        return x + (bias if self.data_format == "channels_last" else ops.reshape(bias, (-1, 1, 1)))

    def _split(self, x, first):
        return ops.split(x, [first], axis=-1 if self.data_format == "channels_last" else 1)

    def _channels_first(self, shape):
        return (shape[-1], *shape[:-1]) if self.data_format == "channels_last" else shape


@keras.saving.register_keras_serializable("nextframe")
class ConvGRU2D(keras.layers.RNN):
    """Convolutional GRU: reads a video frame by frame, with feature maps as its hidden state.

    At each step, with ∗ a convolution and · a product pixel by pixel:

        update    = σ(W ∗ x + U ∗ h)
        reset     = σ(V ∗ x + T ∗ h)
        candidate = tanh(Q ∗ x + R ∗ (reset · h))
        h         = update · h + (1 − update) · candidate

    It has three gates' worth of kernels where `keras.layers.ConvLSTM2D` has four, and one state where that has two. Its
    arguments, shapes and call arguments are those of `keras.layers.ConvLSTM2D`, but for `unit_forget_bias`, which has
    no meaning here.

    Args:
        filters: Channels of the hidden state, and of the output.
        kernel_size: Side or sides of the kernels, for inputs and for the hidden state.
        strides, padding, data_format, dilation_rate: Of the convolution of the input, as for `keras.layers.Conv2D`. The
            hidden state is always convolved with stride 1, and keeps its size.
        reset_after: Whether the reset gate acts after the hidden state's convolution, as in Keras's GRU, not before it.
        return_sequences: Whether to return the hidden state after every frame, or after the last one.
        return_state: Whether to return the last hidden state as well.
        go_backwards: Whether to read the video backwards.
        stateful: Whether a batch begins with the hidden states that the batch before it ended with.
        unroll: Whether to write the steps out instead of looping. On JAX, masks need it, here as in Keras's own layer.
        options: All that `keras.layers.GRUCell` takes: activations, biases, initializers, regularizers, constraints,
            dropout, recurrent_dropout, seed; and what every layer takes: name, dtype, trainable.

    Input shape:
        `(batch, time, rows, columns, channels)`, or channels before rows with `data_format="channels_first"`.

    Output shape:
        `(batch, time, new rows, new columns, filters)` with `return_sequences`, else without the time; with
        `return_state` followed by `(batch, new rows, new columns, filters)`.

    Raises:
        ValueError: An argument that Keras's own layers would not take either, or frames of unknown size.

    Source:
        Ballas et al., Delving Deeper into Convolutional Networks for Learning Video Representations, ICLR 2016.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        *,
        reset_after=False,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        name=None,
        trainable=True,
        dtype=None,
        activity_regularizer=None,
        **options,
    ):
        cell = ConvGRU2DCell(
            filters, kernel_size, strides, padding, data_format, dilation_rate, reset_after, dtype=dtype, **options
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            name=name,
            trainable=trainable,
            dtype=dtype,
            activity_regularizer=activity_regularizer,
        )
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """The shape of the output, or of output and hidden state; see above."""
        batch, steps, *frame = sequences_shape
        state = tuple(self.cell.compute_output_shape((batch, *frame)))
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, state) if self.return_state else output

    def get_config(self):
        """Everything that `__init__` takes."""
        config = super().get_config()
        del config["cell"]
        cell = self.cell.get_config()
        for name in ("name", "trainable", "dtype"):
            del cell[name]
        return cell | config

    @classmethod
    def from_config(cls, config):
        """Make the layer that `get_config` described."""
        return cls(**config)
