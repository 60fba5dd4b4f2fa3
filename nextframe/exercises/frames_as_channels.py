"""Exercises of chapter 4: convolutions, and puzzles 6 to 8."""

import functools
from typing import Any

import keras
import numpy as np

from nextframe.diagnostics import training_flops
from nextframe.exercises._comparing import written
from nextframe.exercises._networks import network, response
from nextframe.exercises.exercise import Exercise
from nextframe.models import build
from nextframe.models.patches import frames_to_channels, patchify


@functools.cache
def _share_of_operations() -> float:
    """Operations of three layers with kernels of 5, as a share of those of six layers with kernels of 3."""
    shape = (10, 32, 32, 1)
    few = build("frames_as_channels", shape, depth=3, kernel_size=5)
    return training_flops(few) / training_flops(build("frames_as_channels", shape))


def _brightness(bias: float) -> dict[str, float]:
    """What a sigmoid makes of a bias, where all else is 0."""
    if np.ndim(bias):
        raise ValueError(f"the bias is {written(np.asarray(bias))}; expected one number")
    return {"brightness of the first forecast": float(keras.ops.sigmoid(np.float32(bias)))}


def _numpy(tensor: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def _contexts(seed: int, *shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(count).reshape(*shape, 1).astype("float32")


def _moved(kernel: np.ndarray) -> dict[str, np.ndarray]:
    """What Keras's Conv2D makes of a picture of twelve numbers."""
    if np.shape(kernel) != (3, 3):
        raise ValueError(f"kernel has shape {np.shape(kernel)}; expected (3, 3)")
    picture = np.arange(1, 13, dtype="float32").reshape(1, 3, 4, 1)
    layer = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
    layer.build(picture.shape)
    layer.set_weights([np.asarray(kernel, "float32")[..., None, None]])
    return {"what becomes of the rows 1 2 3 4, 5 6 7 8, and 9 10 11 12": _numpy(layer(picture))[0, ..., 0]}


def _kernel_to_the_right() -> dict[str, np.ndarray]:
    kernel = np.zeros((3, 3))
    kernel[1, 0] = 1  # each pixel reads its left neighbour
    return _moved(kernel)


def _facts(layer: keras.layers.Layer) -> dict[str, int]:
    """Which pixels of a picture of 32 × 32 with 10 channels reach which positions: one pixel is lit at a time."""
    model = network(layer, (32, 32, 10), (16, 16, 8))
    lights = np.broadcast_to(np.eye(32 * 32).reshape(-1, 32, 32, 1), (32 * 32, 32, 32, 10))
    reads = (np.abs(response(model, lights)) > 1e-6).any(axis=-1).reshape(32, 32, 16, 16)
    halves = np.eye(16, dtype=bool).repeat(2, axis=0)  # (32, 16): which rows are a position's own
    own = halves[:, None, :, None] & halves[None, :, None, :]
    return {
        "number of own pixels that a position reads": int((reads & own).sum(axis=(0, 1)).min()),
        "number of other pixels that it reads": int((reads & ~own).sum(axis=(0, 1)).max()),
    }


def _to_depth(pictures: np.ndarray) -> np.ndarray:
    return _numpy(patchify(keras.ops.convert_to_tensor(pictures[:, None, ..., None]), 2))[:, 0]


EXERCISES = {
    "4.1": Exercise(
        "predict",
        _share_of_operations,
        "A kernel of 5 has 25 weights, nearly three times the 9 of a kernel of 3. But of the costly layers, those "
        "between the first and the last, there is one in place of four.",
        within=0.03,
        traps=((25 / 9 / 2, "That would be so if all layers had as many channels. How many have the first and last?"),),
    ),
    "4.2": Exercise(
        "build",
        lambda mean: {"brightness of the first forecast": mean},
        "So the network starts with the right mean, and need not push the sigmoid into its flat part to make the "
        "frame dark.",
        inputs=lambda: [(0.5,), (0.05,), (0.9,)],
        measure=_brightness,
    ),
    "4.3": Exercise(
        "mend",
        lambda contexts: _numpy(frames_to_channels(keras.ops.convert_to_tensor(contexts))),
        "A reshape keeps the order of the numbers, and cuts it elsewhere: the shape is right, and every channel holds "
        "pixels of many frames. Only moving the axis moves time to the end.",
        inputs=lambda: [(_contexts(0, 1, 2, 2, 2),), (_contexts(1, 2, 5, 3, 4),)],
    ),
    "4.4": Exercise(
        "build",
        _kernel_to_the_right,
        "Each pixel takes what its left neighbour holds. Keras does not turn the kernel round, as a convolution in "
        "mathematics would.",
        measure=_moved,
    ),
    "4.5": Exercise(
        "build",
        lambda: _facts(keras.layers.Conv2D(8, 2, strides=2)),
        "A kernel of 2 with a stride of 2 meets each pixel once. After space-to-depth a kernel of 1 does the same.",
        inputs=lambda: [()],
        measure=_facts,
    ),
    "4.6": Exercise(
        "build",
        _to_depth,
        "Split each side into two axes, move the two small ones to the end, and join those two.",
        inputs=lambda: [(_contexts(2, 1, 2, 4)[..., 0],), (_contexts(3, 2, 6, 4)[..., 0],)],
    ),
}
