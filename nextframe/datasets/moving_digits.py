"""Moving digits: clips of handwritten digits that bounce inside a frame, after Srivastava et al. (2015).

Positions are real numbers and digits are drawn between pixels by bilinear interpolation; the clips of Moving MNIST
itself move by whole pixels, and `whole_pixels` draws such ones. Each split draws its own digits, so a model is never
tested on an image that it saw in training.
"""

import inspect
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from nextframe._utils.validation import one_of, whole_number
from nextframe.datasets.mnist import mnist_digits

# Which of the 10,000 shuffled digits belong to which split.
SPLITS = {"train": slice(0, 8000), "validation": slice(8000, 9000), "test": slice(9000, 10000)}
_CHUNK = 32  # sequences drawn at once: small enough that their patches stay in the processor's cache


def moving_digits(
    count: int,
    length: int = 20,
    *,
    digits: int = 2,
    canvas: int | tuple[int, int] = 64,
    digit_size: int = 28,
    speed: tuple[float, float] = (2.0, 4.0),
    split: str = "train",
    seed: int = 0,
    walls: int | None = 0,
    whole_pixels: bool = False,
) -> np.ndarray:
    """Draw clips of digits that move in straight lines and bounce off the edges of the frame.

    Args:
        count: Number of clips.
        length: Frames in each clip.
        digits: Digits in each clip; where they overlap, the brighter pixel shows.
        canvas: Size of a frame in pixels: `(height, width)`, or one number for a square.
        digit_size: Side of a digit in pixels; MNIST's own is 28.
        speed: Slowest and fastest speed, in pixels a frame. Direction and speed are drawn once for each digit.
        split: Which digits may appear: "train" (8,000), "validation" (1,000) or "test" (1,000).
        seed: The same seed and arguments give the same clips.
        walls: Distance in pixels from the frame's edges to the walls that digits bounce off. None: there are no walls,
            and each path is drawn so that its digit stays within the frame.
        whole_pixels: Whether to move as the clips of Moving MNIST do: a digit that reaches a wall stops there for a
            frame before it turns, and positions are rounded down to whole pixels.

    Returns:
        uint8 array `(count, length, height, width)`: one clip for each entry of the first axis.

    Raises:
        ValueError: A number is out of range; the message names it.
    """
    chosen, position = _plan(count, length, digits, canvas, digit_size, speed, split, seed, walls, whole_pixels)
    height, width = canvas if isinstance(canvas, Iterable) else (canvas, canvas)
    clips = np.zeros((count, length, height, width), np.uint8)
    images = shuffled_digits(digit_size)

    def draw_chunk(first: int) -> None:
        chunk = slice(first, first + _CHUNK)
        draw(clips[chunk], images[chosen[chunk]], position[chunk])

    with ThreadPoolExecutor() as threads:  # NumPy releases the interpreter lock while it computes
        list(threads.map(draw_chunk, range(0, count, _CHUNK)))
    return clips


def paths(count: int, length: int = 20, **drawn: Any) -> np.ndarray:
    """Return the paths of the digits that `moving_digits` draws with the same arguments.

    Returns:
        float64 `(count, digits, length, 2)`: row and column of each digit's upper left corner, in pixels.
    """
    given = inspect.signature(moving_digits).bind(count, length, **drawn)
    given.apply_defaults()
    return _plan(**given.arguments)[1]


def kinds_of_motion(position: np.ndarray, frame: int, digit_size: int) -> dict[str, np.ndarray]:
    """Sort clips by what happens to their digits when one frame is forecast from those before it.

    Args:
        position: Of the digits, as `paths` returns it.
        frame: Number of the forecast frame, 2 or more.
        digit_size: Side of a digit in pixels.

    Returns:
        bool `(count,)` each, one of them true for each clip. "bounce": in one of the last two steps, the one into the
        frame included, a digit met a wall. "overlap": none did, but the squares of two digits overlap in that frame by
        more than half, in height and in width. "free flight": neither.
    """
    steps = np.diff(position[:, :, frame - 2 : frame + 1], axis=2)
    bounce = (np.abs(np.diff(steps, axis=2)) > 1e-6).any(axis=(1, 2, 3))
    apart = np.abs(position[:, :, None, frame] - position[:, None, :, frame]).max(axis=-1)  # 0 to itself
    pairs = ~np.eye(position.shape[1], dtype=bool)
    overlap = (apart[:, pairs] < digit_size / 2).any(axis=-1) & ~bounce
    return {"free flight": ~bounce & ~overlap, "overlap": overlap, "bounce": bounce}


def _plan(
    count: int,
    length: int,
    digits: int,
    canvas: int | tuple[int, int],
    digit_size: int,
    speed: tuple[float, float],
    split: str,
    seed: int,
    walls: int | None,
    whole_pixels: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits, `(count, digits)`, and their paths, `(count, digits, length, 2)`; arguments of `moving_digits`."""
    sides = canvas if isinstance(canvas, Iterable) else (canvas, canvas)
    height, width = (whole_number("canvas", side) for side in sides)
    slowest, fastest = speed
    for name, value in {"count": count, "length": length, "digits": digits, "digit_size": digit_size}.items():
        whole_number(name, value)
    if digit_size > min(height, width):
        raise ValueError(f"digit_size={digit_size} does not fit a canvas of {height}×{width}: lower it")
    if not 0 <= slowest <= fastest:
        raise ValueError(f"speed={speed}: expected (slowest, fastest) with 0 <= slowest <= fastest")
    one_of("split", split, SPLITS)
    if walls is not None:
        whole_number("walls", walls, least=0)
        if 2 * walls + digit_size > min(height, width):
            raise ValueError(f"walls={walls} leave no place for digits of {digit_size} on {height}×{width}: lower it")

    rng = np.random.default_rng([seed, list(SPLITS).index(split)])
    chosen = rng.choice(np.arange(10_000)[SPLITS[split]], size=(count, digits))
    start = rng.uniform(0, 1, (count, digits, 2))
    angle = rng.uniform(0, 2 * np.pi, (count, digits))
    velocity = np.stack([np.sin(angle), np.cos(angle)], -1) * rng.uniform(slowest, fastest, (count, digits, 1))
    room = np.array([height, width]) - digit_size - 2 * (walls or 0)
    if walls is None:
        if fastest * (length - 1) > room.min():
            raise ValueError(
                f"speed={speed}: in {length} frames a digit may leave a canvas of {height}×{width}: lower it, or length"
            )
        travel = velocity * (length - 1)
        least, most = np.maximum(0, -travel), room - np.maximum(0, travel)
        position = (least + start * (most - least))[..., None, :] + velocity[..., None, :] * np.arange(length)[:, None]
    else:
        follow = stop_at_walls if whole_pixels else bounce
        position = walls + follow(start * room, velocity, room, length)
    return chosen, np.floor(position) if whole_pixels else position


def bounce(start: np.ndarray, velocity: np.ndarray, room: np.ndarray, length: int) -> np.ndarray:
    """Follow digits that bounce off the walls.

    Args:
        start: Their upper left corners `(..., 2)`, row and column in pixels, within the room.
        velocity: Pixels a frame `(..., 2)`, downwards and to the right.
        room: How far a corner can go `(2,)`: the frame's size less the digit's.
        length: Frames.

    Returns:
        Corners `(..., length, 2)`, those of `start` first.
    """
    return fold(start[..., None, :] + velocity[..., None, :] * np.arange(length)[:, None], room)


def fold(straight: np.ndarray, room: np.ndarray | float) -> np.ndarray:
    """Fold a straight path back into the room `0..room`: going straight in a hall of mirrors is bouncing."""
    period = np.maximum(2 * room, 1e-9)
    return room - np.abs(straight % period - room)


def stop_at_walls(start: np.ndarray, velocity: np.ndarray, room: np.ndarray, length: int) -> np.ndarray:
    """Follow digits as the clips of Moving MNIST do: one that would pass a wall stays at it for a frame, and turns.

    Arguments and returned corners as in `bounce`, but the first frame is already one step after `start`.
    """
    position, velocity = np.array(start), np.array(velocity)
    corners = []
    for _ in range(length):
        position += velocity
        beyond = (position <= 0) | (position >= room)
        position = np.clip(position, 0, room)
        velocity[beyond] *= -1
        corners.append(position.copy())
    return np.stack(corners, axis=-2)


def draw(clips: np.ndarray, images: np.ndarray, position: np.ndarray) -> None:
    """Draw `images (count, digits, s, s)` into `clips` at `position (count, digits, length, 2)`."""
    count, length, height, width = clips.shape
    size = images.shape[-1]
    # One more row and column than the digit has: a digit between pixels touches both neighbours.
    padded = np.zeros((count, length, height + 1, width + 1), np.uint8)
    corner = np.floor(position).astype(int)
    # Weights in 1/128: products of a byte and a weight fit 16 bits, twice as fast to move as float32.
    weight = np.rint((position - corner) * 128).astype(np.uint16)[..., None, None]
    stride = padded.strides[-2]
    offset = np.arange(size + 1)[:, None] * stride + np.arange(size + 1)
    frame = np.arange(count * length).reshape(count, length) * stride * (height + 1)
    flat = padded.reshape(-1)
    for digit in range(images.shape[1]):
        image = np.zeros((count, 1, size + 2, size + 2), np.uint16)  # a zero border on each side
        image[:, 0, 1:-1, 1:-1] = images[:, digit]
        down, right = weight[:, digit, :, 0], weight[:, digit, :, 1]
        rows = (image[:, :, 1:] * (128 - down) + image[:, :, :-1] * down) >> 7
        patch = (rows[..., 1:] * (128 - right) + rows[..., :-1] * right) >> 7
        top_left = frame + corner[:, digit, :, 0] * stride + corner[:, digit, :, 1]
        where = top_left[..., None, None] + offset
        flat[where] = np.maximum(flat[where], patch.astype(np.uint8))
    clips[:] = padded[:, :, :height, :width]


def shuffled(digits: np.ndarray) -> np.ndarray:
    """The 10,000 digits, or their labels, in the order of `SPLITS`, which gives every split all ten classes."""
    return digits[np.random.default_rng(0).permutation(len(digits))]


@cache
def shuffled_digits(size: int) -> np.ndarray:
    """All digits, resized, in the order of `SPLITS`; read-only."""
    images = shuffled(mnist_digits()[0])
    if size != images.shape[-1]:
        resized = [Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in images]
        images = np.stack([np.asarray(image) for image in resized])
    images.flags.writeable = False
    return images
