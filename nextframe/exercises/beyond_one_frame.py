"""Exercises of chapter 10: rollouts, dimness, and the horizon that is fed the truth."""

import functools
from collections.abc import Callable

import keras
import numpy as np

from nextframe import forecasting, pretrained
from nextframe.benchmark import leaderboard, tasks
from nextframe.exercises.exercise import Exercise
from nextframe.models import build


@functools.cache
def _brightest() -> float:
    """The brightest pixel of rollouts of ten frames, where nothing is clipped."""
    model, task = pretrained.load("frames_as_channels"), tasks.digits_32(training=1)
    return float(forecasting.rollout(model, task.context[:100], 10, clip=False).max())


@functools.cache
def _frames_ahead_of_black() -> dict[str, int]:
    """For how many frames each forecast has a lower error than an empty screen; the mean of the seeds."""
    board = leaderboard.load_runs("digits-32", rows=["conv_lstm", "dense_lstm", "black"])
    errors = {
        name: np.mean([run["scores"]["all"]["MSE per frame"] for run in runs], axis=0) for name, runs in board.items()
    }
    empty = errors.pop("black")
    return {name: int(np.minimum.accumulate(error < empty).sum()) for name, error in errors.items()}


def _numbers(seed: int, error: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random((50, 8))
    return truth, (truth + error * random.normal(size=truth.shape)).clip(0, None)


def _given(seed: int, error: float) -> tuple[float, float, float]:
    """Error, energy as a share of the truth's, and the error of black."""
    truth, forecast = _numbers(seed, error)
    empty = float((truth**2).mean())
    return float(((forecast - truth) ** 2).mean()), float((forecast**2).mean()) / empty, empty


def _best_factor(error: float, energy: float, empty: float) -> float:
    """By least squares, from forecasts themselves."""
    for seed, noise in KINDS:
        if _given(seed, noise) == (error, energy, empty):
            truth, forecast = _numbers(seed, noise)
            return float((truth * forecast).sum() / (forecast**2).sum())
    raise ValueError(f"no forecasts have error={error}, energy={energy} and empty={empty}")


KINDS = ((0, 0.0), (1, 0.5), (2, 2.0))


def _extrapolate(seen: np.ndarray) -> np.ndarray:
    """A model that a mended rollout is tried on: each pixel goes on changing as it did."""
    return 2 * seen[:, -1] - seen[:, -2]


def _rollout(model: Callable, context: np.ndarray, future: np.ndarray) -> np.ndarray:
    """The library's, of the same model in Keras."""
    network: keras.Model = build("linear_extrapolation", context.shape[1:])
    return forecasting.rollout(network, context.astype("float32"), future.shape[1], clip=False)


def _clip(seed: int, *shape: int) -> tuple[Callable, np.ndarray, np.ndarray]:
    frames = np.random.default_rng(seed).integers(0, 9, (1, 6, *shape, 1)) / 16
    return _extrapolate, frames[:, :3], frames[:, 3:]


EXERCISES = {
    "10.1": Exercise(
        "predict",
        _brightest,
        "White is 1, and nothing holds a forecast below it any more. Once fed back, what is too bright is an input "
        "that no training clip had.",
        within=0.15,
        traps=((1.0, "Without `clip`, nothing holds a pixel there."),),
    ),
    "10.2": Exercise(
        "predict",
        _frames_ahead_of_black,
        "The ConvLSTM, by far the better one at one frame, grows brighter than the truth where it no longer "
        "knows. The dense LSTM stays dimmer than the truth, which costs less.",
        within={"conv_lstm": 1, "dense_lstm": 0},  # seeds differ by a frame in the first, and agree in the second
        traps=(
            ({"conv_lstm": 10, "dense_lstm": 6}, "The other way round: a bright digit in a wrong place costs more."),
        ),
    ),
    "10.3": Exercise(
        "build",
        _best_factor,
        "The mean product of truth and forecast follows from the three, since the error is energy of the truth minus "
        "twice that product plus energy of the forecast.",
        inputs=lambda: [_given(seed, noise) for seed, noise in KINDS],
    ),
    "10.4": Exercise(
        "mend",
        _rollout,
        "Now only forecasts join the context. It was fed with the truth, and its error stayed that of one frame.",
        inputs=lambda: [_clip(0, 1, 1), _clip(1, 3, 4)],
    ),
}
