"""Exercises of chapter 6: an encoder for photographs, and grey frames."""

import functools

import keras
import numpy as np

from nextframe.exercises._comparing import written
from nextframe.exercises.exercise import Exercise


@functools.cache
def _smallest_side(convolutions: int = 3) -> int:
    """Side of the smallest frame of which InceptionV3 leaves enough for so many Conv3D with kernels of 3."""
    inception = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(None, None, 3))
    needed = 2 * convolutions + 1
    low, high = 200, 300  # too small, large enough
    while high - low > 1:
        middle = (low + high) // 2
        if inception.compute_output_shape((1, middle, middle, 3))[1] >= needed:
            high = middle
        else:
            low = middle
    return high


def _for_inception(frames: np.ndarray) -> np.ndarray:
    return keras.applications.inception_v3.preprocess_input(255 * frames.astype("float32").repeat(3, axis=-1))


def _grey(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9, (*shape, 1)) / 8


def _one_plane(both: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """What a kernel `(3, 3, 1, 2)` and a bias `(2,)` make of a picture that the reader does not see."""
    if not isinstance(both, list | tuple) or len(both) != 2:
        raise ValueError(f"it is {written(both)}; expected two things, a kernel and a bias")
    kernel, bias = (np.asarray(each, float) for each in both)
    if (kernel.shape, bias.shape) != ((3, 3, 1, 2), (2,)):
        shapes = f"{kernel.shape} and {bias.shape}"
        raise ValueError(f"kernel and bias have shapes {shapes}; expected (3, 3, 1, 2) and (2,)")
    layer = keras.layers.Conv2D(2, 3)
    layer.build((None, 4, 5, 1))
    layer.set_weights([kernel, bias])
    return {"feature map of a hidden grey picture": keras.ops.convert_to_numpy(layer(_grey(0, 1, 4, 5)))}


def _three_planes(kernel: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> dict[str, np.ndarray]:
    layer = keras.layers.Conv2D(2, 3, use_bias=False)
    layer.build((None, 4, 5, 3))
    layer.set_weights([kernel])
    planes = (_grey(0, 1, 4, 5).repeat(3, axis=-1) - mean) / scale
    return {"feature map of a hidden grey picture": keras.ops.convert_to_numpy(layer(planes))}


def _colours(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(3, 3, 3, 2)).round(1), np.array([0.5, 0.25, 0.75]), np.array([0.5, 0.25, 2.0])


@functools.cache
def _kernel_of_both() -> int:
    """Length in time of the one kernel that equals two linear Conv3D: how far the trace of a light reaches."""
    x = np.zeros((1, 15, 1, 1, 1), "float32")
    x[0, 7] = 1
    for _ in range(2):
        layer = keras.layers.Conv3D(
            1, (3, 1, 1), padding="same", use_bias=False, kernel_initializer=keras.initializers.Ones()
        )
        x = keras.ops.convert_to_numpy(layer(x))
    return int(np.count_nonzero(x))


EXERCISES = {
    "6.1": Exercise(
        "predict",
        _smallest_side,
        "Three Conv3D with kernels of 3 need seven rows and columns, and InceptionV3 leaves one for 32 pixels more.",
        within=0,
        traps=(
            (203 + 2, "Each row that is left stands for 32 rows of pixels."),
            (203, "That is enough for two Conv3D."),
        ),
    ),
    "6.2": Exercise(
        "mend",
        _for_inception,
        "Frames lie within 0 and 1 here, and not within 0 and 255. No error is raised; the features only get worse.",
        inputs=lambda: [(_grey(1, 1, 1, 3),), (_grey(2, 2, 4, 4),)],
    ),
    "6.3": Exercise(
        "build",
        _three_planes,
        "Scaling is linear too, so it goes into the kernel, and the means go into a bias. (At borders that are padded "
        "with zeros after scaling, the two would differ.)",
        inputs=lambda: [_colours(0), _colours(1)],
        measure=_one_plane,
        within=1e-4,
    ),
    "6.4": Exercise(
        "predict",
        _kernel_of_both,
        "A convolution of a convolution is a convolution: the second one looks one step further on each side. The same "
        "holds for rows and columns. Only a ReLU in between makes two layers more than one.",
        within=0,
        traps=((9, "The kernels do not multiply: each step of the second looks at three of the first."),),
    ),
}
