"""Sampling: draw one of the futures that a model holds possible, one frame ahead or many, each with its own past."""

import keras
import numpy as np

from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import whole_number
from nextframe.forecasting import check_context
from nextframe.metrics import clip_to_unit
from nextframe.models.many_futures import STAY
from nextframe.objectives import own_loss

_AT_ONCE = 100  # contexts forecast at once: a step of a hundred rollouts fits everywhere


def sample_next(model: keras.Model, context: np.ndarray, seed: int) -> np.ndarray:
    """Draw one next frame for each context.

    Args:
        model: Built by `nextframe.models.many_futures`: one of its futures is drawn by their odds. Or by
            `flow_matching`: noise is drawn. Any model of one forecast has nothing to draw, and gives that.
        context: `(batch, N, height, width, 1)`, float32 in 0..1.
        seed: The same seed gives the same draws.

    Returns:
        float32 `(batch, height, width, 1)`, not clipped.

    Raises:
        ValueError: The context does not fit the model, or is not of floats in about 0..1; or the model makes bands,
            which hold no frame to draw.
    """
    check_context(model, context)
    return _draw(model, context, np.random.default_rng(seed))


def sample_rollout(model: keras.Model, context: np.ndarray, horizon: int, samples: int, seed: int) -> np.ndarray:
    """Draw futures of several frames: each frame drawn joins the past of its own future, and the next is drawn from it.

    Args:
        model, context: As in `sample_next`.
        horizon: Frames to draw.
        samples: Futures of each context.
        seed: The same seed gives the same futures; with more samples of one seed, none stays as it was.

    Returns:
        float32 `(batch, samples, horizon, height, width, 1)`, clipped to 0..1, as each frame is before it is fed back.

    Raises:
        ValueError: As `sample_next`, or a number below 1.
    """
    whole_number("horizon", horizon)
    whole_number("samples", samples)
    check_context(model, context)
    random = np.random.default_rng(seed)
    past = np.repeat(context, samples, axis=0)
    drawn = []
    for _ in range(horizon):
        drawn.append(clip_to_unit(_draw(model, past, random)))
        past = np.concatenate([past[:, 1:], drawn[-1][:, None]], axis=1)
    frames = np.stack(drawn, axis=1)
    return frames.reshape(len(context), samples, *frames.shape[1:])


def sharpened(model: keras.Model, by: float) -> keras.Model:
    """Return the same network with kernels that are surer of where each pixel comes from, so that draws blur less.

    A kernel spreads over the motions that its future stands for, and a frame that is fed back is spread again. This
    multiplies what the softmax takes by a factor, as a lower temperature does in language models.

    Args:
        model: Built by `nextframe.models.many_futures` with kernels "softmax"; it stays as it is.
        by: 1 changes nothing, more is sharper. Choose it on validation clips: too much is brighter than the truth.

    Raises:
        ValueError: Another model, or a factor of 0 or below.
    """
    has_kernels = own_loss(model) == "multiple_choice" and "kernels" in [layer.name for layer in model.layers]
    if not (has_kernels and any(type(each).__name__ == "Softmax" for each in model.operations)):
        raise ValueError(
            f"{model.name} has no softmax kernels for several futures: expected one that many_futures builds"
        )
    if not by > 0:
        raise ValueError(f"by={by}: expected a number above 0")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    weights, biases = copy.get_layer("kernels").get_weights()
    futures = model.output_shape[0][1]
    shifts = len(biases) // futures
    no_shift = STAY * np.eye(shifts, dtype=np.float32)[shifts // 2]  # which the network adds
    biases = by * biases.reshape(futures, shifts) + (by - 1) * no_shift
    copy.get_layer("kernels").set_weights([by * weights, biases.ravel()])
    return copy


def _draw(model: keras.Model, context: np.ndarray, random: np.random.Generator) -> np.ndarray:
    kind = own_loss(model)
    if kind == "pinball":
        raise ValueError(f"{model.name} makes bands, one pixel at a time: draw from many_futures or flow_matching")
    chance = random.random(len(context))
    noise = None
    if kind == "flow_matching":
        noise = random.standard_normal((len(context), *context.shape[2:]), dtype=np.float32)
    frames = []
    for first in range(0, len(context), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        given = context[part] if noise is None else {"context": context[part], "noise": noise[part]}
        with quiet_about_tracing():
            made = model.predict_on_batch(given)
        if kind == "multiple_choice":
            below = np.cumsum(made["odds"], axis=1)[:, :-1] <= chance[part, None]  # the last one takes what is left
            made = made["futures"][np.arange(len(below)), below.sum(axis=1)]
        frames.append(made)
    if frames[0].ndim != 4:
        raise ValueError(f"{model.name} makes several frames at once: draw from a model that makes the next one")
    return np.concatenate(frames)
