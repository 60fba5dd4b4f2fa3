"""Stages: the steps that a reader thinks in, read from a built model, with their shapes, parameters and operations."""

import dataclasses
import math
from typing import Any

import keras

from nextframe.diagnostics._graph import Key, ends_of_glue, glue_before, read_graph, readers
from nextframe.diagnostics._stage_words import ADD, ENDINGS, describe_ending, describe_layer, describe_steps
from nextframe.diagnostics.cost import layer_flops

BLOCK = "residual block"
_LONGEST_BLOCK = 9  # stages in a residual block, at most


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of a model: a layer, some alike in a row, a residual block, or what rearranges and combines.

    Attributes:
        name: The layer's class, or what happens, in words.
        detail: Its size, in words.
        shape: Of what it gives, without the batch axis.
        inputs: Numbers of the stages that it reads, counted from 0.
        layers: Its layers with weights.
        parameters: Weights of these layers.
        flops: Operations of one forecast, counted as in `nextframe.diagnostics.forward_flops`.
        repeats: How many alike follow one another here.
        output: Name of the output that it gives, where the model has several.
    """

    name: str
    detail: str
    shape: tuple[int, ...]
    inputs: tuple[int, ...]
    layers: tuple[keras.layers.Layer, ...] = ()
    parameters: int = 0
    flops: int = 0
    repeats: int = 1
    output: str = ""


def stages(model: keras.Model) -> list[Stage]:
    """Group a model's layers into the stages that a reader thinks in.

    Activations and normalisations belong to the layer before them, unless something else reads that one too. A
    recurrent cell that is called step by step is one stage, as in its first step. Reshaping, slicing and arithmetic
    between two layers is one stage; residual blocks are one each; and stages that are alike and follow one another are
    one, repeated. Each weight of the model is in one stage.

    Args:
        model: Functional or Sequential.

    Returns:
        The stages, each after those that it reads; the first one is an input, and the last one gives the output, or the
        last of several.

    Raises:
        ValueError: Another kind of model, or a layer that `forward_flops` cannot count.
    """
    graph, outputs = read_graph(model)
    ends, read = ends_of_glue(graph, outputs.values()), readers(graph)
    found: list[Stage] = []
    at: dict[Key, int] = {}  # which stage gives what a call gives
    counted: set[int] = set()  # layers whose weights are in a stage already

    def stage_of(key: Key) -> int:
        if key not in at:
            at[key] = glue(key) if graph[key].is_glue else layer(key)
        return at[key]

    def glue(key: Key) -> int:
        steps = glue_before(key, graph, ends)
        sources = [source for step in steps for source in graph[step].inputs if source not in steps]
        inputs = tuple(dict.fromkeys(stage_of(source) for source in sources))
        words = describe_steps(steps, graph)
        if not words and len(inputs) == 1:
            before = found[inputs[0]]
            if inputs[0] and math.prod(before.shape) == math.prod(graph[key].shape):  # an axis of 1 that goes
                found[inputs[0]] = dataclasses.replace(before, shape=graph[key].shape)
            return inputs[0]
        found.append(Stage(words or "combine", "", graph[key].shape, inputs))
        return len(found) - 1

    def layer(key: Key) -> int:
        if hasattr(graph[key].operation, "state_size") and key[1]:  # a cell that is called step by step
            return stage_of((key[0], 0))
        inputs = tuple(dict.fromkeys(stage_of(source) for source in graph[key].inputs))
        operation = graph[key].operation
        if isinstance(operation, ENDINGS) and inputs[0] > 0 and read[graph[key].inputs[0]] == 1:
            before = _with_weights(found[inputs[0]], operation, model, counted)
            words = ", ".join(word for word in (before.detail, describe_ending(operation)) if word)
            found[inputs[0]] = dataclasses.replace(before, detail=words)
            return inputs[0]
        stage = Stage(*describe_layer(operation), graph[key].shape, inputs)
        found.append(_with_weights(stage, operation, model, counted))
        return len(found) - 1

    for name, key in outputs.items():
        number = stage_of(key)
        named = " and ".join(word for word in (found[number].output, name) if word)
        found[number] = dataclasses.replace(found[number], output=named)
    return _repeats(_additions(_blocks(found)))


def _with_weights(stage: Stage, layer: keras.layers.Layer, model: keras.Model, counted: set[int]) -> Stage:
    """Add a layer's weights and operations to a stage, unless another stage that shares the layer has them."""
    if id(layer) in counted or not layer.weights:
        return stage
    counted.add(id(layer))
    return dataclasses.replace(
        stage,
        layers=(*stage.layers, layer),
        parameters=stage.parameters + layer.count_params(),
        flops=stage.flops + layer_flops(layer, model),
    )


def _blocks(found: list[Stage]) -> list[Stage]:
    """Make one stage of each residual block: what reads one stage alone, keeps its size, and is added to it."""
    for last, stage in enumerate(found):
        start = min(stage.inputs, default=0)
        inside = found[start + 1 : last]
        within = set(range(start, last + 1))
        if (
            stage.name == ADD
            and len(stage.inputs) == 2
            and 0 < len(inside) <= _LONGEST_BLOCK
            and all(part.shape[:-1] == stage.shape[:-1] and set(part.inputs) <= within for part in inside)
            and all(set(_readers(found, number)) <= within for number in range(start + 1, last))
        ):
            parts = _repeats([dataclasses.replace(part, inputs=(number - 1,)) for number, part in enumerate(inside)])
            words = ", ".join(_brief(part) for part in parts)
            return _blocks(_joined(found, start + 1, last, name=BLOCK, detail=words))
    return found


def _additions(found: list[Stage]) -> list[Stage]:
    """Let what is added to a stage be a part of it."""
    for last, stage in enumerate(found):
        before = found[last - 1]
        if stage.name.startswith(ADD) and last - 1 in stage.inputs and _readers(found, last - 1) == [last]:
            words = {"name": before.name, "detail": f"{before.detail}, then {stage.name}"}
            return _additions(_joined(found, last - 1, last, **words))
    return found


def _repeats(found: list[Stage]) -> list[Stage]:
    """Make one stage of those that are alike and follow one another."""
    for number in range(1, len(found)):
        before, stage = found[number - 1 : number + 1]
        alike = (before.name, before.detail, before.shape) == (stage.name, stage.detail, stage.shape)
        if alike and stage.layers and _follows(found, number):
            return _repeats(_joined(found, number - 1, number, repeats=before.repeats + stage.repeats))
    return found


def _brief(stage: Stage) -> str:
    """Name a stage in a list of several."""
    size, *more = [stage.detail] if stage.name == BLOCK else stage.detail.split(", ")
    normalised = [f"with {word}" for word in more if word.endswith("Normalization")]
    times = f"×{stage.repeats}" if stage.repeats > 1 else ""
    return " ".join(word for word in ("" if stage.name == BLOCK else stage.name, size, *normalised, times) if word)


def _follows(found: list[Stage], number: int) -> bool:
    """Whether a stage reads the one before it alone, and is alone in reading it."""
    return found[number].inputs == (number - 1,) and _readers(found, number - 1) == [number]


def _readers(found: list[Stage], number: int) -> list[int]:
    """The stages that read one; a number beyond them all stands for whoever reads one of several outputs."""
    within = [other for other, stage in enumerate(found) if number in stage.inputs]
    return [*within, len(found)] if found[number].output else within


def _joined(found: list[Stage], first: int, last: int, **how: Any) -> list[Stage]:
    """Make one stage of those from `first` to `last`, and count the others anew."""
    parts = found[first : last + 1]
    one = dataclasses.replace(
        parts[-1],
        inputs=tuple(dict.fromkeys(number for part in parts for number in part.inputs if number < first)),
        layers=tuple(layer for part in parts for layer in part.layers),
        parameters=sum(part.parameters for part in parts),
        flops=sum(part.flops for part in parts),
        **how,
    )

    def moved(stage: Stage) -> Stage:
        inputs = (number if number < first else max(first, number - (last - first)) for number in stage.inputs)
        return dataclasses.replace(stage, inputs=tuple(dict.fromkeys(inputs)))

    return [*found[:first], one, *map(moved, found[last + 1 :])]
