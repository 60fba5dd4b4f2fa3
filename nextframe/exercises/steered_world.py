"""Exercises of chapter 14: what a world must remember, where it turns, and how its drift is counted."""

import numpy as np

from nextframe.datasets.paddle_game import LONGEST_HIDDEN, PADDLE, PADDLE_ROW, State, step
from nextframe.exercises.exercise import Exercise


def _least_context() -> int:
    """The frames in which the ball is hidden, and two before them that show where it flies."""
    return LONGEST_HIDDEN + 2


def _direction(column: int, paddle: int, across: int) -> int:
    """The game's own, of a ball that falls onto this column of the paddle."""
    return step(State(column - across, PADDLE_ROW - 1, across, 1, paddle), 0).across


def _hits() -> list[tuple[int, int, int]]:
    return [(paddle + third, paddle, across) for paddle in (4, 7) for third in range(PADDLE) for across in (-1, 0, 1)]


def _keeps_one_ball(balls: np.ndarray, longest: int) -> bool:
    """Frame by frame, in plain Python."""
    unseen = 0
    for count in balls:
        unseen = 0 if count else unseen + 1
        if count > 1 or unseen > longest:
            return False
    return True


def _counts() -> list[tuple[np.ndarray, int]]:
    rows = ("1111", "1100011", "11000011", "1112111", "1111000", "11110000", "0111", "1101011", "1211", "11001100111")
    return [(np.array([int(count) for count in row]), 3) for row in rows] + [(np.array([1, 0, 0, 1]), 1)]


EXERCISES = {
    "14.1": Exercise(
        "predict",
        _least_context,
        "The ball is hidden for three frames at most, and two frames before show where it was and where it flew.",
        traps=(
            (LONGEST_HIDDEN, "In all of them the ball may be hidden."),
            (LONGEST_HIDDEN + 1, "One frame shows where the ball was. Which way did it fly?"),
        ),
    ),
    "14.2": Exercise(
        "build",
        _direction,
        "The outer thirds of the paddle decide, and the middle one leaves the ball as it came: you steer it by where "
        "you meet it.",
        inputs=_hits,
    ),
    "14.3": Exercise(
        "mend",
        _keeps_one_ball,
        "It looks at all frames now. The last frame alone forgave a second ball that had gone again, and blamed a "
        "ball behind the screen.",
        inputs=_counts,
    ),
}
