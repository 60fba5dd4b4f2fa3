"""What an exercise does with a layer or a model that a reader builds."""

from typing import Any

import keras
import numpy as np

from nextframe._utils.validation import shown


def check_layer(built: Any) -> None:
    """Refuse what is neither layer nor model.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(built, keras.Layer):
        raise TypeError(f"it is {shown(built)}; expected a layer or a model of Keras")


def network(built: Any, shape: tuple[int, ...], output_shape: tuple[int, ...]) -> keras.Model:
    """A reader's layer or model behind an input, with kernels that tell where it looks.

    They are above 0, so that no ReLU is shut and nothing cancels. Weights with one axis, such as a bias, stay as they
    begin.

    Args:
        built: What the reader's function returns.
        shape, output_shape: Of one input and its output, without the batch.

    Raises:
        TypeError: It is neither layer nor model.
        ValueError: Its output has another shape.
    """
    check_layer(built)
    frames = keras.Input(shape)
    model = keras.Model(frames, built(frames))
    if model.output_shape[1:] != output_shape:
        raise ValueError(f"its output has shape {model.output_shape[1:]}; expected {output_shape}")
    random = np.random.default_rng(0)
    drawn = [random.random(w.shape) / np.prod(w.shape[:-1]) ** 0.5 if w.ndim > 1 else w for w in model.get_weights()]
    model.set_weights(drawn)
    return model


def response(model: keras.Model, lights: np.ndarray) -> np.ndarray:
    """By how much lights change what a model makes of darkness.

    Args:
        model: Of `network`.
        lights: `(batch, …)`, 0 where it is dark.
    """
    lit, dark = (keras.ops.convert_to_numpy(model(x.astype("float32"))) for x in (lights, 0 * lights[:1]))
    return lit - dark
