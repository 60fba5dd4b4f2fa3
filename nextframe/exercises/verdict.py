"""Exercises of chapter 9: comparing models, and the forecaster's parts."""

import functools
from collections.abc import Callable

import keras
import numpy as np

from nextframe import metrics
from nextframe.diagnostics import forward_flops
from nextframe.exercises.exercise import Exercise
from nextframe.models.forecaster import apply_kernels, depthwise_block, residual_block


def _moved(kernel: np.ndarray) -> dict[str, np.ndarray]:
    """What the forecaster makes of a frame whose patches all have this kernel: the middle of a hidden row."""
    if np.shape(kernel) != (7, 7):
        raise ValueError(f"kernel has shape {np.shape(kernel)}; expected (7, 7)")
    frame = np.arange(10 * 10, dtype="float32").reshape(1, 10, 10, 1) ** 2 / 100
    kernels = np.broadcast_to(np.asarray(kernel, "float32").reshape(49), (1, 10, 10, 49))
    moved = apply_kernels(keras.ops.convert_to_tensor(frame), keras.ops.convert_to_tensor(kernels), 3, 1)
    return {"middle of what comes out": keras.ops.convert_to_numpy(moved)[0, 4:6, 3:7, 0]}


def _half_a_pixel_to_the_left() -> dict[str, np.ndarray]:
    kernel = np.zeros((7, 7))
    kernel[3, 3] = kernel[3, 4] = 0.5  # as it is, and from the right
    return _moved(kernel)


@functools.cache
def _share_of_a_plain_block() -> float:
    """Operations of a depthwise-separable block with 64 filters, as a share of those of a plain residual block."""

    def work(block: Callable) -> float:
        features = keras.Input((16, 16, 64))
        return forward_flops(keras.Model(features, block(features)))

    return work(depthwise_block) / work(residual_block)


def _level(one: np.ndarray, other: np.ndarray) -> bool:
    random = np.random.default_rng(0)
    sums, counts = metrics.resampled_sums((one - other, np.ones(len(one))), 1, 2000, random)
    low, high = metrics.middle(sums / counts)
    return bool(low <= 0 <= high)


def _errors(seed: int, lead: float, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Of two models on 200 clips, some of which are hard for both."""
    random = np.random.default_rng(seed)
    hard = random.gamma(1, 3, 200)
    one, other = hard + random.normal(0, noise, (2, 200))
    return one, other + lead


EXERCISES = {
    "9.1": Exercise(
        "build",
        _half_a_pixel_to_the_left,
        "Half of each pixel stays, and half comes from its right neighbour: between pixels a motion is a mean of two.",
        measure=_moved,
    ),
    "9.2": Exercise(
        "predict",
        _share_of_a_plain_block,
        "Two plain convolutions have 2 × 9 × 64 × 64 weights at each position. The depthwise one has 9 × 64, and the "
        "two of 1×1 have 2 × 64 × 192.",
        within=0.03,
        traps=((1 / 9, "The convolutions of 1×1 have three times the filters in between."),),
    ),
    "9.3": Exercise(
        "mend",
        _level,
        "Both models find the same clips hard. Drawn together, what is hard for both cancels, and what is left is the "
        "difference.",
        inputs=lambda: [
            _errors(0, 0.1),
            _errors(1, 0.0),
            _errors(2, -0.1),
            _errors(3, 2.0),
            _errors(4, 0.03, noise=0.05),  # small, and no accident
            _errors(5, 0.2, noise=2),  # larger, and level
        ],
    ),
}
