"""N-body digits: digits that attract one another. Their future is decided by their past, and yet cannot be told.

After N-body MNIST of Gao et al., Earthformer: Exploring Space-Time Transformers for Earth System Forecasting, NeurIPS
2022. As there, digits have one mass, attract by softened gravity and bounce off the edges; here they keep their size
and brightness, do not rotate, and have no upper limit of speed.
"""

import numpy as np

from nextframe._utils.validation import whole_number
from nextframe.datasets._laws import Drawn, begin, chances, check_speed, choose, directions, draw_digits

_STEPS = 16  # of the leapfrog, for each frame: a close meeting is over within one


def n_body_digits(
    count: int,
    length: int = 20,
    *,
    digits: int = 3,
    canvas: int = 64,
    digit_size: int = 20,
    speed: tuple[float, float] = (1.0, 2.0),
    pull: float = 60.0,
    softening: float = 2.0,
    nudge: float = 0.05,
    split: str = "train",
    seed: int = 0,
    branch: tuple[int, int] | None = None,
) -> Drawn:
    """Draw clips of digits that attract one another, each in a straight line but for that, and bounce off the edges.

    Chance ends with the first frame. But what is too small to be seen grows: two clips whose digits are moved apart by
    `nudge`, of a pixel, differ by whole digits some tens of frames later.

    Args:
        count: Number of clips.
        length: Frames in each clip.
        digits: Digits in each clip, 2 or more.
        canvas: Side of a frame in pixels.
        digit_size: Side of a digit in pixels.
        speed: Slowest and fastest speed at first, in pixels a frame.
        pull: Strength of gravity, in pixels³ a frame².
        softening: Distance in pixels below which gravity grows no more.
        nudge: How far `branch` moves a digit, in pixels: the standard deviation, down and to the right alike.
        split: Which digits may appear; see `nextframe.datasets.moving_digits.SPLITS`.
        seed: The same seed and arguments give the same clips.
        branch: A frame and another seed: every digit is nudged a little on its way into that frame.

    Returns:
        uint8 `(count, length, canvas, canvas)`, and of each clip "digit", int64 `(count, digits)`, and "corner",
        float64 `(count, digits, length, 2)`: row and column of a digit's upper left corner, in pixels.

    Raises:
        ValueError: A number is out of range; the message names it.
    """
    rng, room = begin(count, length, canvas, digit_size, split, seed)
    check_speed(speed)
    whole_number("digits", digits, least=2)
    for name, value, least in (("pull", pull, 0), ("softening", softening, 0.1), ("nudge", nudge, 0)):
        if not value >= least:
            raise ValueError(f"{name}={value}: expected at least {least}")
    chosen = choose(rng, (count, digits), split)
    corner = rng.uniform(0, room, (count, digits, 2))
    velocity = rng.uniform(*speed, (count, digits, 1)) * directions(rng, (count, digits))
    corners = [corner]
    for frame, chance in enumerate(chances(rng, length, branch), start=1):
        if branch is not None and frame == branch[0]:
            corner = np.clip(corner + nudge * chance.standard_normal(corner.shape), 0, room)
        corner, velocity = _one_frame(corner, velocity, room, pull, softening)
        if not ((corner >= 0) & (corner <= room)).all():
            raise ValueError(
                f"speed={speed}, pull={pull}, softening={softening}: a digit crosses the whole frame within a step: "
                "lower speed or pull, or raise softening or canvas"
            )
        corners.append(corner)
    return draw_digits(chosen, np.stack(corners, axis=2), canvas, digit_size)


def _one_frame(
    corner: np.ndarray, velocity: np.ndarray, room: float, pull: float, softening: float
) -> tuple[np.ndarray, np.ndarray]:
    """Leapfrog: half a kick, drift, half a kick. Energy neither grows nor shrinks over many frames."""
    step = 1 / _STEPS
    for _ in range(_STEPS):
        velocity = velocity + step / 2 * _gravity(corner, pull, softening)
        corner = corner + step * velocity
        beyond = (corner < 0) | (corner > room)
        velocity = np.where(beyond, -velocity, velocity)
        corner = np.where(corner > room, 2 * room - corner, np.abs(corner))
        velocity = velocity + step / 2 * _gravity(corner, pull, softening)
    return corner, velocity


def _gravity(corner: np.ndarray, pull: float, softening: float) -> np.ndarray:
    apart = corner[:, None, :] - corner[:, :, None]  # (count, of, to, 2)
    distance = np.sqrt((apart**2).sum(axis=-1, keepdims=True) + softening**2)
    return pull * (apart / distance**3).sum(axis=2)
