"""The graph of a built model, read from its `get_config`: which call of a layer or an operation reads what."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import keras
from keras import layers

from nextframe._utils.keras_layers import all_layers
from nextframe.layers import FlowProposals

Key: TypeAlias = tuple[str, int]  # an operation's name, and which of its calls

# Layers that rearrange or combine what they are given, as plain operations do
_GLUE = (
    layers.Reshape,
    layers.Permute,
    layers.Flatten,
    layers.Concatenate,
    layers.Add,
    layers.Rescaling,
    layers.ZeroPadding2D,
    layers.ZeroPadding3D,
)


class Call(NamedTuple):
    """One call of a layer or an operation."""

    operation: keras.Operation
    inputs: tuple[Key, ...]
    arguments: list[Any]  # as `get_config` writes them
    shape: tuple[int, ...]  # of what it gives, without the batch axis

    @property
    def kind(self) -> str:
        """The name of its class, such as "Reshape"."""
        return type(self.operation).__name__

    @property
    def is_glue(self) -> bool:
        """Whether it has no weights, and no name that a reader would know it by."""
        return isinstance(self.operation, _GLUE) or not isinstance(self.operation, keras.layers.Layer)


Graph: TypeAlias = dict[Key, Call]


def read_graph(model: keras.Model) -> tuple[Graph, dict[str, Key]]:
    """Return the calls of a functional model, and those that give its outputs, by name; "" where it has one.

    Raises:
        ValueError: Another kind of model.
    """
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise ValueError(f"{model.name} has no shapes yet: begin it with keras.Input(shape), or call it once")
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not hasattr(model, "operations"):
        raise ValueError(
            f"{model.name} is a class of its own, and Keras keeps no graph of what its `call` does: draw "
            f"keras.Model(x, {model.name}.call(x)), with x = keras.Input(shape)"
        )
    config = model.get_config()
    operations = {operation.name: operation for operation in model.operations}
    written = {
        (entry["name"], number): call
        for entry in config["layers"]
        for number, call in enumerate(entry["inbound_nodes"] or [{}])
    }
    outputs: dict[str, Key] = {}
    shapes: dict[Key, tuple[int, ...]] = {}
    for label, (name, number, _), tensor in _outputs(config["output_layers"], model.output):
        # There, calls of a model are counted from 1
        key = outputs[label] = (name, number - isinstance(operations[name], keras.Model))
        shapes[key] = tuple(tensor.shape[1:])
    for call in written.values():
        shapes |= dict(_tensors(call))
    graph = {
        key: Call(operations[key[0]], tuple(each for each, _ in _tensors(call)), call.get("args", []), shapes[key])
        for key, call in written.items()
        if key in shapes  # what nobody reads is no part of the forecast
    }
    return graph, outputs if len(outputs) > 1 else {"": key}


def ends_of_glue(graph: Graph, outputs: Iterable[Key]) -> set[Key]:
    """Find the calls that a stage ends with: what a layer reads or a model gives, and where a skip connection joins."""
    ends = {key for call in graph.values() if not call.is_glue for key in call.inputs} | {*outputs}
    read = readers(graph)
    return ends | {
        key for key, call in graph.items() if _joins_a_layer(call, graph) or _is_shared_sum(key, graph, read)
    }


def readers(graph: Graph) -> Counter[Key]:
    """Count the calls that read what each call gives."""
    return Counter(source for call in graph.values() for source in set(call.inputs))


def glue_before(key: Key, graph: Graph, ends: set[Key]) -> list[Key]:
    """The glue that leads to a call from the stages before it, in the order of computation; itself last."""
    steps: list[Key] = []

    def visit(step: Key) -> None:
        for source in graph[step].inputs:
            if graph[source].is_glue and source not in ends and source not in steps:
                visit(source)
        steps.append(step)

    visit(key)
    return steps


def _tensors(written: Any) -> Iterator[tuple[Key, tuple[int, ...]]]:
    """Find the tensors among written arguments: which call gives each, and its shape without the batch axis."""
    if isinstance(written, dict) and written.get("class_name") == "__keras_tensor__":
        name, number, _ = written["config"]["keras_history"]
        yield (name, number), tuple(written["config"]["shape"][1:])
    elif isinstance(written, dict | list | tuple):
        for each in written.values() if isinstance(written, dict) else written:
            yield from _tensors(each)


def _outputs(written: Any, given: Any, name: str = "") -> Iterator[tuple[str, tuple[str, int, int], keras.KerasTensor]]:
    """Name each output, by its key or number; with where it comes from, as `get_config` writes it, and its tensor."""
    if isinstance(written, dict):
        for label in written:
            yield from _outputs(written[label], given[label], label)
    elif isinstance(written[0], str):
        yield name, (written[0], written[1], written[2]), given
    else:
        for number, (each, tensor) in enumerate(zip(written, given, strict=True), 1):
            yield from _outputs(each, tensor, f"{name} {number}".strip())


def _is_shared_sum(key: Key, graph: Graph, read: Counter[Key]) -> bool:
    """Whether it is a sum that goes on in several ways, as that of a residual connection does."""
    return graph[key].kind == "Add" and len(set(graph[key].inputs)) > 1 and read[key] > 1


def _joins_a_layer(call: Call, graph: Graph) -> bool:
    """Whether it joins what a layer with weights, or an activation after one, gives to something else."""
    if call.kind not in ("Add", "Concatenate") or len(set(call.inputs)) < 2:
        return False
    given = [graph[key] for key in call.inputs if not graph[key].is_glue]
    return any(each.operation.weights or each.kind in ("Activation", "ReLU") for each in given)


def has_gradient(model: keras.Model) -> bool:
    """Whether a forecast's gradient tells what it depends on: not through optical flow, which is NumPy."""
    return not any(isinstance(layer, FlowProposals) for layer in all_layers(model))
