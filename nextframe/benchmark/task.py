"""A task: clips to train on, to choose by and to be scored on; with frames to forecast, or with labels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe import metrics, training, windows
from nextframe._utils.keras_layers import frames_ahead
from nextframe.forecasting import predict_next
from nextframe.objectives import own_loss

SLOWER = 1 / 3  # rate of the part of a training that is on rollouts


@dataclass(frozen=True)
class Task:
    """Clips to train on, clips to choose by, and windows to be scored on.

    Attributes:
        training_clips: uint8 `(count, time, height, width)`, or clips of one size in a list.
        validation_clips: The same.
        context: float32 `(windows, N, height, width, 1)`, of the test clips.
        future: float32 `(windows, horizon, height, width, 1)`, the frames after them.
        video: float32 `(1, time, height, width, 1)`, one long test clip, to look at.
        groups: Name → slice of the windows, where some are also scored by themselves.
        elsewhere: Name → contexts and targets of clips that differ in one thing from those trained on, where there are
            some: what a model leans on shows there.
        weights: How much each clip counts in the loss, of those to train on and of those to choose by; see
            `nextframe.windows.window_dataset`.
    """

    training_clips: np.ndarray | list[np.ndarray]
    validation_clips: np.ndarray | list[np.ndarray]
    context: np.ndarray
    future: np.ndarray
    video: np.ndarray
    groups: dict[str, slice] = field(default_factory=dict)
    elsewhere: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    weights: tuple[list[float], list[float]] | tuple[None, None] = (None, None)

    @property
    def truth(self) -> np.ndarray:
        """Return the frame after each context, float32 `(windows, height, width, 1)`."""
        return self.future[:, 0]

    @property
    def context_shape(self) -> tuple[int, ...]:
        """The shape that `nextframe.models.build` takes: `(N, height, width, 1)`."""
        return self.context.shape[1:]

    def fit(
        self,
        model: keras.Model,
        steps: int,
        learning_rate: float,
        *,
        seed: int = 0,
        rollout: int = 1,
        **options: Any,
    ) -> list[dict]:
        """Train a model on the clips, in batches of 32 windows.

        Args:
            model: Maps a context to a target; or to one for each of its frames, or to several frames ahead, and then it
                is trained on all of them. One that makes more than one forecast is trained by its own loss.
            steps, learning_rate, rollout, options: As in `nextframe.training.fit`. With a rollout, half of the steps
                are on one frame, and the rest on rollouts at a lower rate, where each frame counts as a step.
            seed: Of the order of the windows.

        Returns:
            The history of `nextframe.training.fit`; with a rollout, of its second part.
        """
        if rollout > 1:
            then = max(steps // (2 * rollout), options.get("rounds", 10))
            checkpoint = options.get("checkpoint")
            first = None if checkpoint is None else Path(checkpoint).with_suffix(".first.npz")
            alone = max(steps - rollout * then, options.get("rounds", 10))
            self._fit(model, alone, learning_rate, seed, 1, **options | {"checkpoint": first})
            history = self._fit(model, then, SLOWER * learning_rate, seed + 1, rollout, **options)
            if first is not None:
                first.unlink(missing_ok=True)
            return history
        return self._fit(model, steps, learning_rate, seed, rollout, **options)

    def _fit(
        self, model: keras.Model, steps: int, learning_rate: float, seed: int, rollout: int, **options: Any
    ) -> list[dict]:
        context = self.context_shape[0]
        ahead = frames_ahead(model) or (rollout if rollout > 1 else None)
        targets: dict[str, Any] = {"horizon": ahead} if ahead else {"sequence_targets": len(model.output_shape) == 5}
        counts, validation_counts = self.weights
        dataset = windows.window_dataset(
            self.training_clips, context, batch_size=32, shuffle=True, seed=seed, weights=counts, **targets
        )
        validation = windows.window_dataset(
            self.validation_clips, context, batch_size=100, weights=validation_counts, **targets
        )
        options |= {"loss": own_loss(model) or "mse", "rollout": rollout}
        return training.fit(model, dataset, validation, steps=steps, learning_rate=learning_rate, **options)

    def skill(self, model: keras.Model) -> float:
        """Skill on the test windows, forecasts clipped to 0..1."""
        forecast = metrics.clip_to_unit(predict_next(model, self.context))
        return metrics.skill(self.truth, forecast, self.context[:, -1])


@dataclass(frozen=True)
class LabelledTask:
    """Clips to train on, to choose by and to be scored on, each with one label.

    Attributes:
        clips: Name of a split → uint8 `(count, time, height, width)`.
        labels: Name of a split → int64 `(count,)`.
    """

    clips: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]

    @property
    def context_shape(self) -> tuple[int, ...]:
        """The shape that `nextframe.models.build` takes: `(N, height, width, 1)`."""
        return (*self.clips["train"].shape[1:], 1)

    def fit(self, model: keras.Model, steps: int, learning_rate: float, *, seed: int = 0, **options: Any) -> list[dict]:
        """Train a classifier on the clips, in batches of 32.

        Args:
            model: Maps a clip to probabilities.
            steps, learning_rate, options: As in `nextframe.training.fit`.
            seed: Of the order of the clips.

        Returns:
            The history of `nextframe.training.fit`.
        """
        train = self._dataset("train", shuffle=True, seed=seed)
        validation = self._dataset("validation", batch_size=100)
        options |= {"steps": steps, "learning_rate": learning_rate, "loss": "classes"}
        return training.fit(model, train, validation, **options)

    def accuracy(self, model: keras.Model) -> float:
        """Share of right answers on the test clips."""
        return training.accuracy(model, self._dataset("test"))

    def _dataset(self, split: str, **options: Any) -> windows.Dataset:
        return windows.labelled_dataset(self.clips[split], self.labels[split], **options)
