"""Training: fit any model under a budget of steps, and resume exactly where a run was cut off.

Keras does the work. This module adds a schedule of rounds, each closed by a validation, a line of progress and a
checkpoint that holds everything the next round depends on.
"""

import math
import os
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from nextframe._utils.fitting import check_ahead, check_dataset, check_fits
from nextframe._utils.keras_layers import all_layers
from nextframe._utils.keras_private import update_in_one_pass
from nextframe._utils.rounds import Rounds, UnequalRounds
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import one_of, whole_number
from nextframe.objectives import OBJECTIVES, Objective, check_loss
from nextframe.profiles import sees_gpu
from nextframe.windows import Dataset, endless

LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "cross_entropy": keras.losses.BinaryCrossentropy,
    "classes": keras.losses.SparseCategoricalCrossentropy,
}

SCHEDULES = ("cosine", "constant")
WARM_UP = 0.05  # share of the steps over which the learning rate rises
SHORT_ROUND = 50  # steps: a loop over them takes longer to trace than it saves


def fit(
    model: keras.Model,
    training: Dataset,
    validation: Dataset,
    *,
    steps: int,
    rounds: int = 10,
    learning_rate: float = 1e-3,
    schedule: Literal["cosine", "constant"] = "cosine",
    loss: Literal["mse", "mae", "cross_entropy", "classes", "multiple_choice", "flow_matching", "pinball"] = "mse",
    rollout: int = 1,
    context_noise: float = 0.0,
    checkpoint: str | os.PathLike | None = None,
    flops_per_example: float | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train a model, and leave it with the weights that did best on validation.

    The learning rate rises over the first steps and then falls to 0 along half a cosine, or stays. The order of the
    examples is the dataset's, which is seeded; initial weights are the model's, so seed before building it with
    `keras.utils.set_random_seed`. On one machine the same call then gives the same weights; with a new dataset, since
    on TensorFlow one that was read goes on with the orders of later epochs.

    Args:
        model: Maps a context to a target. It is compiled here.
        training: Dataset from `windows.window_dataset(..., shuffle=True)`; repeated as often as needed.
        validation: The same, in order; used after each round.
        steps: Batches to train on, in all. For epochs: `epochs * len(training)`.
        rounds: Parts that the steps are cut into, as equal as they can be. At most `steps`.
        learning_rate: Its highest value.
        schedule: Of the learning rate after its rise: "cosine", or "constant" to see what training alone does.
        loss: "mse", "mae", "cross_entropy" (for heads that stay within 0..1) or "classes" (for probabilities of
            classes, where the dataset gives their numbers); for a model that makes more than one forecast, its own:
            "multiple_choice", "flow_matching" or "pinball", see `nextframe.objectives`.
        rollout: Frames that are forecast in a row in training, each from the forecasts before it; the datasets'
            horizon. With more than 1, the network learns to read its own frames.
        context_noise: Noise on the context in training, another way to that: its standard deviation is drawn for each
            example, between 0 and this share of white.
        checkpoint: A file that keeps the state after each round. If it exists, training goes on from it: killed at any
            moment and started again with the same arguments and a new dataset, a run ends with the same weights as one
            that was not.
        flops_per_example: If given, the history counts them.
        callbacks: Told of each round, which is an epoch to Keras, once the checkpoint holds it. One that sets
            `model.stop_training` ends the run there, and within a round, after the round before it; with `checkpoint`,
            the same call goes on from there.
        progress: Whether to print a line after each round.

    Returns:
        One entry a round: {"step": …, "examples": seen so far, "seconds": of training so far, "loss": …,
        "validation": …, and with `flops_per_example` "flops": so far}.

    Raises:
        ValueError: A number out of range, an unknown loss, an argument that is no dataset, a dataset that does
            not fit the model, or a checkpoint of another run.

    Warns:
        RuntimeWarning: The loss became NaN or infinite. Training stops with that round, which the checkpoint does not
            hold, and the model has its best weights from before. Or it stayed finite, but the validation loss of
            the best round is more than a hundred times that of the initial weights.
    """
    whole_number("steps", steps)
    whole_number("rounds", rounds)
    if rounds > steps:
        raise ValueError(f"rounds={rounds} is more than steps={steps}: lower rounds")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate}: expected a number above 0")
    one_of("loss", loss, LOSSES | OBJECTIVES)
    one_of("schedule", schedule, SCHEDULES)
    check_loss(model, loss)
    options: dict[str, Any] = {"jit_compile": compiles_well(model)}
    if loss not in LOSSES or rollout != 1 or context_noise != 0:
        model = Objective(model, loss, rollout, context_noise)
    else:
        options["loss"] = LOSSES[loss]()
    for name, dataset in {"training": training, "validation": validation}.items():
        check_dataset(name, dataset, repeats=name == "training")
        check_fits(name, dataset, model, classes=loss == "classes", rollout=rollout)
    check_ahead("validation", validation, model)  # not the other: a pass over it would change its order
    optimizer = keras.optimizers.Adam(rates(learning_rate, steps, schedule))
    optimizer.build(model.trainable_variables)
    if keras.backend.backend() == "tensorflow" and not sees_gpu():
        update_in_one_pass(optimizer)
    equal, per_round = steps % rounds == 0, math.ceil(steps / rounds)
    model.compile(optimizer=optimizer, steps_per_execution=steps_at_once(per_round) if equal else 1, **options)
    # a checkpoint of a run with another identity is refused
    identity = f"{model.name} {model.count_params()} {steps} {rounds} {learning_rate} {schedule} {loss}"
    identity += f" {rollout} {context_noise}" if isinstance(model, Objective) else ""
    state = Rounds(model, steps, rounds, checkpoint, identity, flops_per_example, progress)
    state.restore()
    if state.done < rounds:
        remaining = endless(training, state.done * steps // rounds)
        with quiet_about_tracing():
            # also of a resumed run: on JAX, `fit` takes other batches after an evaluation than without one
            error = model.evaluate(validation, verbose=0)
            state.before = state.before or error
            model.fit(
                remaining,
                validation_data=validation,
                steps_per_epoch=per_round,
                initial_epoch=state.done,
                epochs=rounds,
                callbacks=[state, *callbacks, *([] if equal else [UnequalRounds(steps, rounds)])],
                shuffle=False,  # the dataset shuffles
                verbose=0,
            )
    # `predict` and `evaluate` would take as many batches at once: slower to trace, and larger in memory
    model.compile(optimizer=model.optimizer, **options)
    model.set_weights(state.best)
    if state.diverged or state.exploded:
        kept = f"of round {state.best_round}" if state.best_round else "that it started with"
        warnings.warn(
            f"{state.diverged or state.exploded}. Likely causes: {learning_rate=} is too high (0.001 suits most "
            f"networks); or frames that are not in 0..1; or loss={loss!r} with a head that it does not fit. The model "
            f"has the weights {kept}",
            RuntimeWarning,
            stacklevel=2,
        )
    return state.history


def rates(learning_rate: float, steps: int, schedule: str) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of each step, which rises for the first steps; arguments as in `fit`."""
    warm_up = round(WARM_UP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else learning_rate,
        steps - warm_up,
        alpha=1.0 if schedule == "constant" else 0.0,  # the share of the rate that is left at the end
        warmup_target=learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )


def accuracy(model: keras.Model, dataset: Dataset) -> float:
    """Return the share of right answers of a model that gives probabilities of classes.

    Args:
        model: Maps inputs to `(batch, classes)`.
        dataset: Dataset from `windows.labelled_dataset`, in order.
    """
    with quiet_about_tracing():
        answers = model.predict(dataset, verbose=0).argmax(axis=1)
    return float((answers == np.concatenate([labels for _, labels in dataset])).mean())


def steps_at_once(per_round: int) -> int:
    """Steps that TensorFlow takes in a loop of its own before it returns to Python: the largest divisor up to 10.

    A round must be a whole number of such loops, so that it ends after exactly its steps; a short one has none. Other
    backends take one step at a time: PyTorch has no such loop, and JAX would trace each of the steps.

    Args:
        per_round: Steps in a round.
    """
    if keras.backend.backend() != "tensorflow" or per_round < SHORT_ROUND:
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
