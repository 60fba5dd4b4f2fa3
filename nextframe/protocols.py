"""Protocols: which films, how they are split and how forecasts are scored, so that every chapter compares alike."""

from dataclasses import dataclass

import keras
import numpy as np

from nextframe import clips, metrics, profiles, training, windows
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
        film: float32 `(1, time, height, width, 1)`, one long test film, to look at.
    """

    training_clips: np.ndarray
    validation_clips: np.ndarray
    context: np.ndarray
    truth: np.ndarray
    film: np.ndarray

    @property
    def context_shape(self) -> tuple[int, ...]:
        """What `nextframe.models.build` wants to know: `(N, height, width, 1)`."""
        return self.context.shape[1:]

    def fit(self, model: keras.Model, steps: int, learning_rate: float, *, seed: int = 0, **options) -> list[dict]:
        """Train a model on the films, in batches of 32 windows.

        Args:
            model: Maps a context to a target; or to one for each of its frames, and then it is trained on all of them.
            steps, learning_rate, options: As in `nextframe.training.fit`.
            seed: Of the order of the windows.

        Returns:
            The history of `nextframe.training.fit`.
        """
        context = self.context_shape[0]
        targets = {"every_step": len(model.output_shape) == 5}
        dataset = windows.window_dataset(
            self.training_clips, context, batch_size=32, shuffle=True, seed=seed, **targets
        )
        validation = windows.window_dataset(self.validation_clips, context, batch_size=100, **targets)
        return training.fit(model, dataset, validation, steps=steps, learning_rate=learning_rate, **options)

    def skill(self, model: keras.Model) -> float:
        """Skill on the test windows, forecasts clipped to 0..1."""
        forecast = metrics.clip_to_unit(predict_next(model, self.context))
        return metrics.skill(self.truth, forecast, self.context[:, -1])


def digits_32(**changes) -> Protocol:
    """Two digits of 16 pixels on 32×32, at 1 to 2.5 pixels a frame; ten frames of context, one to predict.

    The number of training films depends on the profile. Test films are the same in all, and their digits are in no
    other split.

    Args:
        changes: How the films differ from that, as arguments of `nextframe.moving_digits.moving_digits`. Chapters
            compare models without any.
    """
    film = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5)} | changes
    count = profiles.pick(ci=40, cpu=4000, gpu=10_000)
    test = windows.to_unit(moving_digits(500, 11, split="test", **film))
    return Protocol(
        training_clips=moving_digits(count, 20, split="train", **film),
        validation_clips=moving_digits(50, 20, split="validation", **film),
        context=test[:, :10],
        truth=test[:, 10],
        film=windows.to_unit(moving_digits(1, 60, split="test", seed=1, **film)),
    )


def real_clip(name: str, side: int = 64) -> Protocol:
    """A real clip, cut in time: the first 70 % to train on, the next 15 % to choose by, the rest to be scored on.

    Args:
        name: One of `nextframe.clips.EXAMPLES`.
        side: Frames are resized to so many pixels a side.
    """
    clip = clips.read_clip(clips.example_path(name), size=side)
    training, validation, test = windows.chronological_split(clip)
    contexts, targets = windows.sliding_windows(test, context=10)
    return Protocol(
        training_clips=training[None],
        validation_clips=validation[None],
        context=windows.to_unit(contexts),
        truth=windows.to_unit(targets[:, 0]),
        film=windows.to_unit(test[None]),
    )
