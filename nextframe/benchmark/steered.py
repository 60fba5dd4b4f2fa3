"""A task that is steered: episodes of frames and actions, and a score that says how a rollout drifts."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from nextframe import steering, training, windows
from nextframe.benchmark.task import Rebuild, fit_with_rollouts
from nextframe.datasets import paddle_game as game
from nextframe.datasets.paddle_drift import drift

BATCH = 32
LONGEST = 300  # frames that a rollout can be scored on


@dataclass(frozen=True)
class SteeredTask:
    """Episodes to train on, to choose by and to be scored on.

    Attributes:
        frames: Name of a split → uint8 `(count, time, height, width)`.
        actions: Name of a split → int64 `(count, time - 1)`.
        context: Frames that the model sees.
    """

    frames: dict[str, np.ndarray]
    actions: dict[str, np.ndarray]
    context: int

    @property
    def context_shape(self) -> tuple[int, ...]:
        """The shape that `nextframe.models.build` takes: `(N, height, width, 1)`."""
        return (self.context, *self.frames["train"].shape[2:], 1)

    def fit(
        self,
        model: keras.Model,
        steps: int,
        learning_rate: float,
        *,
        seed: int = 0,
        rollout: int = 1,
        rounded: bool = False,
        context_noise: float = 0.0,
        rare: float = 0.0,
        rounds: int = 10,
        checkpoint: str | os.PathLike | None = None,
        **options: Any,
    ) -> list[dict]:
        """Train a model, in batches of 32 windows.

        Args:
            model: Maps a context and an action to a target.
            steps, learning_rate, rollout, rounds, checkpoint: As in `nextframe.benchmark.task.fit_with_rollouts`.
            seed: Of the order of the windows.
            rounded, context_noise: As in `nextframe.steering.unrolled`.
            rare: Share of the windows that lead to a decisive moment, see `nextframe.datasets.paddle_game`; 0 leaves it
                as it is.
            options: As in `nextframe.training.fit`, whose `loss` is "cross_entropy" here unless said otherwise.

        Returns:
            As in `nextframe.benchmark.task.fit_with_rollouts`.
        """
        options = {"loss": "cross_entropy"} | options
        often: dict[str, Any] = {"rare": self._decisive(), "share": rare} if rare else {}

        def fit_part(frames: int, number: int, **part: Any) -> list[dict]:
            train = self._dataset("train", frames, shuffle=True, seed=seed + number, **often)
            validation = self._dataset("validation", frames, batch_size=50)
            network = steering.unrolled(model, frames, noise=context_noise, rounded=rounded)
            return training.fit(network, train, validation, **options, **part)

        return fit_with_rollouts(fit_part, steps, learning_rate, rollout, rounds, checkpoint)

    def score(self, model: keras.Model, *, horizon: int, seed: int, rebuild: Rebuild) -> dict[str, Any]:
        """Return the "drift" over the horizon."""
        return {"drift": self.drift(model, horizon)}

    def contents(self) -> Iterator[np.ndarray | str]:
        """Return every frame and action, as in `nextframe.benchmark.task.AnyTask.contents`."""
        yield from (*self.frames.values(), *self.actions.values())

    def drift(self, model: keras.Model, horizon: int) -> dict[str, dict[str, list[float]]]:
        """Let a model play the test episodes' actions, with its frames fed back as they are, and rounded.

        Args:
            model: Maps a context and an action to a target, or a context alone.
            horizon: Actions that it answers to.

        Returns:
            "as they are" and "rounded" → `nextframe.datasets.paddle_drift.drift` of the rollouts.
        """
        frames, actions = self.frames["test"], self.actions["test"]
        end = self.context + horizon
        context, truth = windows.to_unit(frames[:, : self.context]), frames[:, self.context : end]
        found = {}
        for name, rounded in {"as they are": False, "rounded": True}.items():
            made = steering.steer(model, context, actions[:, self.context - 1 : end - 1], rounded=rounded)
            found[name] = drift(made[..., 0], truth)
        return found

    def _decisive(self) -> np.ndarray:
        return np.stack([game.decisive_moments(frames) for frames in self.frames["train"]])

    def _dataset(self, split: str, horizon: int, **options: Any) -> windows.Dataset:
        chosen = self.frames[split], self.actions[split]
        return steering.steered_dataset(*chosen, self.context, horizon, **{"batch_size": BATCH} | options)


def paddle_game(training: int, context: int = 6) -> SteeredTask:
    """The game of `nextframe.datasets.paddle_game`, to be learned from recorded episodes of 120 frames.

    Args:
        training: Number of episodes to train on.
        context: Frames that the model sees.
    """
    sizes = {"train": (training, 120), "validation": (20, 40), "test": (50, context + LONGEST)}
    recorded = {split: game.episodes(*size, seed=seed) for seed, (split, size) in enumerate(sizes.items())}
    return SteeredTask(
        frames={split: frames for split, (frames, _) in recorded.items()},
        actions={split: actions for split, (_, actions) in recorded.items()},
        context=context,
    )
