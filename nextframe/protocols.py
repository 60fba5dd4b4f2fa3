"""Protocols: which films, how they are split and how forecasts are scored, so that every chapter compares alike."""

from dataclasses import dataclass

import keras
import numpy as np

from nextframe import metrics, profiles, training, windows
from nextframe.forecasting import predict_next
from nextframe.moving_digits import moving_digits


@dataclass(frozen=True)
class Protocol:
    """Films to train on, films to choose by, and windows to be scored on.

    Attributes:
        training_clips: uint8 `(count, time, height, width)`.
        validation_clips: uint8 `(count, time, height, width)`.
        context: float32 `(windows, N, height, width, 1)`, of the test films.
        truth: float32 `(windows, height, width, 1)`, the frames after them.
    """

    training_clips: np.ndarray
    validation_clips: np.ndarray
    context: np.ndarray
    truth: np.ndarray

    @property
    def context_shape(self) -> tuple[int, ...]:
        """What `nextframe.models.build` wants to know: `(N, height, width, 1)`."""
        return self.context.shape[1:]

    def fit(self, model: keras.Model, steps: int, learning_rate: float, *, seed: int = 0, **options) -> list[dict]:
        """Train a model on the films, in batches of 32 windows.

        Args:
            model: Maps a context to a target.
            steps, learning_rate, options: As in `nextframe.training.fit`.
            seed: Of the order of the windows.

        Returns:
            The history of `nextframe.training.fit`.
        """
        context = self.context_shape[0]
        dataset = windows.window_dataset(self.training_clips, context, batch_size=32, shuffle=True, seed=seed)
        validation = windows.window_dataset(self.validation_clips, context, batch_size=100)
        return training.fit(model, dataset, validation, steps=steps, learning_rate=learning_rate, **options)

    def skill(self, model: keras.Model) -> float:
        """Skill on the test windows, forecasts clipped to 0..1."""
        forecast = metrics.clip_to_unit(predict_next(model, self.context))
        return metrics.skill(self.truth, forecast, self.context[:, -1])


def digits_32() -> Protocol:
    """Two digits of 16 pixels on 32×32, at 1 to 2.5 pixels a frame; ten frames of context, one to predict.

    The number of training films depends on the profile. Test films are the same in all, and their digits are in no
    other split.
    """
    film = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5)}
    count = profiles.pick(ci=40, cpu=4000, gpu=10_000)
    test = windows.to_unit(moving_digits(500, 11, split="test", **film))
    return Protocol(
        training_clips=moving_digits(count, 20, split="train", **film),
        validation_clips=moving_digits(50, 20, split="validation", **film),
        context=test[:, :10],
        truth=test[:, 10],
    )
