"""The graph of a built model, read from its `get_config`: which call of a layer or an operation reads what."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import keras
from keras import layers

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


def read_graph(model: keras.Model) -> tuple[Graph, Key]:
    """Return the calls of a functional model, and the one that gives its output.

    Raises:
        ValueError: Another kind of model, or one with several outputs.
    """
    if isinstance(model, keras.Sequential) and model.built:
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not hasattr(model, "operations") or len(model.outputs) != 1:
        raise ValueError(
            f"{model.name} is no functional model with one output: build it as keras.Model(inputs, output), as the "
            "functions of nextframe.models do"
        )
    config = model.get_config()
    operations = {operation.name: operation for operation in model.operations}
    written = {
        (entry["name"], number): call
        for entry in config["layers"]
        for number, call in enumerate(entry["inbound_nodes"] or [{}])
    }
    name, number, _ = config["output_layers"]
    output = (name, number - isinstance(operations[name], keras.Model))  # there, calls of a model are counted from 1
    shapes = {output: tuple(model.output_shape[1:])}
    for call in written.values():
        shapes |= dict(_tensors(call))
    graph = {
        key: Call(operations[key[0]], tuple(each for each, _ in _tensors(call)), call.get("args", []), shapes[key])
        for key, call in written.items()
        if key in shapes  # what nobody reads is no part of the forecast
    }
    return graph, output


def ends_of_glue(graph: Graph) -> set[Key]:
    """Find the calls that a stage ends with: what a layer reads, and where a skip connection joins."""
    ends = {key for call in graph.values() if not call.is_glue for key in call.inputs}
    return ends | {key for key, call in graph.items() if _joins_a_layer(call, graph)}


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


def _joins_a_layer(call: Call, graph: Graph) -> bool:
    """Whether it joins what a layer with weights, or an activation after one, gives to something else."""
    if call.kind not in ("Add", "Concatenate") or len(set(call.inputs)) < 2:
        return False
    given = [graph[key] for key in call.inputs if not graph[key].is_glue]
    return any(each.operation.weights or each.kind in ("Activation", "ReLU") for each in given)
