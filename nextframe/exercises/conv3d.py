"""Exercises of chapter 5: convolutions in time, and puzzles 9 and 10."""

import functools
from typing import Any

import keras
import numpy as np

from nextframe.diagnostics import leaks, temporal_receptive_field
from nextframe.exercises._networks import network
from nextframe.exercises.exercise import Exercise
from nextframe.layers import CausalConv3D


def _sees(dilations: list[int]) -> int:
    """How many frames a stack of causal kernels of 3 sees: at how many steps a light in the first frame arrives."""
    x = np.zeros((1, 2 + sum(2 * dilation for dilation in dilations), 1, 1, 1), "float32")
    x[0, 0] = 1
    for dilation in dilations:
        layer = CausalConv3D(
            1, (3, 1, 1), dilation_rate=(dilation, 1, 1), use_bias=False, kernel_initializer=keras.initializers.Ones()
        )
        x = keras.ops.convert_to_numpy(layer(x))
    return int(np.count_nonzero(x))


@functools.cache
def _layers_for_twenty() -> dict[str, int]:
    every = {"plain": [1] * 20, "dilated": [1, 2] * 10}
    return {name: next(n for n in range(1, 20) if _sees(dilations[:n]) >= 20) for name, dilations in every.items()}


def _every_step(convolution: type[keras.layers.Layer], depth: int = 3, **options: Any) -> keras.Model:
    frames = x = keras.Input((10, 8, 8, 1))
    for layer in range(depth):
        filters, activation = (1, None) if layer == depth - 1 else (4, "relu")
        x = convolution(filters, 3, activation=activation, **options)(x)
    return keras.Model(frames, x)


def _clips() -> np.ndarray:
    return np.random.default_rng(0).random((4, 10, 8, 8, 1)).astype("float32")


@functools.cache
def _shift() -> dict[str, int]:
    """By how many steps a same-padded stack of three has to be shifted, and how far ahead it then forecasts."""
    padded, causal = _every_step(keras.layers.Conv3D, padding="same"), _every_step(CausalConv3D)
    causal.set_weights(padded.get_weights())
    clips = _clips()
    early, late = (keras.ops.convert_to_numpy(model(clips)) for model in (padded, causal))
    steps = next(s for s in range(1, 6) if np.allclose(early[:, 2 : 7 - s + 3], late[:, 2 + s : 10], atol=1e-5))
    last_seen = max(seen - step for step, seen in leaks(padded, clips))
    return {"steps": steps, "frames_ahead": steps + 1 - last_seen}


def _honesty(built: keras.Model) -> dict[str, int]:
    model, clips = network(built, (10, 8, 8, 1), (10, 8, 8, 1)), _clips()
    newest = keras.Model(model.input, model.output[:, -1])
    return {
        "number of leaks": len(leaks(model, clips)),
        "number of frames that the last step sees": int(np.count_nonzero(temporal_receptive_field(newest, clips))),
    }


def _past(clip: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([np.zeros((size - 1, *clip.shape[1:]), clip.dtype), clip])


def _causal(clip: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    layer = CausalConv3D(1, (len(kernel), 1, 1), use_bias=False)
    layer.build((None, *clip.shape, 1))
    layer.set_weights([kernel.reshape(-1, 1, 1, 1, 1)])
    return keras.ops.convert_to_numpy(layer(clip[None, ..., None].astype("float32")))[0, ..., 0]


def _numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 9, shape).astype(float)


EXERCISES = {
    "5.1": Exercise(
        "predict",
        _layers_for_twenty,
        "Each plain layer adds two frames to the first one, and each layer dilated by two adds four.",
        within=0,
    ),
    "5.2": Exercise(
        "predict",
        _shift,
        "Each layer looks one step ahead, so what comes out at step t has seen frames up to t + 3, and the next one is "
        "t + 4. A padded stack that is shifted by its reach is a causal one.",
        within=0,
        traps=(({"steps": 3, "frames_ahead": 4}, "Ahead of the last frame that it has seen, and not of step t."),),
    ),
    "5.3": Exercise(
        "mend",
        lambda: _honesty(_every_step(CausalConv3D, 2)),
        "Padded at its start only, no step sees what comes after it, and two kernels of 3 see five frames.",
        inputs=lambda: [()],
        measure=_honesty,
    ),
    "5.4": Exercise(
        "build",
        _past,
        "Zeros for the time before the clip, one fewer than the kernel is long, and none after it.",
        inputs=lambda: [(_numbers(0, 3, 1, 1), 3), (_numbers(1, 4, 2, 3), 1), (_numbers(2, 5, 2, 2), 4)],
    ),
    "5.5": Exercise(
        "build",
        _causal,
        "That is `CausalConv3D` in time: each weight times the clip, moved on by its place in the kernel. The last "
        "weight meets the newest frame.",
        inputs=lambda: [
            (_numbers(3, 4, 1, 1), np.array([0.0, 0.0, 1.0])),
            (_numbers(4, 4, 1, 1), np.array([1.0, 2.0])),
            (_numbers(5, 7, 2, 3), np.array([0.5, -1.0, 2.0, 1.0])),
        ],
    ),
}
