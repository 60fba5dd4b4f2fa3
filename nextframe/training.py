"""Training: fit any model under a budget of steps, and resume exactly where a run was cut off.

Keras does the work. What is added here: a schedule of rounds, each closed by a validation, a line of progress and a
checkpoint that holds everything the next round depends on.
"""

import io
import json
import os
import time
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from nextframe._utils.files import write_atomically
from nextframe._utils.keras_layers import all_layers
from nextframe._utils.keras_private import examples_in_mean_loss
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import one_of, whole_number
from nextframe.profiles import sees_gpu
from nextframe.windows import Dataset, endless

LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "cross_entropy": keras.losses.BinaryCrossentropy,
    "classes": keras.losses.SparseCategoricalCrossentropy,
}

WARM_UP = 0.05  # share of the steps over which the learning rate rises


def fit(
    model: keras.Model,
    training: Dataset,
    validation: Dataset,
    *,
    steps: int,
    rounds: int = 10,
    learning_rate: float = 1e-3,
    loss: Literal["mse", "mae", "cross_entropy", "classes"] = "mse",
    checkpoint: str | os.PathLike | None = None,
    flops_per_example: float | None = None,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train a model, and leave it with the weights that did best on validation.

    The learning rate rises over the first steps and then falls to 0 along half a cosine. The order of the examples is
    the dataset's, which is seeded; initial weights are the model's, so seed before building it with
    `keras.utils.set_random_seed`. On one machine the same call then gives the same weights.

    Args:
        model: Maps a context to a target. It is compiled here.
        training: What `windows.window_dataset(..., shuffle=True)` returns; repeated as often as needed.
        validation: The same, in order; used after each round.
        steps: Batches to train on, in all. For epochs: `epochs * len(training)`.
        rounds: Parts that the steps are cut into. At most `steps`.
        learning_rate: Its highest value.
        loss: "mse", "mae", "cross_entropy" (for heads that stay within 0..1) or "classes" (for probabilities of
            classes, where the dataset gives their numbers).
        checkpoint: A file that keeps the state after each round. If it exists, training goes on from it: killed at any
            moment and started again with the same arguments, a run ends with the same weights as one that was not.
        flops_per_example: If given, the history counts them.
        progress: Whether to print a line after each round.

    Returns:
        One entry a round: {"step": …, "examples": seen so far, "seconds": of training so far, "loss": …,
        "validation": …, and with `flops_per_example` "flops": so far}.

    Raises:
        ValueError: A number out of range, an unknown loss, or a checkpoint of another run.
    """
    whole_number("steps", steps)
    whole_number("rounds", rounds)
    if rounds > steps:
        raise ValueError(f"rounds={rounds} is more than steps={steps}: lower rounds")
    if steps % rounds:
        raise ValueError(f"steps={steps} cannot be cut into {rounds} equal rounds: choose a multiple")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate}: expected a number above 0")
    one_of("loss", loss, LOSSES)
    warm_up_steps = round(WARM_UP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate if warm_up_steps == 0 else 0.0,
        steps - warm_up_steps,
        warmup_target=None if warm_up_steps == 0 else learning_rate,
        warmup_steps=warm_up_steps,
    )
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    per_round = steps // rounds
    options = {"loss": LOSSES[loss](), "jit_compile": compiles_well(model)}
    model.compile(optimizer=optimizer, steps_per_execution=steps_at_once(per_round), **options)
    # what must agree for a checkpoint to be this run's
    identity = f"{model.name} {model.count_params()} {steps} {rounds} {learning_rate} {loss}"
    state = _Rounds(model, steps, rounds, checkpoint, identity, flops_per_example, progress)
    state.restore()
    if state.done < rounds:
        remaining = endless(training, state.done * per_round)
        with quiet_about_tracing():
            model.fit(
                remaining,
                validation_data=validation,
                steps_per_epoch=per_round,
                initial_epoch=state.done,
                epochs=rounds,
                callbacks=[state],
                shuffle=False,  # the dataset shuffles
                verbose=0,
            )
    # `predict` and `evaluate` would take as many batches at once: slower to trace, and larger in memory
    model.compile(optimizer=model.optimizer, **options)
    model.set_weights(state.best)
    return state.history


def accuracy(model: keras.Model, dataset: Dataset) -> float:
    """Return the share of right answers of a model that gives probabilities of classes.

    Args:
        model: Maps inputs to `(batch, classes)`.
        dataset: What `windows.labelled_dataset` returns, in order.
    """
    with quiet_about_tracing():
        answers = model.predict(dataset, verbose=0).argmax(axis=1)
    return float((answers == np.concatenate([labels for _, labels in dataset])).mean())


def steps_at_once(per_round: int) -> int:
    """Steps that TensorFlow takes in a loop of its own before it returns to Python: the largest divisor up to 10.

    A round must be a whole number of such loops, so that it ends after exactly its steps. Other backends take one step
    at a time: PyTorch has no such loop, and JAX would trace each of the steps.

    Args:
        per_round: Steps in a round.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    return max(size for size in range(1, 11) if per_round % size == 0)


def compiles_well(model: keras.Model) -> bool:
    """Whether Keras should compile a training step with `jit_compile`.

    On TensorFlow: on a GPU, but for layers that have no XLA kernel there (cuDNN's LSTM and GRU). On JAX: always, since
    JAX would else do each operation by itself, many times slower. On PyTorch: never.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return backend == "jax"
    recurrent = any(isinstance(layer, keras.layers.LSTM | keras.layers.GRU) for layer in all_layers(model))
    return sees_gpu() and not recurrent and all(layer.supports_jit for layer in all_layers(model))


class _Rounds(keras.callbacks.Callback):
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

    @property
    def done(self) -> int:
        """Rounds that are over."""
        return len(self.history)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_test_begin(self, logs: dict | None = None) -> None:
        # validation begins: the round's training is over
        self.seconds += time.perf_counter() - self.started
        self.examples += examples_in_mean_loss(self.network)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        step = (epoch + 1) * self.steps // self.rounds
        entry: dict[str, float] = {"step": step, "examples": self.examples, "seconds": self.seconds}
        entry |= {"loss": logs["loss"], "validation": logs["val_loss"]}
        if self.flops_per_example is not None:
            entry["flops"] = self.examples * self.flops_per_example
        if not self.history or entry["validation"] < min(past["validation"] for past in self.history):
            self.best = self.network.get_weights()
        self.history.append(entry)
        if self.progress:
            print(
                f"round {epoch + 1:2} of {self.rounds}: step {step}, {self.seconds:.0f} s, "
                f"loss {entry['loss']:.5f}, validation {entry['validation']:.5f}",
                flush=True,
            )
        self.save()

    def save(self) -> None:
        if self.path is None:
            return
        arrays: dict[str, Any] = {f"state{number}": np.asarray(array) for number, array in enumerate(self.variables())}
        arrays |= {f"best{number}": array for number, array in enumerate(self.best)}
        about = {"identity": self.identity, "history": self.history, "examples": self.examples, "seconds": self.seconds}
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
        if self.progress:
            print(f"going on from round {self.done} of {self.rounds}", flush=True)

    def variables(self) -> list[keras.Variable]:
        """Everything the next step depends on: weights, random seeds, and the optimizer with its step count."""
        return [*self.network.variables, *self.network.optimizer.variables]
