"""Rounds of a training run: the state that is stored after each, and their lengths."""

import io
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe._utils.files import write_atomically
from nextframe._utils.keras_private import examples_in_mean_loss

EXPLODED = 100  # times the loss before training: a run that ends above it has failed


class Rounds(keras.callbacks.Callback):
    """Keeps the history and the best weights, prints progress, and writes the checkpoint after each round."""

    def __init__(
        self,
        model: keras.Model,
        steps: int,
        rounds: int,
        checkpoint: str | os.PathLike | None,
        identity: str,
        flops_per_example: float | None,
        progress: bool,
    ):
        super().__init__()
        self.network = model
        self.steps, self.rounds = steps, rounds
        self.path = None if checkpoint is None else Path(checkpoint)
        self.identity = identity
        self.flops_per_example = flops_per_example
        self.progress = progress
        self.history: list[dict[str, float]] = []
        self.best, self.examples, self.seconds = model.get_weights(), 0, 0.0
        self.before = 0.0  # validation loss of the initial weights
        self.diverged = ""

    @property
    def done(self) -> int:
        """Rounds that are over."""
        return len(self.history)

    @property
    def best_round(self) -> int:
        """Number of the round that did best on validation, or 0."""
        done = [entry["validation"] for entry in self.history if math.isfinite(entry["validation"] + entry["loss"])]
        return done.index(min(done)) + 1 if done else 0

    @property
    def exploded(self) -> str:
        """The warning for a run whose losses are finite, but far above the initial one; empty for other runs."""
        best = min((entry["validation"] for entry in self.history), default=0)
        if self.before == 0 or best <= EXPLODED * self.before:
            return ""
        return f"training made the network worse: validation {self.before:.3g} before, and {best:.3g} at best after it"

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_test_begin(self, logs: dict | None = None) -> None:
        # validation begins: the round's training is over
        self.seconds += time.perf_counter() - self.started
        self.examples += examples_in_mean_loss(self.network)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        step = (epoch + 1) * self.steps // self.rounds
        if int(self.network.optimizer.iterations) < step:
            return  # another callback ended the run within this round: who goes on from the checkpoint repeats it
        entry: dict[str, float] = {"step": step, "examples": self.examples, "seconds": self.seconds}
        entry |= {"loss": logs["loss"], "validation": logs["val_loss"]}
        if self.flops_per_example is not None:
            entry["flops"] = self.examples * self.flops_per_example
        self.history.append(entry)
        finite = math.isfinite(entry["loss"] + entry["validation"])
        if finite and self.best_round == self.done:
            self.best = self.network.get_weights()
        if self.progress:
            print(
                f"round {epoch + 1:2} of {self.rounds}: step {step}, {self.seconds:.0f} s, "
                f"loss {entry['loss']:.5f}, validation {entry['validation']:.5f}",
                flush=True,
            )
        if finite:
            self.save()
        else:
            self.network.stop_training = True
            losses = f"loss {entry['loss']}, validation {entry['validation']}"
            self.diverged = f"training stopped after round {self.done} of {self.rounds}: {losses}"

    def save(self) -> None:
        if self.path is None:
            return
        arrays: dict[str, Any] = {f"state{number}": np.asarray(array) for number, array in enumerate(self.variables())}
        arrays |= {f"best{number}": array for number, array in enumerate(self.best)}
        kept = ("identity", "history", "examples", "seconds", "before")
        about = {name: getattr(self, name) for name in kept}
        file = io.BytesIO()
        np.savez(file, about=json.dumps(about), **arrays)
        write_atomically(self.path, file.getbuffer())

    def restore(self) -> None:
        if self.path is None or not self.path.exists():
            return
        with np.load(self.path) as saved:
            about = json.loads(str(saved["about"]))
            if about["identity"] != self.identity:
                raise ValueError(
                    f"{self.path} is the checkpoint of another run ({about['identity']}; this one is {self.identity}): "
                    "delete it, or name another file"
                )
            for number, variable in enumerate(self.variables()):
                variable.assign(saved[f"state{number}"])
            self.best = [saved[f"best{number}"] for number in range(len(self.best))]
        self.history, self.examples, self.seconds = about["history"], about["examples"], about["seconds"]
        self.before = about["before"]
        if self.progress:
            print(f"going on from round {self.done} of {self.rounds}", flush=True)

    def variables(self) -> list[keras.Variable]:
        """Everything the next step depends on: weights, random seeds, and the optimizer with its step count."""
        return [*self.network.variables, *self.network.optimizer.variables]


class UnequalRounds(keras.callbacks.Callback):
    """Ends some rounds a step early, where the rounds do not divide the steps; the last of the callbacks.

    Keras knows one number of steps for all: that of the longest round.
    """

    def __init__(self, steps: int, rounds: int):
        super().__init__()
        self.steps, self.rounds = steps, rounds
        self.ended = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Find this round's length."""
        self.length = (epoch + 1) * self.steps // self.rounds - epoch * self.steps // self.rounds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End the round, unless another callback has ended the run."""
        if batch + 1 == self.length and not self.model.stop_training:
            self.model.stop_training = self.ended = True

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Let the next round begin."""
        if self.ended:
            self.model.stop_training = self.ended = False
