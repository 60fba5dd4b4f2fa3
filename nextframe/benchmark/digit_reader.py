"""Which digit does a frame show? A classifier that has nothing to train: the nearest of the digits to train on."""

from functools import cache

import numpy as np

from nextframe.datasets.mnist import mnist_digits
from nextframe.datasets.moving_digits import SPLITS, shuffled, shuffled_digits

_VOTES = 5  # digits that are nearest, and vote
_AT_ONCE = 2000  # frames that are compared with all digits at once


def read_digits(frames: np.ndarray, digit_size: int = 16) -> np.ndarray:
    """Say which digit each frame shows, wherever it is, however bright.

    Each digit is moved so that its centre of brightness is in the middle, and compared with the training split's.

    Args:
        frames: `(..., height, width, 1)`, floats in 0..1, of one digit each.
        digit_size: Side of a digit in pixels.

    Returns:
        int64 `(...)`, 0 to 9.

    Source:
        Nearest neighbours: Cover and Hart, IEEE Transactions on Information Theory 1967; here by the angle between
        images.
    """
    known, labels = _known(digit_size)
    flat = frames.reshape(-1, *frames.shape[-3:-1])
    read = []
    for first in range(0, len(flat), _AT_ONCE):
        alike = _centred(flat[first : first + _AT_ONCE], digit_size) @ known.T  # (frames, known digits)
        nearest = np.argpartition(-alike, _VOTES, axis=1)[:, :_VOTES]
        votes = np.zeros((len(alike), 10))
        for rank in range(_VOTES):
            at = nearest[:, rank]
            votes[np.arange(len(alike)), labels[at]] += alike[np.arange(len(alike)), at]
        read.append(votes.argmax(axis=1))
    return np.concatenate(read).reshape(frames.shape[:-3])


@cache
def _known(digit_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits of the training split, centred, and their labels."""
    images = shuffled_digits(digit_size)[SPLITS["train"]] / np.float32(255)
    return _centred(images, digit_size), shuffled(mnist_digits()[1])[SPLITS["train"]]


def _centred(images: np.ndarray, digit_size: int) -> np.ndarray:
    """Squares around the centres of brightness of images `(count, h, w)`, as unit vectors `(count, pixels)`."""
    side = digit_size + 4
    padded = np.pad(images.astype(np.float32), [(0, 0), (side, side), (side, side)])
    light = np.maximum(images.sum(axis=(1, 2)), 1e-6)
    corners = []
    for axis in (1, 2):
        along = images.sum(axis=3 - axis) @ np.arange(images.shape[axis])
        corners.append(along / light + side - (side - 1) / 2)  # of the square, in the padded image
    corner = np.stack(corners, axis=-1)
    whole = np.floor(corner).astype(int)
    down, right = (corner - whole).astype(np.float32).T[..., None, None]
    rows, columns = (whole[:, axis, None] + np.arange(side + 1) for axis in (0, 1))
    square = padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    square = square[:, :-1] * (1 - down) + square[:, 1:] * down  # between pixels, bilinearly
    square = square[:, :, :-1] * (1 - right) + square[:, :, 1:] * right
    vectors = square.reshape(len(images), -1)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
