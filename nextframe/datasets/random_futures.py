"""Random futures: one moving digit whose past does not decide its future, by a law that is known.

Three laws: a digit that leaves each wall in any direction (`random_walls`), one that turns left or right by a coin
(`coin_at_the_wall`), and one whose speed is drawn anew for every frame (`random_speeds`). Because the law is known, the
true futures of a past can be drawn (`true_futures`) or listed (`coin_futures`), and samples of a model held against
them. `nextframe.datasets.n_body` has a fourth kind: a future that is decided, and yet cannot be told.

Each function returns clips and what is known of them:

- "digit", int64 `(count,)`: the digit's class, 0..9;
- "corner", float64 `(count, length, 2)`: row and column of its upper left corner in each frame, in pixels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nextframe._utils.validation import whole_number
from nextframe.datasets._laws import Drawn, begin, chances, check_speed, choose, directions, draw_digits
from nextframe.datasets.moving_digits import fold


def random_walls(
    count: int,
    length: int = 15,
    *,
    canvas: int = 32,
    digit_size: int = 16,
    speed: tuple[float, float] = (1.0, 2.5),
    split: str = "train",
    seed: int = 0,
    branch: tuple[int, int] | None = None,
) -> Drawn:
    """Draw clips of a digit that moves straight on, and leaves each wall in a random direction.

    A digit that would pass a wall stops at it for a frame. From there every direction back into the frame is equally
    likely, at the same speed. So the next frame is certain until the digit is at a wall, and open when it is.

    Args:
        count: Number of clips.
        length: Frames in each clip.
        canvas: Side of a frame in pixels.
        digit_size: Side of a digit in pixels.
        speed: Slowest and fastest speed, in pixels a frame; drawn once for each clip.
        split: Which digits may appear; see `nextframe.datasets.moving_digits.SPLITS`.
        seed: The same seed and arguments give the same clips.
        branch: A frame and another seed: chance is drawn anew from that frame on, and what came before is as it was.

    Returns:
        uint8 `(count, length, canvas, canvas)`, and "digit" and "corner" of each clip.

    Raises:
        ValueError: A number is out of range; the message names it.
    """
    rng, room = begin(count, length, canvas, digit_size, split, seed)
    check_speed(speed)
    chosen = choose(rng, (count, 1), split)
    corner = rng.uniform(0, room, (count, 2))
    pace = rng.uniform(*speed, (count, 1))
    velocity = pace * directions(rng, count)
    corners = [corner]
    for chance in chances(rng, length, branch):
        anew = pace * directions(chance, count)
        inwards = np.where(corner <= 0, np.abs(anew), np.where(corner >= room, -np.abs(anew), anew))
        at_wall = ((corner <= 0) | (corner >= room)).any(axis=1, keepdims=True)
        velocity = np.where(at_wall, inwards, velocity)
        corner = np.clip(corner + velocity, 0, room)
        corners.append(corner)
    return _alone(*draw_digits(chosen, np.stack(corners, axis=1)[:, None], canvas, digit_size))


def coin_at_the_wall(
    count: int,
    length: int = 15,
    *,
    context: int = 5,
    left: float = 0.5,
    canvas: int = 32,
    digit_size: int = 16,
    speed: tuple[float, float] = (1.0, 2.5),
    split: str = "train",
    seed: int = 0,
    branch: tuple[int, int] | None = None,
) -> Drawn:
    """Draw clips of a digit that rises to the upper wall and there turns left or right, by a coin.

    It touches the wall in the last frame of the context, and moves along it from then on, at the same speed; at the
    frame's side it turns back. Everything but the turn follows from the context.

    Args:
        context: Frames before the turn; in the last of them the digit is at the wall.
        left: Odds of a turn to the left, 0 to 1.
        count, length, canvas, digit_size, speed, split, seed, branch: As in `random_walls`.

    Returns:
        uint8 `(count, length, canvas, canvas)`; of each clip "digit", "corner" and "turn", int64 `(count,)`: 0 for left
        and 1 for right, the order of `coin_futures`.

    Raises:
        ValueError: A number is out of range, or the way up to the wall or the first step along it does not fit.
    """
    rng, room = begin(count, length, canvas, digit_size, split, seed)
    check_speed(speed)
    if not 0 <= left <= 1:
        raise ValueError(f"left={left}: expected odds from 0 to 1")
    if not 2 <= whole_number("context", context) < length:
        raise ValueError(f"context={context}: expected 2 to {length - 1}, so that motion and turn are seen")
    if (needed := speed[1] * max(context - 1, 2)) > room:
        raise ValueError(
            f"{context} frames at up to {speed[1]} pixels a frame need {needed:g} pixels of room, and there are {room}"
            ": lower context or speed, or raise canvas"
        )
    chosen = choose(rng, (count, 1), split)
    column = rng.uniform(speed[1], room - speed[1], (count, 1))
    pace = rng.uniform(*speed, (count, 1))
    at_turn = list(chances(rng, length, branch))[context - 1]
    turn = (at_turn.uniform(size=count) >= left).astype(np.int64)
    steps = np.arange(length) - (context - 1)
    rows = np.maximum(-steps, 0) * pace
    columns = fold(column + np.maximum(steps, 0) * pace * (2 * turn - 1)[:, None], room)
    corner = np.stack([rows, columns], axis=-1)
    clips, known = _alone(*draw_digits(chosen, corner[:, None], canvas, digit_size))
    return clips, known | {"turn": turn}


def coin_futures(count: int, length: int = 15, *, context: int = 5, left: float = 0.5, **drawn: Any) -> Drawn:
    """Return both futures of the clips that `coin_at_the_wall` draws with the same arguments, and their odds.

    Returns:
        uint8 `(count, 2, length - context, canvas, canvas)`: to the left, to the right; {"odds": float64 `(2,)`}.
    """
    both = [coin_at_the_wall(count, length, context=context, left=side, **drawn)[0][:, context:] for side in (1, 0)]
    return np.stack(both, axis=1), {"odds": np.array([left, 1 - left])}


def random_speeds(
    count: int,
    length: int = 15,
    *,
    speeds: Sequence[float] = (0.5, 1.5, 3.0),
    odds: Sequence[float] | None = None,
    canvas: int = 32,
    digit_size: int = 16,
    split: str = "train",
    seed: int = 0,
    branch: tuple[int, int] | None = None,
) -> Drawn:
    """Draw clips of a digit on a straight line whose speed is drawn anew for every frame; it bounces off the walls.

    No frame says anything of the next speed. So the way that is gone in t frames is a sum of t independent draws, and
    how far the forecast may be off grows with the square root of t.

    Args:
        speeds: The speeds there are, in pixels a frame.
        odds: How likely each is. Default: all alike.
        count, length, canvas, digit_size, split, seed, branch: As in `random_walls`.

    Returns:
        uint8 `(count, length, canvas, canvas)`; of each clip "digit", "corner", and "speed", float64
        `(count, length - 1)`: of the step into each frame but the first.

    Raises:
        ValueError: A number is out of range; or odds are not those of `speeds`, or do not add up to 1.
    """
    rng, room = begin(count, length, canvas, digit_size, split, seed)
    pace = np.asarray(speeds, float)
    likely = np.full(len(pace), 1 / max(len(pace), 1)) if odds is None else np.asarray(odds, float)
    if not len(pace) or (pace < 0).any():
        raise ValueError(f"speeds={speeds}: expected one or more, none below 0")
    if likely.shape != pace.shape or (likely < 0).any() or abs(likely.sum() - 1) > 1e-6:
        raise ValueError(f"odds={odds}: expected {len(pace)} from 0 to 1, one for each of speeds, that add up to 1")
    chosen = choose(rng, (count, 1), split)
    start = rng.uniform(0, room, (count, 1, 2))
    direction = directions(rng, count)[:, None]
    speed = np.stack([chance.choice(pace, size=count, p=likely) for chance in chances(rng, length, branch)], axis=1)
    way = np.concatenate([np.zeros((count, 1)), speed.cumsum(axis=1)], axis=1)
    corner = fold(start + direction * way[..., None], room)
    clips, known = _alone(*draw_digits(chosen, corner[:, None], canvas, digit_size))
    return clips, known | {"speed": speed}


def true_futures(
    law: Callable[..., Drawn], count: int, length: int = 15, *, context: int = 5, futures: int = 16, **drawn: Any
) -> np.ndarray:
    """Draw many futures of each past from the law itself: what a perfect forecaster would sample.

    Their mean is the best forecast there is under a squared error, and the energy score of these samples is the best
    that any forecast reaches on average.

    Args:
        law: `random_walls`, `coin_at_the_wall`, `random_speeds`, or `nextframe.datasets.n_body.n_body_digits`.
        count, length: Of the clips whose past it is: `law(count, length, **drawn)`.
        context: Frames that are known.
        futures: Of each past. None of them is the one that the clip shows.
        drawn: The law's other arguments.

    Returns:
        uint8 `(count, futures, length - context, canvas, canvas)`.

    Raises:
        ValueError: As the law does, or a number is out of range.
    """
    if law is coin_at_the_wall:
        drawn["context"] = context
    seeds = range(1, whole_number("futures", futures) + 1)
    return np.stack([law(count, length, branch=(context, seed), **drawn)[0][:, context:] for seed in seeds], axis=1)


def _alone(clips: np.ndarray, known: dict[str, np.ndarray]) -> Drawn:
    """Clips of one digit each, and what is known of it."""
    return clips, {name: array[:, 0] for name, array in known.items()}
