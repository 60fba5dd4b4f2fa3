"""ConvGRU2D: a GRU whose inputs and hidden state keep rows and columns; Keras has the LSTM of that kind alone."""

from collections.abc import Callable
from typing import Any

import keras

from nextframe.layers._conv_rnn_2d import ConvRNN2D
from nextframe.layers.conv_gru_cell import ConvGRU2DCell


@keras.saving.register_keras_serializable("nextframe")
class ConvGRU2D(ConvRNN2D):
    r"""Convolutional GRU: reads a video frame by frame, with feature maps as its hidden state.

    At each step, with ∗ a convolution and ⊙ a product pixel by pixel, the update gate z, the reset gate r and the
    candidate c make the next hidden state h of the last one and the frame x:

    .. math::
        z &= \sigma(W_z * x + U_z * h) \\
        r &= \sigma(W_r * x + U_r * h) \\
        c &= \tanh(W_c * x + U_c * (r \odot h)) \\
        h &\leftarrow z \odot h + (1 - z) \odot c

    It has three gates' worth of kernels where `keras.layers.ConvLSTM2D` has four, and one state where that has two. Its
    arguments, shapes and call arguments are those of `keras.layers.ConvLSTM2D`, but for `unit_forget_bias`, which has
    no meaning here.

    Args:
        filters: Channels of the hidden state, and of the output.
        kernel_size: Side or sides of the kernels, for inputs and for the hidden state.
        strides, padding, data_format, dilation_rate: Of the convolution of the input, as for `keras.layers.Conv2D`. The
            hidden state is always convolved with stride 1, and keeps its size.
        activation: Of the candidate.
        recurrent_activation: Of the update gate and the reset gate.
        use_bias: Whether the gates and the candidate have biases.
        kernel_initializer, recurrent_initializer, bias_initializer: Of the kernels for inputs, of those for the hidden
            state, and of the biases; likewise the regularizers and constraints. `activity_regularizer`: of the output.
        dropout, recurrent_dropout: Share of the input's and of the hidden state's values that training sets to 0.
        seed: Of the dropout.
        reset_after: Whether the reset gate acts after the hidden state's convolution, as in Keras's GRU, not before it.
        return_sequences: Whether to return the hidden state after every frame, or after the last one.
        return_state: Whether to return the last hidden state as well.
        go_backwards: Whether to read the video backwards.
        stateful: Whether a batch begins with the hidden states that the batch before it ended with. On JAX `predict`
            forgets them, here as in Keras's own layers.
        unroll: Whether to write the steps out instead of looping. On JAX, masks need it, here as in Keras's own layer.
        kwargs: Arguments of every recurrent layer: name, dtype, trainable, zero_output_for_mask.

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
        reset_after: bool = False,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ):
        cell = ConvGRU2DCell(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            reset_after,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
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
