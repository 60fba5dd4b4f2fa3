"""Exercises of chapter 8: what pooling forgets, and a decoder that follows."""

import functools

import keras
import numpy as np

from nextframe.exercises._networks import network, response
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


def _follows(decoder: keras.layers.Layer) -> dict[str, bool]:
    """Whether the forecast moves along when a light in the middle of the features moves down, or to the right."""
    model = network(decoder, (8, 8, 4), (8, 8, 1))
    lights = np.zeros((3, 8, 8, 4))
    lights[0, 3, 3] = lights[1, 4, 3] = lights[2, 3, 4] = 0.1  # dim, so that no sigmoid is saturated
    here, below, right = response(model, lights)
    follows = []
    for there, shifted, before in [(below, below[1:], here[:-1]), (right, right[:, 1:], here[:, :-1])]:
        change, off = np.linalg.norm(there - here), np.linalg.norm(shifted - before)
        # Not 0: at borders, what a deep stack of kernels reaches is cut off
        follows.append(change > 1e-3 * np.linalg.norm(here) and off < 0.25 * change)
    return {'answer to "does the forecast move along?"': all(follows)}


def _kept() -> dict[str, bool]:
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
