"""Exercises of chapter 13: what a pixel is shown where the future is open, and how guesses are scored and learned."""

import functools

import numpy as np

from nextframe import sample_metrics
from nextframe.exercises.exercise import Exercise


@functools.cache
def _best_brightness() -> dict[str, float]:
    """The one brightness with the lowest mean error, for a pixel that is white in one of three futures alike."""
    futures = np.array([1.0, 0.0, 0.0])
    tried = np.linspace(0, 1, 3001)
    apart = tried[:, None] - futures
    errors = {"squared": apart**2, "absolute": np.abs(apart)}
    return {name: float(tried[error.mean(axis=1).argmin()]) for name, error in errors.items()}


def _energy_score(truth: np.ndarray, samples: np.ndarray) -> float:
    frame, futures = (array.reshape(*array.shape[:-1], 1, -1, 1) for array in (truth, samples))
    return float(sample_metrics.energy_score(frame[None], futures[None])[0])


def _vectors(seed: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """A truth of four pixels, and samples of it."""
    random = np.random.default_rng(seed)
    return random.integers(0, 9, 4) / 8, random.integers(0, 9, (samples, 4)) / 8


def _multiple_choice(futures: np.ndarray, target: np.ndarray) -> float:
    """The squared error of the nearest future."""
    return min(float(np.mean((future - target) ** 2)) for future in futures)


def _choices(seed: int, futures: int) -> tuple[np.ndarray, np.ndarray]:
    target, forecasts = _vectors(seed, futures)
    return forecasts, target


EXERCISES = {
    "13.1": Exercise(
        "predict",
        _best_brightness,
        "The squared error wants the mean, a grey that no future has. The absolute error wants the median, which is "
        "black: with it, a digit that can be in three places vanishes from all of them.",
        within=0.02,
        traps=(
            (
                {"squared": 0.5, "absolute": 0.5},
                "Half is the middle of black and white; but black comes twice as often.",
            ),
            (
                {"squared": 1 / 3, "absolute": 1 / 3},
                "One of the two is right. The other error does not grow with its square, so the many pull no less than "
                "the one.",
            ),
        ),
    ),
    "13.2": Exercise(
        "build",
        _energy_score,
        "Pairs are counted without a sample's distance to itself, which is 0 and would make few samples look closer to "
        "each other than they are.",
        inputs=lambda: [_vectors(0, 2), _vectors(1, 5)],
    ),
    "13.3": Exercise(
        "mend",
        _multiple_choice,
        "Now the nearest future alone is asked to come closer, and the others may stay what they are: other futures. "
        "With the mean of all, each would learn the same blur.",
        inputs=lambda: [_choices(2, 2), _choices(3, 4)],
    ),
}
