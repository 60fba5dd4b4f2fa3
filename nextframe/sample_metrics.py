"""Metrics of samples: how good many futures are that a model drew for one past, and whether they spread as they should.

Samples are `(count, samples, ..., height, width, 1)`, floats with 0 black and 1 white: those of a clip lie along the
second axis. The truth is `(count, ..., height, width, 1)`: one future of each clip, the one that came. What lies
between, such as the frames of a rollout, is kept: values are float64 `(count, ...)`, to be averaged last.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

from nextframe._utils.validation import whole_number
from nextframe.metrics import mse

_PIXELS = (-3, -2, -1)


def energy_score(truth: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """How far samples are from the truth, less half of how far they are from each other; lower is better.

    It is lowest, on average, for samples of the true distribution. Samples that are sharp and wrong alike pay in the
    first part; samples that differ, without need, do too. One sample is a point forecast, and its score a distance.
    This is the fair form, which divides by pairs of different samples: on average it does not depend on their number.

    Args:
        truth: `(count, ..., height, width, 1)`, floats in 0..1.
        samples: `(count, samples, ..., height, width, 1)`, floats.

    Returns:
        float64 `(count, ...)`: a distance between frames, the square root of the squared error summed over pixels.

    Raises:
        ValueError: Shapes do not fit, or frames are no floats.

    Source: Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA 2007; fair as in
    Ferro, Fair scores for ensemble forecasts, QJRMS 2014.
    """
    each = list(np.moveaxis(_fitting(truth, samples), 1, 0))
    from_truth = np.mean([_distance(truth, sample) for sample in each], axis=0)
    if len(each) == 1:
        return from_truth
    return from_truth - np.mean([_distance(one, other) for one, other in combinations(each, 2)], axis=0) / 2


def crps(truth: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score, the energy score of each pixel by itself, averaged over a frame's pixels.

    It asks whether each pixel's distribution is right, and not whether pixels fit each other: samples whose pixels are
    shuffled among them score the same. For one sample it is the mean absolute error.

    Args, Returns and Raises as in `energy_score`, in units of brightness; fair in the same way.
    """
    samples = np.sort(_fitting(truth, samples), axis=1)
    number = samples.shape[1]
    score = np.abs(np.asarray(truth, np.float64)[:, None] - samples).mean(axis=1)
    if number > 1:  # of sorted values, all differences at once: each counts as often as others lie below, less above
        rank = 2 * np.arange(number) - (number - 1)
        score -= np.tensordot(samples, rank, axes=(1, 0)) / (number * (number - 1))
    return score.mean(_PIXELS)


def coverage(truth: np.ndarray, low: np.ndarray, high: np.ndarray, least_width: float = 0.0) -> float:
    """Share of the truth's pixels that lie within their bands: 0.9 for bands of 90 % that are calibrated.

    Pixels that are black in every future lie within any band, and make bad ones look good. So count those alone that
    the forecast is not sure of, by `least_width`.

    Args:
        truth: `(..., height, width, 1)`, floats.
        low, high: Ends of the bands, the same shape.
        least_width: Pixels with a narrower band are not counted.

    Returns:
        0 to 1; NaN where no band is that wide.

    Raises:
        ValueError: Shapes differ.
    """
    truth, low, high = (np.asarray(array, np.float64) for array in (truth, low, high))
    if not truth.shape == low.shape == high.shape:
        raise ValueError(f"truth has shape {truth.shape}, low {low.shape}, high {high.shape}: pass arrays of one shape")
    counted = high - low >= least_width
    return float(((low <= truth) & (truth <= high))[counted].mean()) if counted.any() else float("nan")


def best_of(truth: np.ndarray, samples: np.ndarray, numbers: Sequence[int] = (1, 2, 4, 8)) -> np.ndarray:
    """Squared error of the best of n samples, for several n: what is often published, and falls with n for any spread.

    Whoever draws more wins: noise around a blurred mean gets better with n too. Compare it at equal n only, and beside
    a score that cannot be bought, such as `energy_score`. What is returned is the mean over every choice of n of the
    samples that there are, so it does not hang on which came first.

    Args:
        truth, samples: As in `energy_score`.
        numbers: Each n; none above the number of samples.

    Returns:
        float64 `(numbers, count, ...)`: MSE of a frame, averaged over its pixels.

    Raises:
        ValueError: As `energy_score`, or an n is out of range.
    """
    samples = _fitting(truth, samples)
    total = samples.shape[1]
    errors = np.sort(mse(np.broadcast_to(np.asarray(truth)[:, None], samples.shape), samples), axis=1)
    for number in numbers:
        if whole_number("numbers", number) > total:
            raise ValueError(f"numbers={tuple(numbers)}: the best of {number} needs as many samples, and got {total}")
    # The sample of rank r is the best of those choices whose others all lie above it
    odds = [[comb(total - 1 - rank, n - 1) / comb(total, n) for rank in range(total)] for n in numbers]
    return np.tensordot(np.array(odds), errors, axes=(1, 1))


def nearest(futures: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return which of some true futures each sample is nearest to, by squared error.

    Args:
        futures: `(count, futures, ..., height, width, 1)`, floats: those that there are, as `coin_futures` lists them.
        samples: `(count, samples, ..., height, width, 1)`, floats.

    Returns:
        int64 `(count, samples)`: a number of 0 to futures − 1. Over many samples, each comes up as often as its odds.

    Raises:
        ValueError: Shapes do not fit.
    """
    futures, samples = np.asarray(futures, np.float64), np.asarray(samples, np.float64)
    if futures.shape[:1] + futures.shape[2:] != samples.shape[:1] + samples.shape[2:]:
        raise ValueError(f"futures have shape {futures.shape}, samples {samples.shape}: all but the second must agree")
    pixels = tuple(range(2, futures.ndim))
    errors = [np.square(samples - futures[:, [one]]).mean(axis=pixels) for one in range(futures.shape[1])]
    return np.argmin(errors, axis=0)


def change_per_step(frames: np.ndarray) -> np.ndarray:
    """Mean absolute difference between each frame and the one before: 0 in a rollout that has frozen.

    Args:
        frames: `(..., time, height, width, 1)`, floats.

    Returns:
        float64 `(..., time - 1)`.
    """
    return np.abs(np.diff(np.asarray(frames, np.float64), axis=-4)).mean(_PIXELS)


def temporal_spectrum(frames: np.ndarray) -> np.ndarray:
    """How fast pixels change: the power of each frequency in time, averaged over pixels.

    Blur in time takes power from the high frequencies, flicker adds some. The mean of each pixel is taken out first.

    Args:
        frames: `(..., time, height, width, 1)`, floats, 2 frames or more.

    Returns:
        float64 `(..., time // 2 + 1)`: power at 0, 1/time, 2/time, … cycles a frame. The whole spectrum, with the
        frequencies that are left out because they mirror these, adds up to the variance in time.
    """
    frames = np.asarray(frames, np.float64)
    time = frames.shape[-4]
    power = np.abs(np.fft.rfft(frames - frames.mean(axis=-4, keepdims=True), axis=-4) / time) ** 2
    return power.mean(_PIXELS)


def _fitting(truth: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the samples as float64, after checks."""
    truth, samples = np.asarray(truth), np.asarray(samples)
    if samples.ndim < 5 or samples.shape[:1] + samples.shape[2:] != truth.shape:
        raise ValueError(
            f"truth has shape {truth.shape}, samples {samples.shape}; expected (count, ..., height, width, 1) and "
            "(count, samples, ..., height, width, 1): for one sample of each clip, pass forecast[:, None]"
        )
    mse(truth, samples[:, 0])  # for its checks
    return samples.astype(np.float64)


def _distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(one - other).sum(_PIXELS))
