"""What a stage of a model is called; see `stages`."""

import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from nextframe._utils.keras_layers import all_layers
from nextframe.diagnostics._graph import Graph, Key
from nextframe.diagnostics._reshapings import RESHAPES, describe_reshaping

ADD = "add"
# Layers that end a stage and are none by themselves
ENDINGS = (
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.Dropout,
    layers.BatchNormalization,
    layers.LayerNormalization,
    layers.GroupNormalization,
)
_ACTIVATIONS = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "linear": ""}
_LAST = {"the last frame", "the last step"}
_SCALES = ("Rescaling", "Multiply", "TrueDivide")  # with one input, they change what a frame's numbers mean alone


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
    kinds = [graph[step].kind for step in steps]
    if "ZerosLike" in kinds:
        return "zeros"
    slices = {step: words for step in steps if (words := _slice(step, graph))}
    taken = next(reversed(slices.values()), "")
    sums = [step for step in steps if graph[step].kind == "Add" and len(set(graph[step].inputs)) > 1]
    added = next(
        (words for step in sums for source in graph[step].inputs if (words := _scaled(source, slices, graph))), ""
    )
    differs = "Subtract" in kinds
    weighs = "Matmul" if "Matmul" in kinds else "Sum" if {"Multiply", "Sum"} <= set(kinds) else ""
    gates = {"Sigmoid", "Multiply"} <= set(kinds)

    def last(kind: str, words: str) -> list[tuple[int, str]]:
        return [(len(kinds) - 1 - kinds[::-1].index(kind), words)] if kind in kinds else []

    actions = [
        *last("Concatenate", "join" + (f" {taken}" if taken and not differs else "")),
        *last("Subtract", "differences from the last frame" if _LAST & {*slices.values()} else "difference"),
        *((steps.index(step), words) for step, words in _reshapings(steps, graph).items()),
        *(last("Multiply", "gate") if gates else []),
        *(last("Multiply", "product") if set(kinds) == {"Multiply"} else []),
        *last("Mean", "mean over time"),
        *last("Softmax", "softmax"),
        *last("Softplus", "softplus"),
        *last(weighs, "weighted sum" + (f" of {taken}" if taken and not (differs or added) else "")),
        *((steps.index(step), f"{ADD} {added}".strip()) for step in sums[-1:]),
    ]
    said = ", ".join(words for _, words in sorted(actions) if words)  # in the order of computation
    if not taken or taken in said:
        return said
    return f"{taken}: {said}" if said else taken


def _inside(model: keras.Model) -> list[str]:
    """Name a model within another, and what it holds: by its layers, if Keras has numbered it."""
    if not re.fullmatch(r"(functional|sequential)(_\d+)?", model.name):
        return [each.name.replace("_", " ") for each in all_layers(model) if isinstance(each, keras.Model)][:2]
    parts: list[str] = []
    for layer in model.layers:
        if layer.weights and hasattr(layer, "kernel_size"):
            parts.append(" ".join(describe_layer(layer)))
        elif parts and isinstance(layer, ENDINGS) and (words := describe_ending(layer)):
            parts[-1] += f", {words}"
    return parts[0].split(" ", 1) if len(parts) == 1 else ["layers", *parts]


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


def _scaled(step: Key, slices: dict[Key, str], graph: Graph) -> str:
    """Say which frames a call gives, as they are or scaled; "" for anything else."""
    while graph[step].kind in _SCALES and len(graph[step].inputs) == 1:
        (step,) = graph[step].inputs
    return slices.get(step, "")


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


def _reshapings(steps: Sequence[Key], graph: Graph) -> dict[Key, str]:
    """Describe each run of calls that do nothing but reshape, by the call that ends it."""
    runs: dict[Key, list[Key]] = {}
    for step in steps:
        if graph[step].kind in RESHAPES:
            runs[step] = [*runs.get(graph[step].inputs[0], []), step]
    goes_on = {source for run in runs for source in graph[run].inputs}
    return {
        end: describe_reshaping(graph[graph[run[0]].inputs[0]].shape, [graph[step] for step in run])
        for end, run in runs.items()
        if end not in goes_on
    }
