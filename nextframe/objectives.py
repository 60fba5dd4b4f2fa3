"""Objectives: losses that need more than a forecast and its target.

One that picks the best of several forecasts, one that draws noise, bands; and two conditions of training: noise on the
context, and rollouts, in which the network reads its own forecasts. `nextframe.training.fit` puts a network into an
`Objective` where it is asked for one of them.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from nextframe._utils.validation import one_of, shown, whole_number
from nextframe.models.flow_matching import NOISE

ALL = 0.01  # how much the mean error of all futures counts beside that of the nearest, so that none is left behind
ODDS = 1e-3  # how much the odds' cross-entropy counts: about as much as squared errors of pixels
EVENLY = 7  # shares of the way to the frame at which flow matching is validated

Parts = tuple[keras.KerasTensor, keras.KerasTensor | None]  # loss of each example; what a rollout goes on with


def multiple_choice(objective: "Objective", context: Any, target: Any, training: bool) -> Parts:
    """The squared error of the future that came nearest, a little of all, and the odds' cross-entropy."""
    made = objective.network(context, training=training)
    futures, odds = made["futures"], made["odds"]
    errors = ops.mean(ops.square(futures - target[:, None]), axis=(2, 3, 4))  # (batch, futures)
    nearest = ops.one_hot(ops.argmin(errors, axis=1), futures.shape[1])
    surprise = -ops.log(ops.sum(nearest * odds, axis=1) + keras.config.epsilon())
    loss = ops.sum(nearest * errors, axis=1) + ALL * ops.mean(errors, axis=1) + ODDS * surprise
    return loss, ops.sum(nearest[:, :, None, None, None] * futures, axis=1)


def flow_matching(objective: "Objective", context: Any, target: Any, training: bool) -> Parts:
    """The squared error of the forecast, and of the frame that the denoiser sees at a random share of the way to it."""
    shape = ops.shape(target)
    if training:
        noise = keras.random.normal(shape, seed=objective.random)
        time = keras.random.uniform((shape[0], 1), seed=objective.random)
    else:  # the same draws for each batch, so that validations can be compared
        noise = keras.random.normal(shape, seed=0)
        time = (ops.cast(ops.arange(shape[0]), "float32")[:, None] % EVENLY) / EVENLY
    way = time[:, :, None, None]
    mean = objective.network.get_layer("forecaster")(context, training=training)
    begin = ops.stop_gradient(mean)  # the forecast learns from its own error alone
    noisy = (1 - way) * (begin + NOISE * noise) + way * target
    found = objective.network.get_layer("denoiser")([context, begin, noisy, time], training=training)
    return ops.mean(ops.square(mean - target) + ops.square(found - target), axis=(1, 2, 3)), None


def pinball(objective: "Objective", context: Any, target: Any, training: bool) -> Parts:
    """Mean pinball loss of bands: too low costs a quantile its odds, too high the rest of 1."""
    made = objective.network(context, training=training)
    losses = []
    for name, frame in made.items():
        odds = float(name.removeprefix("quantile "))
        below = target - frame
        losses.append(ops.mean(ops.maximum(odds * below, (odds - 1) * below), axis=(1, 2, 3)))
    return sum(losses) / len(losses), None


def forecast_error(error: Callable) -> Callable[..., Parts]:
    """Make an objective of one of Keras's losses of a forecast and its target."""

    def objective_of(objective: "Objective", context: Any, target: Any, training: bool) -> Parts:
        forecast = objective.network(context, training=training)
        errors = error(target, forecast)  # (batch, height, width)
        return ops.mean(errors, axis=tuple(range(1, len(errors.shape)))), forecast

    return objective_of


OBJECTIVES: dict[str, Callable[..., Parts]] = {
    "mse": forecast_error(keras.losses.mean_squared_error),
    "mae": forecast_error(keras.losses.mean_absolute_error),
    "cross_entropy": forecast_error(keras.losses.binary_crossentropy),
    "multiple_choice": multiple_choice,
    "flow_matching": flow_matching,
    "pinball": pinball,
}
UNFED = ("flow_matching", "pinball")  # no forecast is made in training that a rollout could go on with


def own_loss(network: keras.Model) -> str | None:
    """Return the one loss that a network can be trained with, by what it makes; None for a forecast of its own."""
    made = getattr(network, "output_names", [])
    if made and all(name.startswith("quantile") for name in made):
        return "pinball"
    if sorted(made) == ["futures", "odds"]:
        return "multiple_choice"
    inputs = getattr(network, "inputs", None) or []
    return "flow_matching" if "noise" in [each.name for each in inputs] else None


def check_loss(network: keras.Model, loss: str) -> None:
    """Raise a ValueError that names the cure, unless a network can be trained with a loss."""
    needed = own_loss(network)
    if needed and loss != needed:
        raise ValueError(f"loss={loss!r} does not fit what {network.name} makes: train it with loss={needed!r}")
    if needed is None and loss in ("multiple_choice", *UNFED):
        raise ValueError(
            f"loss={loss!r} does not fit {network.name}, which makes one forecast: train it with loss='mse', or build "
            f"the model for that loss with nextframe.models.many_futures, flow_matching or quantile_bands"
        )


class Objective(keras.Model):
    """A network and how it is trained: to Keras a model with the network's weights, for `fit` and `evaluate`.

    Args:
        network: Maps a context to a target, or is one that `nextframe.models.many_futures`, `flow_matching` or
            `quantile_bands` builds.
        loss: One of `OBJECTIVES`.
        rollout: Frames that are forecast in a row, each from the forecasts before it; targets hold as many. Of many
            futures, the one nearest to the truth is gone on with. No gradient runs back through them.
        context_noise: Noise on the context in training: its standard deviation is drawn for each example, between 0
            and this share of white.
        seed: Of all that is drawn.

    Raises:
        ValueError: A number out of range, or a loss that does not fit the network or the rollout.
    """

    def __init__(self, network: keras.Model, loss: str, rollout: int = 1, context_noise: float = 0.0, seed: int = 0):
        """Say what to train, and how."""
        super().__init__(name=network.name)
        one_of("loss", loss, OBJECTIVES)
        check_loss(network, loss)
        if whole_number("rollout", rollout) > 1 and (loss in UNFED or len(_frame(network)) != 4):
            raise ValueError(
                f"rollout={rollout} needs a network that makes the next frame in training, which {network.name} with "
                f"loss={loss!r} does not: leave rollout at 1"
            )
        if not 0 <= context_noise < float("inf"):
            raise ValueError(f"context_noise={shown(context_noise)}: expected 0 or more")
        self.network, self.objective = network, OBJECTIVES[loss]
        self.rollout, self.context_noise = rollout, context_noise
        self.random = keras.random.SeedGenerator(seed)
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of a context."""
        shape = self.network.input_shape
        return shape[0] if isinstance(shape, list) else shape

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of a target."""
        batch, *frame = _frame(self.network)
        return (batch, *([self.rollout] if self.rollout > 1 else []), *frame)

    def call(self, context: Any) -> Any:
        """Return the context: the objective decides what is made of it."""
        return context

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean loss of a batch: of contexts `x`, targets `y` and perhaps weights, one for each example."""
        if training and self.context_noise:
            batch = ops.shape(x)[0]
            most = keras.random.uniform((batch, 1, 1, 1, 1), 0, self.context_noise, seed=self.random)
            x = x + most * keras.random.normal(ops.shape(x), seed=self.random)
        losses = []
        for step in range(self.rollout):
            target = y if self.rollout == 1 else y[:, step]
            loss, frame = self.objective(self, x, target, training)
            losses.append(loss)
            if step + 1 < self.rollout:
                frame = ops.stop_gradient(ops.clip(frame, 0, 1))
                x = ops.concatenate([x[:, 1:], frame[:, None]], axis=1)
        loss = sum(losses) / self.rollout
        if sample_weight is not None:
            loss = loss * ops.reshape(sample_weight, (-1,))
        return ops.mean(loss) + sum(self.losses)  # of regularizers and `add_loss`, as Keras's own adds them


def _frame(network: keras.Model) -> tuple[int | None, ...]:
    """Shape of the forecast that a network is trained on, the batch's axis included."""
    shape = network.output_shape
    if not isinstance(shape, list):
        return shape
    batch, *frame = shape[0]
    return (batch, *frame[-3:])  # without an axis of futures
