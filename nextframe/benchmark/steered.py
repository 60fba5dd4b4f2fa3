"""A task that is steered: episodes of frames and actions, and a score that says how a rollout drifts."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from nextframe import steering, training, windows
from nextframe.benchmark.task import SLOWER
from nextframe.datasets import paddle_game as game
from nextframe.datasets.paddle_drift import drift

BATCH = 32
LONGEST = 300  # frames that a rollout can be scored on
SECOND_PART = 0.5  # share of the training on rollouts


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
        loss: Literal["mse", "mae", "cross_entropy"] = "cross_entropy",
        checkpoint: str | os.PathLike | None = None,
        **options: Any,
    ) -> list[dict]:
        """Train a model, in batches of 32 windows: on single frames, and then, if asked to, on rollouts for as long.

        Args:
            model: Maps a context and an action to a target.
            steps: Batches of frames that are forecast. In a rollout of five, each batch of windows is five of them.
            learning_rate: As in `nextframe.training.fit`; the second part has a third of it.
            rounds, checkpoint, options: The same.
            seed: Of the order of the windows.
            rollout: Frames in a row that the second part forecasts; with 1, there is none.
            rounded, context_noise: As in `nextframe.steering.unrolled`.
            rare: Share of the windows that lead to a decisive moment, see `nextframe.datasets.paddle_game`; 0 leaves it
                as it is.
            loss: As in `nextframe.training.fit`.

        Returns:
            The history of `nextframe.training.fit`; with a rollout, of the second part alone, since its losses are not
            to be compared with those of single frames. Steps, seconds and operations count all, and a step is a frame.
        """
        then = round(SECOND_PART * steps) // rollout if rollout > 1 else 0
        begun = {"step": 0, "examples": 0, "seconds": 0.0, "flops": 0.0}
        history: list[dict] = []
        parts = [(1, steps - rollout * then, 1.0), *([(rollout, then, SLOWER)] if then else [])]
        first = None if checkpoint is None else Path(checkpoint).with_suffix(".first.npz")
        for number, (horizon, count, slower) in enumerate(parts):
            often = {"rare": self._decisive(), "share": rare} if rare else {}
            sets = [self._dataset("train", horizon, shuffle=True, seed=seed + number, **often)]
            sets.append(self._dataset("validation", horizon, batch_size=50))
            network = steering.unrolled(model, horizon, noise=context_noise, rounded=rounded)
            own = checkpoint if number == len(parts) - 1 else first
            options |= {"learning_rate": slower * learning_rate, "checkpoint": own, "rounds": min(rounds, count)}
            history = training.fit(network, *sets, steps=count, loss=loss, **options)
            for entry in history:
                for name in begun.keys() & entry.keys():
                    ahead = horizon if name in ("step", "flops") else 1
                    entry[name] = begun[name] + ahead * entry[name]
            begun = {name: history[-1].get(name, 0) for name in begun}
        if first is not None:  # the whole run's own is left to whoever asked for it
            first.unlink(missing_ok=True)
        return history

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
