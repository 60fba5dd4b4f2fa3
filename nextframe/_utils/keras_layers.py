"""Walk through the layers of a model, the nested ones too."""

from collections.abc import Iterator

import keras


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


def _inside(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        return layer.layers
    # Wrapper; RNN; Bidirectional; StackedRNNCells
    inside = [getattr(layer, name, None) for name in ("layer", "cell", "forward_layer", "backward_layer")]
    inside += getattr(layer, "cells", [])
    return [each for each in inside if isinstance(each, keras.layers.Layer)]
