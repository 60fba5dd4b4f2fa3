"""Exercises of chapter 3: recurrence, gates, and what whole frames cost."""

import functools

import keras
import numpy as np

from nextframe.benchmark import leaderboard
from nextframe.exercises.exercise import Exercise
from nextframe.models import build


@functools.cache
def _lost_with_few_clips() -> dict[str, float]:
    """Skill that a hundred clips cost, in place of four thousand; the mean of three seeds."""
    names = {"LSTM": "lstm", "Conv3D": "conv3d"}
    board = leaderboard.load_runs("few-clips", rows=[f"{row}-{n}" for row in names.values() for n in (100, 4000)])
    skills = {row: leaderboard.over_seeds(runs, leaderboard.skill)[0] for row, runs in board.items()}
    return {label: skills[f"{row}-4000"] - skills[f"{row}-100"] for label, row in names.items()}


def _weights() -> int:
    return build("dense_lstm", (10, 64, 64, 1), units=1024).count_params()


def _shown_by_last_unit(u: np.ndarray) -> dict[str, np.ndarray]:
    """What the last unit shows while h ← (x, 0, 0, …) + h U reads twelve numbers."""
    u = np.asarray(u, float)
    if u.ndim != 2 or len(u) != u.shape[1]:
        raise ValueError(f"it has shape {u.shape}; expected k rows of k numbers")
    h, shows = np.zeros(len(u)), []
    for number in range(1, 13):
        h = h @ u
        h[0] += number
        shows.append(h[-1])
    return {"last unit, over twelve steps,": np.array(shows)}


def _delayed(units: int) -> dict[str, np.ndarray]:
    late = [max(number - units + 1, 0) for number in range(1, 13)]
    return {"last unit, over twelve steps,": np.array(late)}


def _keras_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, ...]:
    cell = keras.layers.LSTMCell(len(h))
    cell.build((None, len(x)))
    cell.set_weights([w, u, b])
    _, states = cell(x[None].astype("float32"), [state[None].astype("float32") for state in (h, c)])
    return tuple(keras.ops.convert_to_numpy(state)[0] for state in states)


def _step(seed: int, features: int, units: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    shapes = [(features,), (units,), (units,), (features, 4 * units), (units, 4 * units), (4 * units,)]
    return tuple(random.normal(size=shape).round(1) for shape in shapes)


EXERCISES = {
    "3.1": Exercise(
        "predict",
        _lost_with_few_clips,
        "The LSTM has to see a motion at every place, and a hundred clips do not show it there. A kernel meets each "
        "motion at all places of a clip.",
        within=0.03,  # so that no answer is right that takes the two losses for about equal
    ),
    "3.2": Exercise(
        "predict",
        _weights,
        "Four sets of 4,096 + 1,024 weights and a bias for each unit, and 1,024 weights and a bias for each pixel.",
        within=0,
        traps=(
            (4 * 1024 * (4096 + 1024) + 4096 * 1024, "Count the biases too."),
            (4 * 1024 * (4096 + 1024 + 1), "The decoder has weights as well."),
        ),
    ),
    "3.3": Exercise(
        "build",
        _delayed,
        "Each unit hands on what it holds to the next one, so what came in k − 1 steps ago has reached the last. No "
        "gate is needed while nothing else has to be kept out.",
        inputs=lambda: [(2,), (4,), (1,), (9,)],
        measure=_shown_by_last_unit,
    ),
    "3.4": Exercise(
        "mend",
        _keras_step,
        "Keras keeps the weights of i, f, g and o in this order. In another all shapes fit, and the state is wrong.",
        inputs=lambda: [_step(0, 1, 2), _step(1, 3, 4)],
    ),
    "3.5": Exercise(
        "build",
        lambda z, h, g: z * h + (1 - z) * g,
        "What a unit keeps and what it takes in add up to one: with z at 1 nothing gets lost.",
        inputs=lambda: [
            (np.array([1.0, 0.0, 0.5]), np.array([2.0, 2.0, 2.0]), np.array([0.5, 0.5, -0.5])),
            tuple(np.random.default_rng(0).random((3, 8))),
        ],
    ),
}
