"""A task: clips to train on, to choose by and to be scored on; with frames to forecast, or with labels."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from nextframe import metrics, training, windows
from nextframe._utils.keras_layers import frames_ahead
from nextframe.benchmark import scoring
from nextframe.forecasting import predict_next
from nextframe.objectives import own_loss

Rebuild = Callable[[tuple[int, ...]], keras.Model]
SLOWER = 1 / 3  # rate of the part of a training that is on rollouts


def fit_with_rollouts(
    fit: Callable[..., list[dict]],
    steps: int,
    learning_rate: float,
    rollout: int,
    rounds: int = 10,
    checkpoint: str | os.PathLike | None = None,
) -> list[dict]:
    """Train on single frames, and then, if asked to, on rollouts for as many frames, at a third of the rate.

    Args:
        fit: Trains one part. It gets how many frames are forecast in a row, the number of the part, and the arguments
            `steps`, `learning_rate`, `rounds` and `checkpoint` of `nextframe.training.fit`, whose history it returns.
        steps: Batches of frames that are forecast. In a rollout of five, each batch of windows is five of them.
        learning_rate, rounds, checkpoint: As in `nextframe.training.fit`; of the first part, and of both.
        rollout: Frames in a row that the second part forecasts; with 1, there is none.

    Returns:
        The history of the last part, since losses of rollouts are not to be compared with those of single frames.
        Steps, examples, seconds and operations count both parts, and a step is a frame.
    """
    then = steps // (2 * rollout) if rollout > 1 else 0
    parts = [(1, steps - rollout * then, 1.0), *([(rollout, then, SLOWER)] if then else [])]
    first = None if checkpoint is None else Path(checkpoint).with_suffix(".first.npz")
    before = {"step": 0, "examples": 0, "seconds": 0.0, "flops": 0.0}
    history: list[dict] = []
    for number, (frames, count, slower) in enumerate(parts):
        options = {"steps": count, "learning_rate": slower * learning_rate, "rounds": min(rounds, count)}
        history = fit(frames, number, checkpoint=checkpoint if number == len(parts) - 1 else first, **options)
        for entry in history:
            for name in before.keys() & entry.keys():
                entry[name] = before[name] + (frames if name in ("step", "flops") else 1) * entry[name]
        before = {name: history[-1].get(name, 0) for name in before}
    if first is not None:  # the whole run's own is left to whoever asked for it
        first.unlink(missing_ok=True)
    return history


class AnyTask(Protocol):
    """What the benchmark asks of a task, whatever its kind: `Task`, and those that forecast no single frame."""

    @property
    def context_shape(self) -> tuple[int, ...]:
        """The shape that `nextframe.models.build` takes: `(N, height, width, 1)`."""

    def fit(self, model: keras.Model, steps: int, learning_rate: float, *, seed: int = 0, **options: Any) -> list[dict]:
        """Train a model on the task's clips; return the history."""

    def score(self, model: keras.Model, *, horizon: int, seed: int, rebuild: Rebuild) -> dict[str, Any]:
        """Score a trained model on the test clips.

        Args:
            model: As `fit` left it.
            horizon: Frames ahead that a rollout is scored on, where there is one.
            seed: Of what is drawn, where something is.
            rebuild: Makes the same model for a context of another shape.

        Returns:
            What is kept of a run, by name.
        """

    def contents(self) -> Iterator[np.ndarray | str]:
        """Return all that a result depends on, for its fingerprint: every clip, and what goes with them."""


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
        rounds: int = 10,
        checkpoint: str | os.PathLike | None = None,
        **options: Any,
    ) -> list[dict]:
        """Train a model on the clips, in batches of 32 windows.

        Args:
            model: Maps a context to a target; or to one for each of its frames, or to several frames ahead, and then it
                is trained on all of them. One that makes more than one forecast is trained by its own loss.
            steps, learning_rate, rollout, rounds, checkpoint: As in `fit_with_rollouts`.
            seed: Of the order of the windows.
            options: As in `nextframe.training.fit`.

        Returns:
            As in `fit_with_rollouts`.
        """
        options = {"loss": own_loss(model) or "mse"} | options
        ahead, context, weights = frames_ahead(model), self.context_shape[0], self.weights

        def fit_part(frames: int, number: int, **part: Any) -> list[dict]:
            horizon = ahead or (frames if frames > 1 else None)
            targets: dict[str, Any] = (
                {"horizon": horizon} if horizon else {"sequence_targets": len(model.output_shape) == 5}
            )
            order: dict[str, Any] = {"shuffle": True, "seed": seed + number}
            train = windows.window_dataset(
                self.training_clips, context, batch_size=32, weights=weights[0], **order, **targets
            )
            validation = windows.window_dataset(
                self.validation_clips, context, batch_size=100, weights=weights[1], **targets
            )
            return training.fit(model, train, validation, rollout=frames, **options, **part)

        return fit_with_rollouts(fit_part, steps, learning_rate, rollout, rounds, checkpoint)

    def score(self, model: keras.Model, *, horizon: int, seed: int, rebuild: Rebuild) -> dict[str, Any]:
        """Score a model on the test windows, as in `AnyTask.score`.

        Returns:
            "scores" over the horizon, of all windows and of each group; "clip_mse", the error of each window; the
            scores "elsewhere"; and "diagnostics".
        """
        groups = {"all": slice(None)} | self.groups
        return {
            "scores": {
                name: scoring.score_horizon(model, self.context[part], self.future[part, :horizon])
                for name, part in groups.items()
            },
            "clip_mse": scoring.clip_mse(model, self.context, self.truth),
            "elsewhere": {
                name: scoring.score_elsewhere(model, rebuild, *windows) for name, windows in self.elsewhere.items()
            },
            "diagnostics": scoring.diagnose(model, self.context, self.video),
        }

    def contents(self) -> Iterator[np.ndarray | str]:
        """Return every clip, and how much it counts, as in `AnyTask.contents`."""
        for clips in (self.training_clips, self.validation_clips, self.context, self.future):
            yield from clips
        for pair in self.elsewhere.values():
            yield from pair
        if any(self.weights):
            weights = [
                [f"{weight:.4g}" for weight in of_part or ()] for of_part in self.weights
            ]  # not their last digits
            yield repr((weights, self.groups))

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

    def score(self, model: keras.Model, *, horizon: int, seed: int, rebuild: Rebuild) -> dict[str, Any]:
        """Return the "accuracy" on the test clips."""
        return {"accuracy": self.accuracy(model)}

    def contents(self) -> Iterator[np.ndarray | str]:
        """Return every clip and label, as in `AnyTask.contents`."""
        yield from (*self.clips.values(), *self.labels.values())

    def accuracy(self, model: keras.Model) -> float:
        """Share of right answers on the test clips."""
        return training.accuracy(model, self._dataset("test"))

    def _dataset(self, split: str, **options: Any) -> windows.Dataset:
        return windows.labelled_dataset(self.clips[split], self.labels[split], **options)
