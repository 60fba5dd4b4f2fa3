"""What the recurrent layers over frames share: frames come in, and cell and layer have one config."""

from typing import Any, Self

import keras
import numpy as np


class ConvRNN2D(keras.layers.RNN):
    """A recurrent layer over frames, `(batch, time, rows, columns, channels)`, that takes its cell's arguments itself.

    A class of this kind makes its cell in `__init__`. So its config holds the cell's arguments beside its own, where
    that of a plain `keras.layers.RNN` holds the cell.
    """

    def __init__(self, cell: keras.layers.Layer, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def compute_output_shape(self, sequences_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> tuple:
        """The shape of the output, or of the output and of each state."""
        batch, steps, *frame = sequences_shape
        state = tuple(self.cell.convolved_shape((batch, *frame)))
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, *[state] * np.size(self.cell.state_size)) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        """Everything that `__init__` takes."""
        config = super().get_config()
        del config["cell"]
        cell = self.cell.get_config()
        for name in ("name", "trainable", "dtype"):
            del cell[name]
        return cell | config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the layer that `get_config` described."""
        return cls(**config)
