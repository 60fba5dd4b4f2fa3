"""A task whose future is open: models draw from it, and what they draw is scored."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from nextframe import metrics, sample_metrics, windows
from nextframe.benchmark.digit_reader import read_digits
from nextframe.benchmark.task import Rebuild, Task
from nextframe.datasets.random_futures import random_walls, true_futures
from nextframe.sampling import sample_rollout

CONTEXT, LENGTH = 5, 15  # frames that are seen, and of a clip
SAMPLES = 8  # futures of each window that are drawn and scored
LONG, LONG_WINDOWS = 60, 100  # frames of a rollout in which drift is seen, and windows that are drawn on so far


@dataclass(frozen=True, kw_only=True)
class FuturesTask(Task):
    """A task of which the law is known.

    Attributes:
        digits: int64 `(windows,)`, the digit that each test clip shows.
        law: float32 `(windows, SAMPLES, horizon, height, width, 1)`, other futures of the same contexts, drawn from the
            law itself: what a perfect model would draw.
    """

    digits: np.ndarray
    law: np.ndarray

    def score(self, model: keras.Model, *, horizon: int, seed: int, rebuild: Rebuild | None = None) -> dict[str, Any]:
        """Draw `SAMPLES` futures of each test window; return the "scores" of `score_samples` and `score_drift`."""
        scores = score_samples(sample_rollout(model, self.context, horizon, SAMPLES, seed), self)
        return {"scores": scores | score_drift(model, self, seed)}


def random_walls_32(training: int, test: int = 200) -> FuturesTask:
    """One digit of 16 pixels on 32×32 that leaves each wall in a random direction; five frames of context, ten to draw.

    Args:
        training: Number of clips to train on.
        test: Number of clips to be scored on.
    """
    clips, known = random_walls(test, LENGTH, split="test")
    videos = windows.to_unit(clips)
    law = true_futures(random_walls, test, LENGTH, context=CONTEXT, futures=SAMPLES, split="test")
    return FuturesTask(
        training_clips=random_walls(training, LENGTH)[0],
        validation_clips=random_walls(60, LENGTH, split="validation")[0],
        context=videos[:, :CONTEXT],
        future=videos[:, CONTEXT:],
        video=videos[:1],
        digits=known["digit"],
        law=windows.to_unit(law),
    )


def score_drift(model: keras.Model, task: FuturesTask, seed: int) -> dict[str, list[float]]:
    """Draw one long future of some test windows, and say what is left of the digit.

    No truth is needed so far ahead: whatever comes, it is the same digit, as bright and as sharp as before.

    Returns:
        Name → its mean for each of `LONG` frames ahead: "long energy" and "long sharpness" as a share of the truth's,
        and "long digit", the share of samples that show the clip's digit.
    """
    samples = sample_rollout(model, task.context[:LONG_WINDOWS], LONG, 1, seed)[:, 0]
    truth = task.future[:LONG_WINDOWS]
    right = read_digits(samples) == task.digits[:LONG_WINDOWS, None]
    scores = {
        "long energy": metrics.energy(samples).mean(axis=0) / metrics.energy(truth).mean(),
        "long sharpness": metrics.sharpness(samples).mean(axis=0) / metrics.sharpness(truth).mean(),
        "long digit": right.mean(axis=0),
    }
    return {name: values.tolist() for name, values in scores.items()}


def score_samples(samples: np.ndarray, task: FuturesTask) -> dict[str, list[float]]:
    """Score futures of the test windows, frame by frame.

    Args:
        samples: `(windows, samples, horizon, height, width, 1)`, float32 in 0..1. For the law's own scores,
            `task.law`; for those of the frames that came, `task.future[:, None]`.
        task: Has the truth.

    Returns:
        Name → its mean for each frame ahead: "MSE of a sample" and "MSE of the mean" per frame, "energy score", "best
        of 8" (MSE per frame, of all the samples), "energy" and "sharpness" of samples as a share of the truth's, and
        "digit", the share of samples that show the clip's digit, as `digit_reader` reads them.
    """
    horizon = samples.shape[2]
    future = task.future[:, :horizon]
    pixels = int(np.prod(future.shape[2:]))
    number = samples.shape[1]
    everyone = np.broadcast_to(future[:, None], samples.shape)
    right = read_digits(samples) == task.digits[:, None, None]
    scores = {
        "MSE of a sample": metrics.mse(everyone, samples, per="frame").mean(axis=(0, 1)),
        "MSE of the mean": metrics.mse(future, samples.mean(axis=1), per="frame").mean(axis=0),
        "energy score": sample_metrics.energy_score(future, samples).mean(axis=0),
        f"best of {number}": pixels * sample_metrics.best_of(future, samples, [number])[0].mean(axis=0),
        "energy": metrics.energy(samples).mean(axis=(0, 1)) / metrics.energy(future).mean(axis=0),
        "sharpness": metrics.sharpness(samples).mean(axis=(0, 1)) / metrics.sharpness(future).mean(axis=0),
        "digit": right.mean(axis=(0, 1)),
    }
    return {name: values.tolist() for name, values in scores.items()}
