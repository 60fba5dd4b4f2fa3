"""Drift: how far a model of the paddle game has gone from the game, frame by frame."""

import numpy as np

from nextframe.datasets.paddle_game import (
    CELL,
    LEFT,
    LONGEST_HIDDEN,
    PADDLE_RIGHT,
    ball_centres,
    number_of_balls,
    paddle_columns,
)

NEAR = 1  # pixel: a ball that is further from the true one, in rows or columns, is lost


def paddle_errors(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How far the paddle is from the true one, in pixels; the whole way between the walls where there is none.

    Args:
        frames: Of the model, `(..., 32, 32)`, uint8 or floats in 0..1.
        truth: Frames of the game for the same actions, of the same shape.

    Returns:
        float64 `(...)`.
    """
    found = np.abs(paddle_columns(frames) - paddle_columns(truth))
    return np.where(np.isnan(found), CELL * (PADDLE_RIGHT - LEFT), found)


def keeps_one_ball(frames: np.ndarray) -> np.ndarray:
    """Whether there has been exactly one ball so far: never two, and never none for longer than the screen can hide it.

    It asks for no truth: the ball may be elsewhere than in the game.

    Args:
        frames: `(episodes, time, 32, 32)`, uint8 or floats in 0..1.

    Returns:
        bool `(episodes, time)`; once False, it stays.
    """
    balls = number_of_balls(frames)
    time = np.arange(balls.shape[1])
    last_seen = np.maximum.accumulate(np.where(balls > 0, time, -1), axis=1)
    kept = (balls <= 1) & (time - last_seen <= LONGEST_HIDDEN)
    return np.logical_and.accumulate(kept, axis=1)


def follows_the_ball(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Whether the ball has been near the true one so far, in all frames in which the true one can be seen.

    Args:
        frames: Of the model, `(episodes, time, 32, 32)`, uint8 or floats in 0..1.
        truth: Frames of the game for the same actions, of the same shape.

    Returns:
        bool `(episodes, time)`; once False, it stays.
    """
    away = np.abs(ball_centres(frames) - ball_centres(truth)).max(axis=-1)
    near = (away <= NEAR) & (number_of_balls(frames) == 1)
    return np.logical_and.accumulate(near | (number_of_balls(truth) == 0), axis=1)


def drift(frames: np.ndarray, truth: np.ndarray) -> dict[str, list[float]]:
    """Measure the drift of a model's frames, as curves over time.

    Args:
        frames: Of the model, `(episodes, time, 32, 32)`, uint8 or floats in 0..1.
        truth: Frames of the game for the same actions, of the same shape.

    Returns:
        For each frame, the mean over the episodes of "paddle error", in pixels, and the shares of the episodes with
        "paddle within 1 px" in this frame, with "one ball" up to it, and where it "follows the ball" up to it. For each
        episode, how many frames pass "until the paddle is off" by a pixel or more, and "until the ball is lost", which
        no longer follows the true one; all frames if neither happens.
    """
    errors = paddle_errors(frames, truth)
    follows = follows_the_ball(frames, truth)
    right = np.logical_and.accumulate(errors < 1, axis=1)
    curves = {
        "paddle error": errors.mean(axis=0),
        "paddle within 1 px": (errors <= 1).mean(axis=0),
        "one ball": keeps_one_ball(frames).mean(axis=0),
        "follows the ball": follows.mean(axis=0),
        "until the paddle is off": right.sum(axis=1),
        "until the ball is lost": follows.sum(axis=1),
    }
    return {name: np.round(values, 4).tolist() for name, values in curves.items()}
