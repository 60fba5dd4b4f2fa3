"""A model applied to every frame, with the frames folded into the batch."""

import inspect

import keras
from keras import ops


@keras.saving.register_keras_serializable("nextframe")
class FoldFrames(keras.layers.Wrapper):
    """Apply a layer or a model to each frame, as `keras.layers.TimeDistributed` does, in one call.

    TimeDistributed calls its layer once for each frame, so the graph holds ten copies of a network for ten frames.
    Here frames and examples share the batch axis, the network is called once, and the frames are separated again.
    Outputs are the same. One difference: in training, a BatchNormalization inside sees all frames at once, and updates
    its averages once a step and not once a frame.

    Args:
        layer: A layer or model that maps `(batch, ...)` to `(batch, ...)`.
        kwargs: As for `keras.layers.Layer`.

    Input shape:
        `(batch, frames, ...)`

    Output shape:
        `(batch, frames, ...)`, the output of `layer` for each frame.

    Raises:
        ValueError: The input has no axis for frames.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the wrapped layer, for one frame."""
        if len(input_shape) < 3:
            raise ValueError(f"input of shape {tuple(input_shape)}: expected (batch, frames, ...)")
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))
        self.takes_training = "training" in inspect.signature(self.layer.call).parameters
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(batch, frames, ...)`."""
        outputs = self.layer.compute_output_shape((None, *input_shape[2:]))
        return (*input_shape[:2], *outputs[1:])

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Fold, apply, unfold."""
        batch_and_frames = ops.shape(inputs)[:2]
        folded = ops.reshape(inputs, (-1, *inputs.shape[2:]))
        outputs = self.layer(folded, training=training) if self.takes_training else self.layer(folded)
        return ops.reshape(outputs, (*batch_and_frames, *outputs.shape[1:]))
