"""Exercises of chapter 8: what pooling forgets, and a decoder that follows."""

import functools
from typing import Any

import keras
import numpy as np

from nextframe.exercises.exercise import Exercise
from nextframe.models import build


@functools.cache
def _vector_of_a_frame() -> dict[str, int]:
    """What the GRU of a stack for frames of 64 × 64 reads, and what its decoder takes."""
    stack = build("stacked_hybrid", (10, 64, 64, 1), pooling=2)
    (gru,) = (layer for layer in stack.layers if isinstance(layer, keras.layers.GRU))
    (decoder,) = (layer for layer in stack.layers if isinstance(layer, keras.layers.Dense))
    return {"numbers_a_frame": int(gru.input.shape[-1]), "decoder_parameters": decoder.count_params()}


@functools.cache
def _places_that_look_alike() -> int:
    """At how many places a single light gives the same features after max pooling by 2, twice."""
    lights = np.eye(256, dtype="float32").reshape(256, 16, 16, 1)
    for _ in range(2):
        lights = keras.ops.convert_to_numpy(keras.layers.MaxPooling2D(2)(lights))
    alike = np.unique(lights.reshape(256, -1), axis=0, return_counts=True)[1]
    (count,) = set(alike.tolist())
    return count


def _follows(decoder: keras.Model) -> dict[str, Any]:
    """Whether the forecast moves along when features do, away from the borders, with weights as after training."""
    random = np.random.default_rng(0)
    decoder.set_weights([random.normal(0, 0.3, weights.shape) for weights in decoder.get_weights()])
    features = random.normal(size=(1, 8, 8, 4)).astype("float32")
    moved = np.roll(features, 1, axis=2)
    before, after = (keras.ops.convert_to_numpy(decoder(each)) for each in (features, moved))
    facts: dict[str, Any] = {"output's shape": before.shape}
    if before.shape == (1, 8, 8, 1):
        along = np.allclose(np.roll(before, 1, axis=2)[:, 3:5, 3:5], after[:, 3:5, 3:5], atol=1e-4)
        facts['answer to "does the forecast move along?"'] = bool(along and before.std() > 0)
    return facts


def _kept() -> dict[str, Any]:
    features = keras.Input((8, 8, 4))
    return _follows(keras.Model(features, keras.layers.Conv2D(1, 3, padding="same")(features)))


def _pooled(features: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.layers.MaxPooling2D(2)(features.astype("float32")))


def _features(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(float)


EXERCISES = {
    "8.1": Exercise(
        "predict",
        _vector_of_a_frame,
        "The encoder halves each side and so does each pooling, which leaves 8 × 8 positions with 32 channels. The "
        "decoder has a weight for each pair of a unit and a pixel, and a bias for each pixel.",
        within=0,
        traps=(
            (
                {"numbers_a_frame": 16 * 16 * 32, "decoder_parameters": 4096 * 257},
                "The encoder has halved each side before anything is pooled.",
            ),
        ),
    ),
    "8.2": Exercise(
        "predict",
        _places_that_look_alike,
        "Each pooling makes four places look alike, and two make 4 × 4. What comes after them cannot tell by the light "
        "alone where among these it was.",
        within=0,
        traps=((8, "The second pooling makes four of those look alike again."), (4, "It is pooled twice.")),
    ),
    "8.3": Exercise(
        "build",
        _pooled,
        "Cut each side into pairs, and take the largest over both small axes.",
        inputs=lambda: [(_features(0, 1, 2, 4, 1),), (_features(1, 2, 6, 4, 3),)],
    ),
    "8.4": Exercise(
        "mend",
        _kept,
        "A convolution keeps rows and columns, so what moves in the features moves in the forecast. Pooled to one "
        "vector, and decoded by a dense layer, it does not.",
        inputs=lambda: [()],
        measure=_follows,
    ),
}
