"""Walk through the layers of a model, the nested ones too; and what a layer's name tells of a model."""

from collections.abc import Iterator

import keras

ROLLOUT = "rollout"  # name of the layer whose output is a forecast of several frames ahead


def all_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield a layer or model and every layer inside it, each once.

    Inside are the layers of nested models, the layer of a wrapper and the cells of a recurrent layer. A layer that a
    class of your own keeps under another name is not found: `model.layers` does not look into it either.
    """
    waiting, seen = [layer], set()
    while waiting:
        layer = waiting.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            waiting += reversed(_inside(layer))


def frames_ahead(model: keras.Model) -> int | None:
    """Return how many frames after its context a model forecasts at once; None for one frame, or one after each.

    An output `(batch, frames, height, width, 1)` may be several frames ahead, or one forecast after each frame of the
    context. It is the first if a layer inside is named "rollout".
    """
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 5:
        return None
    return shape[1] if any(layer.name == ROLLOUT for layer in all_layers(model)) else None


def _inside(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        return layer.layers
    # Wrapper; RNN; Bidirectional; StackedRNNCells
    inside = [getattr(layer, name, None) for name in ("layer", "cell", "forward_layer", "backward_layer")]
    inside += getattr(layer, "cells", [])
    return [each for each in inside if isinstance(each, keras.layers.Layer)]
