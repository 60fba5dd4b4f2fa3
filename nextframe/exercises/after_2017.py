"""Exercises of chapter 12: who notices an order, what attention costs, and how far bytes go."""

import functools

import keras
import numpy as np

from nextframe import metrics
from nextframe.exercises.exercise import Exercise
from nextframe.models.patches import frames_to_channels
from nextframe.windows import to_unit


@functools.cache
def _who_notices() -> dict[str, bool]:
    """Whether what is made of the last of ten frames changes when the nine before it change places."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    frames = random.random((1, 10, 4, 4, 2)).astype("float32")
    shuffled = np.concatenate([frames[:, [3, 8, 0, 5, 1, 7, 2, 6, 4]], frames[:, 9:]], axis=1)
    over_time, over_space = (keras.layers.MultiHeadAttention(1, 2, attention_axes=(axis,)) for axis in (1, 2))
    convolution = keras.layers.Conv2D(2, 3)

    def tokens(x: np.ndarray) -> np.ndarray:
        return x.reshape(1, 10, 16, 2)

    asked = {
        "attention over time": lambda x: over_time(tokens(x), tokens(x))[:, -1],
        "attention over space": lambda x: over_space(tokens(x), tokens(x))[:, -1],
        "frames as channels": lambda x: convolution(frames_to_channels(x)),
    }
    changes = {}
    for name, ask in asked.items():
        before, after = (keras.ops.convert_to_numpy(ask(x)) for x in (frames, shuffled))
        changes[name] = not np.allclose(before, after, atol=1e-5)
    return changes


def _pairs(frames: int, patches: int) -> int:
    """Pairs of tokens in which one looks at another, over time and then over space."""
    return frames * patches * frames + frames * patches * patches


@functools.cache
def _first_wrong_square() -> dict[str, int]:
    """Smallest error in grey levels whose square is wrong in numbers of a kind."""
    errors = np.arange(256)
    with np.errstate(over="ignore"):
        return {kind: int(np.argmax(errors.astype(kind) ** 2 != errors**2)) for kind in ("uint8", "int16")}


def _psnr(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(metrics.psnr(to_unit(truth), to_unit(forecast)))


def _bytes(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(2, -1)


EXERCISES = {
    "12.1": Exercise(
        "predict",
        _who_notices,
        "A weighted mean does not depend on the order of its parts, and over space the last frame attends to itself "
        "alone. So "
        "PredFormer adds a pattern for each frame. A convolution has weights of its own for each frame.",
    ),
    "12.2": Exercise(
        "build",
        _pairs,
        "Each token is compared with those at its position in all frames, and with those of its own frame.",
        inputs=lambda: [(10, 64), (3, 5)],
    ),
    "12.3": Exercise(
        "predict",
        _first_wrong_square,
        "A byte ends at 255, so the square of 16 is the first that it cannot hold. Numbers of 16 bits with a sign end "
        "at 32,767, so the square of 182 is.",
    ),
    "12.4": Exercise(
        "mend",
        _psnr,
        "The eight cases of `metrics.conformance` have no error above 181, so they do not show this mistake. They "
        "test for "
        "mistakes that have been made; passing them is no proof.",
        inputs=lambda: [
            (_bytes(0, 10, 20, 30), _bytes(20, 10, 0, 31)),
            (_bytes(0, 0, 0, 0), _bytes(200, 180, 180, 180)),
        ],
        within=1e-3,
    ),
}
