"""Exercises of chapter 7: the ConvLSTM, its cost, and its leak."""

import functools

import keras
import numpy as np

from nextframe.diagnostics import leaks, training_flops
from nextframe.exercises._networks import network, response
from nextframe.exercises.exercise import Exercise
from nextframe.layers import CausalConv3D
from nextframe.models import build

SHAPE = (10, 32, 32, 1)


@functools.cache
def _work_of_all_steps() -> float:
    """Operations of forecasting after every frame, as a multiple of those of forecasting once."""
    all_steps = build("conv_lstm", SHAPE, return_sequences=True, head="residual")
    return training_flops(all_steps) / training_flops(build("conv_lstm", SHAPE, head="residual"))


@functools.cache
def _as_many_parameters() -> int:
    """Filters of one layer that give as many parameters as two layers of 16 do, or nearly."""
    size = {"frames_per_step": 2, "head": "residual"}
    goal = build("conv_lstm", SHAPE, depth=2, **size).count_params()
    return min(range(16, 33), key=lambda n: abs(build("conv_lstm", SHAPE, filters=n, **size).count_params() - goal))


def _last_layer(layer: keras.layers.Layer) -> dict[str, int | bool]:
    """Where a last layer looks, of features with four channels after each frame."""
    if isinstance(layer, CausalConv3D):
        raise ValueError("it is a CausalConv3D, which the exercise rules out")
    model = network(layer, (6, 8, 8, 4), (6, 8, 8, 1))
    features = np.random.default_rng(0).random((4, 6, 8, 8, 4)).astype("float32")
    light = np.zeros((1, 6, 8, 8, 4))
    light[0, 2, 4, 4] = 1
    reached = np.abs(response(model, light)[0, 2, ..., 0]) > 1e-6
    return {
        "number of leaks": len(leaks(model, features)),
        'answer to "does it look at the pixel above or below?"': bool(reached[[3, 5], 4].any()),
        'answer to "does it look at the pixel to the left or right?"': bool(reached[4, [3, 5]].any()),
    }


@functools.cache
def _idle() -> dict[str, int]:
    """Steps of a ConvLSTM that reads all frames at once, and those of its weights that change nothing."""
    (layer,) = (
        each
        for each in build("conv_lstm", SHAPE, frames_per_step=10).layers
        if isinstance(each, keras.layers.ConvLSTM2D)
    )
    random = np.random.default_rng(0)
    x = random.random((1, *layer.input.shape[1:])).astype("float32")
    weights, before = layer.get_weights(), keras.ops.convert_to_numpy(layer(x))
    idle = 0
    for number, array in enumerate(weights):
        for gate in range(4):
            part = np.arange(array.shape[-1] // 4) + gate * (array.shape[-1] // 4)
            other = array.copy()
            other[..., part] = random.normal(size=other[..., part].shape)
            layer.set_weights([*weights[:number], other, *weights[number + 1 :]])
            same = np.array_equal(keras.ops.convert_to_numpy(layer(x)), before)
            idle += other[..., part].size if same else 0
    return {"steps": x.shape[1], "idle_weights": idle}


def _gates(seed: int, *shape: int) -> tuple[np.ndarray, ...]:
    return tuple(np.random.default_rng(seed).random((5, *shape)).round(2))


def _states(
    c: np.ndarray, i: np.ndarray, f: np.ndarray, candidate: np.ndarray, o: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    memory = f * c + i * candidate
    return o * np.tanh(memory), memory


EXERCISES = {
    "7.1": Exercise(
        "predict",
        _work_of_all_steps,
        "The recurrent layer costs what it did, since it goes through all frames anyway. But ten frames are decoded in "
        "place of one, and the decoder is the larger part.",
        within=0.4,
        traps=((10, "The recurrent layer goes through ten frames in both."), (1, "Each output has to be decoded.")),
    ),
    "7.2": Exercise(
        "predict",
        _as_many_parameters,
        "One layer with {answer} filters has nearly as many parameters as two with 16, since each convolution of the "
        "state has filters × filters weights.",
        within=1,
        traps=((32, "Twice the filters make four times the weights of a convolution of the state."),),
    ),
    "7.3": Exercise(
        "mend",
        lambda: _last_layer(keras.layers.Conv3D(1, (1, 3, 3), padding="same")),
        "With a kernel of 1 in time, each step is decoded from its own features, and padding is in space alone.",
        inputs=lambda: [()],
        measure=_last_layer,
    ),
    "7.4": Exercise(
        "predict",
        _idle,
        "Memory and output start at zero: the whole recurrent kernel and all of the forget gate meet nothing else. "
        "What is left is a plain convolution with a gated activation.",
        within=0,
        traps=(
            (
                {"steps": 1, "idle_weights": 3 * 3 * 16 * 4 * 16},
                "The forget gate, too, has something that it is multiplied with.",
            ),
        ),
    ),
    "7.5": Exercise(
        "build",
        _states,
        "Keep a part of the memory, add a part of the candidate, and show a part of the sum.",
        inputs=lambda: [_gates(0, 1, 2, 1), _gates(1, 4, 5, 2)],
    ),
}
