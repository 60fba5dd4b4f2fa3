"""What a stage of a model is called; see `stages`."""

import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from nextframe._utils.keras_layers import all_layers
from nextframe.diagnostics._graph import Graph, Key

ADD = "add"
_RESHAPES = ("Reshape", "Permute", "Flatten", "Transpose")
_ACTIVATIONS = {"relu": "ReLU", "linear": ""}


def describe_layer(layer: keras.layers.Layer) -> tuple[str, str]:
    """Return a layer's name, and its size in words."""
    if isinstance(layer, keras.layers.InputLayer):
        return ("input" if layer.name.startswith("input_layer") else layer.name), ""
    inside = getattr(layer, "layer", layer)  # of a wrapper, such as TimeDistributed
    words = [] if inside is layer else ["on each frame"]
    if isinstance(inside, keras.Model):
        names, words = _inside(inside), [*words, *_frozen(inside)]
        return names[0], ", ".join([*names[1:], *words])
    if isinstance(layer, layers.MultiHeadAttention):
        return type(layer).__name__, _attention(layer)
    cell = getattr(inside, "cell", inside)  # of a recurrent layer
    size = getattr(cell, "kernel_size", getattr(cell, "pool_size", None))
    stride = max(cell.strides) if hasattr(cell, "kernel_size") else 1
    words = [
        "×".join(str(side) for side in size) if size else "",
        _count(cell, "filters"),
        "" if hasattr(cell, "filters") else _count(cell, "units"),
        f"stride {stride}" if stride > 1 else "",
        *words,
        describe_ending(inside) if isinstance(inside, layers.Dense | layers.Conv2D | layers.Conv3D) else "",
        *_frozen(layer),
    ]
    return type(inside).__name__, ", ".join(word for word in words if word)


def describe_ending(layer: keras.layers.Layer) -> str:
    """Name an activation or a normalisation that ends a stage, or "" where it changes nothing."""
    activation = getattr(layer, "activation", None)
    if activation is None:
        return type(layer).__name__
    name = keras.activations.serialize(activation)
    return _ACTIVATIONS.get(name, name) if isinstance(name, str) else type(layer).__name__


def describe_steps(steps: Sequence[Key], graph: Graph) -> str:
    """Say what some glue does, or "" where it changes nothing that a reader would see.

    Args:
        steps: Calls of `graph`, in the order of computation.
        graph: See `nextframe.diagnostics._graph`.
    """
    kinds = {graph[step].kind for step in steps}
    if "ZerosLike" in kinds:
        return "zeros"
    slices = {step: words for step in steps if (words := _slice(step, graph))}
    taken = next(reversed(slices.values()), "")
    sums = [step for step in steps if graph[step].kind == "Add" and len(set(graph[step].inputs)) > 1]
    added = next((slices[source] for step in sums for source in graph[step].inputs if source in slices), "")
    differs, joins = "Subtract" in kinds, "Concatenate" in kinds
    weighs = {"Multiply", "Sum"} <= kinds
    actions = [
        ("join" + (f" {taken}" if taken and not differs else "")) if joins else "",
        "differences from the last frame" if differs else "",
        *_reshapings(steps, graph),
        "gate" if {"Sigmoid", "Multiply"} <= kinds else "",
        "product" if kinds == {"Multiply"} else "",
        "mean over time" if "Mean" in kinds else "",
        "softmax" if "Softmax" in kinds else "",
        ("weighted sum" + (f" of {taken}" if taken and not (differs or added) else "")) if weighs else "",
        f"{ADD} {added}".strip() if sums else "",
    ]
    said = ", ".join(action for action in actions if action)
    if not taken or taken in said:
        return said
    return f"{taken}: {said}" if said else taken


def _inside(model: keras.Model) -> list[str]:
    """Name a model within another, and what it holds: by its layers, if Keras has numbered it."""
    if not re.fullmatch(r"(functional|sequential)(_\d+)?", model.name):
        return [each.name.replace("_", " ") for each in all_layers(model) if isinstance(each, keras.Model)][:2]
    parts = [describe_layer(layer) for layer in model.layers if layer.weights and hasattr(layer, "kernel_size")]
    return [*parts[0]] if len(parts) == 1 else ["layers", *(" ".join(part) for part in parts)]


def _attention(layer: layers.MultiHeadAttention) -> str:
    """Say how many heads attend, and along which axes of tokens `(time, space, channels)`."""
    along = {(1,): "time", (2,): "space", (1, 2): "time and space"}.get(layer.attention_axes)
    heads = f"{layer.num_heads} heads"
    return f"{heads} over {along}" if along and len(layer.output.shape) == 4 else heads


def _count(layer: keras.layers.Layer, name: str) -> str:
    number = getattr(layer, name, None)
    return "" if number is None else f"{number:,} {name if number > 1 else name[:-1]}"


def _frozen(layer: keras.layers.Layer) -> list[str]:
    return ["frozen"] if layer.weights and not layer.trainable_weights else []


def _slice(step: Key, graph: Graph) -> str:
    """Say which frames a slice along time takes, such as `context[:, -5:]`."""
    call = graph[step]
    key: Any = call.arguments[1] if call.kind == "GetItem" else ()
    if not isinstance(key, list | tuple) or len(key) != 2:
        return ""
    source, along = graph[call.inputs[0]], key[1]
    what = "frame" if source.shape[-1] == 1 else "step"
    if along == -1:
        return f"the last {what}"
    start, stop = (along["config"][name] for name in ("start", "stop")) if isinstance(along, dict) else (None, None)
    if stop is None and start is not None and start < 0 and source.shape[0] > 1:
        count = min(-start, source.shape[0])
        return f"the last {what}" if count == 1 else f"the last {count} {what}s"
    return ""


def _reshapings(steps: Sequence[Key], graph: Graph) -> list[str]:
    """Describe each run of calls that do nothing but reshape."""
    before: dict[Key, tuple[int, ...]] = {}  # the shape that a run began with
    words = []
    for step in steps:
        call = graph[step]
        if call.kind in _RESHAPES:
            source = call.inputs[0]
            before[step] = before.get(source, graph[source].shape)
            goes_on = any(step in graph[other].inputs and graph[other].kind in _RESHAPES for other in steps)
            if not goes_on:
                words.append(_reshaping(before[step], call.shape))
    return [word for word in words if word]


def _reshaping(before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """Name a change of shape; "" for one that is none of the book's."""
    if len(before) == 4 and before[0] == 1:  # one step: time does not matter
        before, after = before[1:], after[1:] if len(after) == 4 else after
    match before, after:
        case (_, rows, columns, _), (_, places, _) if places == rows * columns and before[-1] == after[-1]:
            return "rows and columns → places"
        case (_, places, _), (_, rows, columns, _) if places == rows * columns and before[-1] == after[-1]:
            return "places → rows and columns"
        case (_, rows, columns, channels), (_, features) if features == rows * columns * channels:
            return "each frame → a vector" if channels == 1 else "each step → a vector"
        case (((_, _, _, _) | (_, _, _)), (_,)):
            return "everything → a vector"
        case (_,), (_, _, 1):
            return "vector → frame"
        case (time, rows, _, _), (steps, fewer, _, _):
            if fewer < rows and steps == time:
                return _squares(rows // fewer) + " → channels"
            return f"{time // steps} frames → one step" if steps < time else ""
        case (_, rows, _, _), (fewer, _, _):
            squares = "" if fewer == rows else f"{_squares(rows // fewer)} and "
            return f"{squares}time → channels"
        case (rows, _, _), (more, _, _) if more > rows:
            return "channels → " + _squares(more // rows)
        case (rows, _, _), (fewer, _, _) if fewer < rows:
            return _squares(rows // fewer) + " → channels"
    return ""


def _squares(side: int) -> str:
    return f"{side}×{side} pixels"
