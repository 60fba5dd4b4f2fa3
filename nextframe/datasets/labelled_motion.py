"""Labelled motion: clips with the direction of their motion as label, to test whether a network uses time.

The middle of each path is drawn without regard to its direction. So no single frame tells the direction; all frames
together, in no order, tell the line of motion, but not which way along it; only their order tells that.
"""

import numpy as np
from PIL import Image

from nextframe._utils.validation import one_of, whole_number
from nextframe.clips import check_clip
from nextframe.datasets.mnist import mnist_digits
from nextframe.datasets.moving_digits import SPLITS, draw, shuffled, shuffled_digits

DIRECTIONS = ("right", "down right", "down", "down left", "left", "up left", "up", "up right")


def moving_digits_with_labels(
    count: int,
    length: int = 10,
    *,
    canvas: int = 32,
    digit_size: int = 14,
    speed: tuple[float, float] = (1.0, 1.5),
    split: str = "train",
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw clips of one digit each that moves in a straight line, labelled with its direction and its class.

    Args:
        count: Number of clips.
        length: Frames in each clip.
        canvas: Side of a frame in pixels.
        digit_size: Side of a digit in pixels.
        speed: Slowest and fastest speed, in pixels a frame.
        split: Which digits may appear; see `nextframe.datasets.moving_digits.SPLITS`.
        seed: The same seed and arguments give the same clips.

    Returns:
        clips: uint8 `(count, length, canvas, canvas)`.
        labels: int64 `(count,)` each: "direction", an index of `DIRECTIONS`, and "digit", 0..9.

    Raises:
        ValueError: A number is out of range, or the path does not fit the canvas.
    """
    whole_number("count", count)
    one_of("split", split, SPLITS)
    rng = np.random.default_rng([seed, list(SPLITS).index(split)])
    chosen = rng.choice(np.arange(10_000)[SPLITS[split]], size=count)
    direction, position = _paths(rng, count, length, canvas - digit_size, speed, "raise canvas")
    clips = np.zeros((count, length, canvas, canvas), np.uint8)
    draw(clips, shuffled_digits(digit_size)[chosen][:, None], position[:, None])
    return clips, {"direction": direction, "digit": shuffled(mnist_digits()[1])[chosen].astype(np.int64)}


def panned_clip(
    clip: np.ndarray,
    count: int,
    length: int = 10,
    *,
    canvas: int = 32,
    speed: tuple[float, float] = (1.0, 1.5),
    seed: int = 0,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cut clips from still frames of a real clip by a moving window, labelled with the picture's direction.

    Args:
        clip: `(time, height, width)`, uint8: frames larger than the window.
        count, length, canvas, speed, seed: As in `moving_digits_with_labels`.

    Returns:
        clips: uint8 `(count, length, canvas, canvas)`.
        labels: {"direction": int64 `(count,)`}, an index of `DIRECTIONS`.

    Raises:
        ValueError: A number is out of range, or the path does not fit the frames.
    """
    clip = check_clip(clip)
    whole_number("count", count)
    rng = np.random.default_rng(seed)
    direction, position = _paths(rng, count, length, min(clip.shape[1:]) - canvas, speed, "lower canvas")
    clips = np.empty((count, length, canvas, canvas), np.uint8)
    for number, frame in enumerate(rng.integers(0, len(clip), count)):
        image = Image.fromarray(clip[frame])
        for time, (top, left) in enumerate(position[number, ::-1]):  # reversed: the picture moves against the window
            box = (left, top, left + canvas, top + canvas)
            clips[number, time] = np.asarray(image.resize((canvas, canvas), Image.Resampling.BILINEAR, box=box))
    return clips, {"direction": direction}


def _paths(
    rng: np.random.Generator, count: int, length: int, room: int, speed: tuple[float, float], cure: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a direction and the top left corners along a straight path, `(count, length, 2)`, inside `0..room`."""
    slowest, fastest = speed
    whole_number("length", length, least=2)
    half = fastest * (length - 1) / 2
    if not 0 < slowest <= fastest:
        raise ValueError(f"speed={speed}: expected (slowest, fastest) with 0 < slowest <= fastest")
    if 2 * half > room:
        raise ValueError(
            f"{length} frames at {fastest} pixels a frame need {2 * half:g} pixels of room, and there are {room}: "
            f"lower length or speed, or {cure}"
        )
    direction = rng.integers(0, len(DIRECTIONS), count)
    angle = direction * np.pi / 4
    velocity = np.stack([np.sin(angle), np.cos(angle)], -1) * rng.uniform(slowest, fastest, (count, 1))
    middle = rng.uniform(half, room - half, (count, 1, 2))
    steps = np.arange(length) - (length - 1) / 2
    return direction, middle + velocity[:, None] * steps[:, None]
