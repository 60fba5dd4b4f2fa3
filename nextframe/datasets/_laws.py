"""What the laws of `random_futures` and `n_body` share: checks, sources of chance, and drawing."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from nextframe._utils.validation import one_of, whole_number
from nextframe.datasets.mnist import mnist_digits
from nextframe.datasets.moving_digits import SPLITS, draw, shuffled, shuffled_digits

Drawn = tuple[np.ndarray, dict[str, np.ndarray]]


def begin(
    count: int, length: int, canvas: int, digit_size: int, split: str, seed: int
) -> tuple[np.random.Generator, int]:
    """Check what all laws share; return a source of chance, and how many pixels a digit's corner can go."""
    whole_number("count", count)
    whole_number("length", length, least=2)
    room = whole_number("canvas", canvas) - whole_number("digit_size", digit_size)
    if room < 1:
        raise ValueError(f"digit_size={digit_size} has no room to move on a canvas of {canvas}×{canvas}: lower it")
    one_of("split", split, SPLITS)
    return np.random.default_rng([seed, list(SPLITS).index(split)]), room


def check_speed(speed: tuple[float, float]) -> None:
    """Raise a ValueError unless these are a slowest and a fastest speed."""
    slowest, fastest = speed
    if not 0 < slowest <= fastest:
        raise ValueError(f"speed={speed}: expected (slowest, fastest) with 0 < slowest <= fastest")


def choose(rng: np.random.Generator, shape: tuple[int, ...], split: str) -> np.ndarray:
    """Choose digits of a split: their numbers in `shuffled_digits`."""
    return rng.choice(np.arange(10_000)[SPLITS[split]], size=shape)


def directions(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Steps of one pixel in any direction, `(*shape, 2)`: down and to the right."""
    angle = rng.uniform(0, 2 * np.pi, shape)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def chances(rng: np.random.Generator, length: int, branch: tuple[int, int] | None) -> Iterator[np.random.Generator]:
    """Yield where the chance of each frame after the first comes from."""
    frame, seed = (length, 0) if branch is None else branch
    if branch is not None and not 1 <= whole_number("branch", frame) < length:
        raise ValueError(f"branch={branch}: expected a frame of 1 to {length - 1}, and a seed")
    after = np.random.default_rng([seed, frame])
    for number in range(1, length):
        yield rng if number < frame else after


def draw_digits(chosen: np.ndarray, corner: np.ndarray, canvas: int, digit_size: int) -> Drawn:
    """Draw the digits `(count, digits)` along the paths of their corners `(count, digits, length, 2)`."""
    count, _, length, _ = corner.shape
    clips = np.zeros((count, length, canvas, canvas), np.uint8)
    draw(clips, shuffled_digits(digit_size)[chosen], corner)
    return clips, {"digit": _labels()[chosen], "corner": corner}


@cache
def _labels() -> np.ndarray:
    """All digits' classes, in the order of `shuffled_digits`."""
    return shuffled(mnist_digits()[1]).astype(np.int64)
