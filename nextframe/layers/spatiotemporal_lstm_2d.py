"""SpatiotemporalLSTM2D: PredRNN's recurrent layer, an LSTM with two memories whose states keep rows and columns."""

from collections.abc import Callable
from typing import Any

import keras

from nextframe.layers._conv_rnn_2d import ConvRNN2D
from nextframe.layers.spatiotemporal_lstm_2d_cell import SpatiotemporalLSTM2DCell


@keras.saving.register_keras_serializable("nextframe")
class SpatiotemporalLSTM2D(ConvRNN2D):
    r"""Spatiotemporal LSTM: a ConvLSTM with a second memory, which another layer can go on with.

    At each step, with ∗ a convolution and ⊙ a product pixel by pixel, it updates its cell state as a ConvLSTM does,

    .. math::
        c \leftarrow {} & \sigma(W_f * x + U_f * h) \odot c \\
        & + \sigma(W_i * x + U_i * h) \\
        & \quad \odot \tanh(W_g * x + U_g * h),

    then the second memory, by gates that look at the memory itself in place of the hidden state,

    .. math::
        m \leftarrow {} & \sigma(W'_f * x + V_f * m) \odot m \\
        & + \sigma(W'_i * x + V_i * m) \\
        & \quad \odot \tanh(W'_g * x + V_g * m),

    and the hidden state from both, M being a convolution of kernel 1:

    .. math::
        h \leftarrow {} & \sigma(W_o * x + U_o * h + O * [c, m]) \\
        & \odot \tanh(M * [c, m])

    In this layer, both memories go from step to step. In PredRNN the second one goes up through the layers of a step
    first: `nextframe.models.predrnn` calls the cells themselves for that. Beside a `keras.layers.ConvLSTM2D` of the
    same input and filters it has about twice the weights. Arguments, shapes and call arguments are those of that
    layer, but there is one state more.

    Args:
        filters: Channels of the three states, and of the output.
        kernel_size: Side or sides of the kernels, for inputs and for states.
        strides, padding, data_format, dilation_rate: Of the convolution of the input, as for `keras.layers.Conv2D`.
            States are always convolved with stride 1, and keep their size.
        activation: Of the candidates, and of what the output gate lets through.
        recurrent_activation: Of the gates.
        use_bias: Whether the gates and the candidates have biases.
        kernel_initializer, recurrent_initializer, bias_initializer: Of the kernels for inputs, of all those for states,
            and of the biases; likewise the regularizers and constraints. `activity_regularizer`: of the output.
        unit_forget_bias: Whether both forget gates are biased by 1: at first, as in Keras's LSTM; or for good where
            there are no biases, as in the authors' code.
        dropout, recurrent_dropout: Share of the input's and of the hidden state's values that training sets to 0.
        seed: Of the dropout.
        return_sequences: Whether to return the hidden state after every frame, or after the last one.
        return_state: Whether to return the last states as well: hidden state, cell state, second memory.
        go_backwards: Whether to read the video backwards.
        stateful: Whether a batch begins with the states that the batch before it ended with. On JAX `predict` forgets
            them, here as in Keras's own layers.
        unroll: Whether to write the steps out instead of looping. On JAX, masks need it, here as in Keras's own layer.
        kwargs: Arguments of every recurrent layer: name, dtype, trainable, zero_output_for_mask.

    Call arguments:
        sequences: `(batch, time, rows, columns, channels)`, with channels before rows if `data_format` says so.
        initial_state: The three states, in a list; zeros if left out.
        mask: Bool `(batch, time)`: where False, the states stay as they are.
        training: Whether dropout is at work.

    Output shape:
        `(batch, time, new rows, new columns, filters)` with `return_sequences`, else without the time; with
        `return_state` followed by three of `(batch, new rows, new columns, filters)`.

    Raises:
        ValueError: An argument that Keras's own layers would not take either, or frames of unknown size.

    Source:
        Wang et al., PredRNN: Recurrent Neural Networks for Predictive Learning using Spatiotemporal LSTMs, NIPS 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        activation: str | Callable | None = "tanh",
        recurrent_activation: str | Callable | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        recurrent_initializer: str | keras.initializers.Initializer = "orthogonal",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: str | keras.regularizers.Regularizer | None = None,
        recurrent_regularizer: str | keras.regularizers.Regularizer | None = None,
        bias_regularizer: str | keras.regularizers.Regularizer | None = None,
        activity_regularizer: str | keras.regularizers.Regularizer | None = None,
        kernel_constraint: str | keras.constraints.Constraint | None = None,
        recurrent_constraint: str | keras.constraints.Constraint | None = None,
        bias_constraint: str | keras.constraints.Constraint | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ):
        cell = SpatiotemporalLSTM2DCell(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=kwargs.get("dtype"),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
