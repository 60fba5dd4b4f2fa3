"""Memory: whether a model can use information from several frames ago."""

from typing import Any

import keras
import numpy as np

from nextframe.datasets.memory_tasks import as_windows, memory_clips
from nextframe.forecasting import predict_next
from nextframe.metrics import clip_to_unit
from nextframe.models import build
from nextframe.training import fit
from nextframe.windows import window_dataset


def memory_network(
    name: str,
    back: int,
    steps: int,
    task: str = "blinking",
    context: int = 20,
    learning_rate: float = 3e-3,
    **size: Any,
) -> keras.Model:
    """Train a model on a task that takes memory.

    Args:
        name: A model of `nextframe.models.MODELS`.
        back: How far back the next frame was decided: the light's period, or for how many frames the object is hidden.
        steps: Batches of 32 windows to train on.
        task: "blinking" or "hidden", for `blinking_clips` or `hidden_clips`.
        context: Frames that the model sees.
        learning_rate: As in `nextframe.training.fit`.
        **size: The model's own arguments.

    Raises:
        ValueError: An unknown task, or a `back` that the context is too short for.
    """
    training, validation = (memory_clips(task, back, context, split) for split in ("training", "validation"))
    keras.utils.set_random_seed(0)
    model = build(name, (context, *training.shape[2:], 1), **size)
    dataset = window_dataset(training, context, shuffle=True)
    held_out = window_dataset(validation, context, batch_size=100)
    fit(model, dataset, held_out, steps=steps, rounds=2, learning_rate=learning_rate, progress=False)
    return model


def memory_of(model: keras.Model, back: int, task: str = "blinking") -> float:
    """Measure how much a model remembers, on clips drawn anew.

    That is 1 − MSE ÷ MSE of the mean target: 0 is the level of no memory, where every forecast is that mean; 1 is
    perfect memory. (Skill against copying would flatter here, since the last frame is a bad forecast.)

    Args:
        model: Maps a context `(batch, N, 16, 16, 1)` to a target `(batch, 16, 16, 1)`.
        back, task: As in `memory_network`.

    Raises:
        ValueError: An unknown task, or a `back` that the model's context is too short for.
    """
    context = model.input_shape[1]
    seen, truth = as_windows(memory_clips(task, back, context, "test"), context)
    missed = np.square(truth - clip_to_unit(predict_next(model, seen))).mean()
    return float(1 - missed / truth.var(axis=0).mean())
