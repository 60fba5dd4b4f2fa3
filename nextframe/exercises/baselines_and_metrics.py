"""Exercises of chapter 2: baselines, and metrics that go wrong."""

import functools

import numpy as np

from nextframe import metrics
from nextframe.clips import read_clip
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import example_path
from nextframe.exercises.exercise import Exercise
from nextframe.forecasting import predict_next
from nextframe.models import BASELINES, build
from nextframe.models.baselines import half_extrapolation
from nextframe.windows import chronological_split, sliding_windows, to_unit


def _half(contexts: np.ndarray) -> np.ndarray:
    return predict_next(half_extrapolation(contexts.shape[1:]), contexts)


def _contexts(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9, shape).astype("float32") / 8


@functools.cache
def _half_beats_flow() -> dict[str, bool]:
    """Whether extrapolating half as far has more skill than optical flow, on the test part of each clip."""
    better = {}
    for name in ("bottle", "box"):
        _, _, test = chronological_split(read_clip(example_path(name), size=64))
        seen, target = map(to_unit, sliding_windows(test, context=10))
        flow = predict_next(build("optical_flow", seen.shape[1:]), seen)
        errors = [metrics.mse(target[:, 0], forecast.clip(0, 1)).mean() for forecast in (_half(seen), flow)]
        better[name] = bool(errors[0] < errors[1])
    return better


@functools.cache
def _best_of_fast() -> str:
    """The baseline with the lowest squared error on digits that move three times as fast."""
    clips = to_unit(moving_digits(200, length=11, canvas=32, digit_size=16, speed=(3, 7.5), split="test"))
    errors = {}
    for baseline in BASELINES:
        model = baseline((10, *clips.shape[2:]))
        forecast = predict_next(model, clips[:, :10]).clip(0, 1)
        errors[model.name] = metrics.mse(clips[:, 10], forecast).mean()
    return min(errors, key=lambda name: errors[name])


def _psnr(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(metrics.psnr(to_unit(truth), to_unit(forecast)))


def _bytes(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(2, -1)


def _lively(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, forecast and last frame of four windows, one of them nearly still."""
    truth, forecast, last = np.random.default_rng(seed).random((3, 4, 6, 6, 1))
    last[0] = truth[0] + 0.01
    return truth, (truth + forecast) / 2, last


EXERCISES = {
    "2.1": Exercise(
        "build",
        _half,
        "It is the mean of copying and extrapolation, and the library has it as `half_extrapolation`.",
        inputs=lambda: [(_contexts(0, 1, 3, 1, 2, 1),), (_contexts(1, 2, 10, 4, 4, 1),)],
    ),
    "2.2": Exercise(
        "predict",
        _half_beats_flow,
        "On these windows little moves, and a single fitted number does as well as flow. Where more moves, flow is "
        "ahead on the bottle: chapter 4 scores such windows.",
    ),
    "2.3": Exercise(
        "predict",
        _best_of_fast,
        "A digit is no longer where it was, so copying is wrong in two places, and a jump of several pixels is hard "
        "for "
        "optical flow to follow. The mean of the context is dim everywhere, so no pixel of it is far off.",
        choices=tuple(baseline.__name__ for baseline in BASELINES),
        traps=(
            ("copy_last", "Copying is wrong where a digit was, and where it has gone."),
            ("optical_flow", "It has to find a digit again that has jumped by up to half of its size."),
            (
                "black",
                "Close: it is ahead of copying. One other is dim everywhere too, and less wrong where digits are.",
            ),
        ),
    ),
    "2.4": Exercise(
        "mend",
        _psnr,
        "Differences of bytes wrap around, and so do their squares, which need more than 16 bits to be safe.",
        inputs=lambda: [
            (_bytes(23, 3), _bytes(3, 23)),
            (_bytes(0, 250, 10, 100), _bytes(250, 0, 12, 101)),
        ],
        within=1e-3,
    ),
    "2.5": Exercise(
        "mend",
        metrics.skill,
        "Skill divides two means. The mean of many ratios is ruled by the windows in which nothing moves.",
        inputs=lambda: [_lively(0), _lively(1)],
    ),
}
