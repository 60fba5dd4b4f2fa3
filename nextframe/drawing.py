"""Drawings of networks, made from the built model: what they read, what each stage makes of it, and what it costs.

They are plain HTML, so their text can be read, searched and spoken, and they take a page's colours: light or dark.
"""

import math

import keras
import numpy as np
from IPython.display import HTML

from nextframe._utils import pages
from nextframe._utils.glyphs import SIDE, glyph
from nextframe._utils.pixels import as_planes, to_bytes
from nextframe._utils.validation import one_of
from nextframe.diagnostics._graph import read_graph
from nextframe.diagnostics.stages import Stage, stages
from nextframe.forecasting import predict_next

_AXES = {4: "time × rows × columns × channels", 3: "rows × columns × channels"}
# Boxes with weights that read x and a state; the candidates are among them
_GATES = {
    "LSTM": 4,
    "GRU": 3,
    "ConvLSTM2D": 4,
    "ConvGRU2D": 3,
    "SpatiotemporalLSTM2D": 7,
    "SpatiotemporalLSTM2DCell": 7,
}
_WIRING = {
    7: "The cell state c is updated as in an LSTM, by gates that read x and h; the second memory m, which comes from "
    "the layer below, by gates that read x and m. Output gate and tanh read both, and their product is the next h.",
    4: "The forget gate multiplies the cell state c; the input gate times the candidate is added to it; the output "
    "gate times its tanh is the next h.",
    3: "The next h is the update gate times the last h, plus one minus that gate times the candidate. The candidate "
    "reads the last h through the reset gate.",
}
_CELL_SIDE = 34  # height of the longest data in a drawing of a cell
_LANE = 11  # pixels between lines that run side by side


def network(model: keras.Model, context: np.ndarray | None = None) -> HTML:
    """Draw a model as stages from top to bottom, each with its data's shape, its parameters and its share of the work.

    Frames and feature maps are slabs, as thick as they have channels; time is a row of them; vectors are bars. A filled
    dot is a stage that learns. Lines that pass dots are skip connections. Stages that are alike are drawn once, with
    their number.

    Args:
        model: Maps a context to a target, or a context and more; functional or Sequential.
        context: `(1, N, height, width, 1)`, floats 0..1: frames to show in place of empty ones, with the model's
            forecast of them.

    Returns:
        The drawing; as the last line of a cell it appears under it.

    Raises:
        ValueError: Another kind of model; see `nextframe.diagnostics.stages`.
    """
    found = stages(model)
    total = sum(stage.flops for stage in found)
    seen: list[str] = []
    made: list[str] = []
    if context is not None:
        seen = [_picture(frame) for frame in context[0]]
        made = [_picture(predict_next(model, context)[0])]
    longest = max(found[0].shape[-3:-1], default=1)
    lanes = _lanes(found)
    spine = (max(lanes.values(), default=0)) * _LANE + _LANE / 2
    rows = [
        {
            "name": stage.name,
            "detail": stage.detail or _AXES.get(len(stage.shape) * (number == 0), ""),
            "times": stage.repeats if stage.repeats > 1 else "",
            "shape": _shape(stage.shape) or "one number",
            "role": "forecast" if number == len(found) - 1 and len(stage.shape) > 2 else "",
            "parameters": f"{stage.parameters:,}" if stage.parameters else "",
            "percent": round(100 * stage.flops / max(total, 1), 1),
            "share": _percent(stage.flops / max(total, 1)),
            "glyph": glyph(stage.shape, longest, seen if number == 0 else made if number == len(found) - 1 else ()),
            "reads": "" if stage.inputs in ((), (number - 1,)) else _these(found, stage.inputs),
            "lines": _lines(found, number, lanes, spine),
        }
        for number, stage in enumerate(found)
    ]
    summary = (
        f"{model.name.replace('_', ' ')}: {sum(stage.parameters for stage in found):,} parameters, "
        f"{total / 1e6:,.1f} million operations a forecast"
    )
    return HTML(pages.render("network.html", rows=rows, summary=summary, gutter=spine + _LANE, spine=spine))


def cell(layer: keras.layers.Layer) -> HTML:
    """Draw one step of a recurrent layer with the shapes of its data and the number of its weights.

    Args:
        layer: A layer of a built model: LSTM, GRU, ConvLSTM2D, ConvGRU2D or SpatiotemporalLSTM2D, or the latter's
            cell. A GRU is drawn as Keras computes it: the reset gate acts on the hidden state; by default after the
            product with its weights in `keras.layers.GRU`, and before the convolution in `ConvGRU2D`.

    Raises:
        ValueError: Another layer.
    """
    kind = type(layer).__name__
    one_of("layer", kind, _GATES)
    gates, convolves = _GATES[kind], "2D" in kind
    rank = 3 if convolves else 1
    inner = getattr(layer, "cell", layer)
    if gates == 7:  # a cell may be called many times, and then has no one input
        read = inner.input_shape_of_a_step
        state = tuple(inner.compute_output_shape((None, *read))[0][1:])
    else:
        read, state = tuple(layer.input.shape[2:]), tuple(layer.output.shape[-rank:])
    sides = tuple(inner.kernel_size) if convolves else ()
    factors = "".join(f"{side} × " for side in sides)
    channels = state[-1]
    # What the second memory adds: both memories to the output gate, and to what it lets through
    beside = [(*sides, 2 * channels, channels), (2 * channels, channels)] if gates == 7 else []
    products = math.prod(sides) * (read[-1] + channels) * channels
    biases = (layer.count_params() - sum(map(math.prod, beside))) // gates - products
    verb = f"convolves them with {_shape(sides)} kernels" if convolves else "multiplies them by weights"
    states = "x and h, or x and m" if gates == 7 else "x and h"
    more = " + ".join(["", *map(_shape, beside)])
    which = "; output and mix also read both memories" if beside else ""
    caption = (
        f"One step of the {kind}. Each of the {gates} boxes with a name reads {states}, and {verb} of its own{which}: "
        f"{gates} × ({factors}({read[-1]:,} + {channels:,}) × {channels:,} + {biases:,}){more} = "
        f"{layer.count_params():,} parameters. σ gives numbers from 0 to 1, tanh from −1 to 1."
    )
    summary = (
        f"{kind}: boxes with weights read x, {_shape(read)}, and the hidden state h, {_shape(state)}. {_WIRING[gates]}"
    )
    side = max(math.sqrt(read[0]), math.sqrt(state[0])) if rank == 1 else max(*read[:2], *state[:2])
    data = {
        name: {"shape": _shape(shape, "×"), "glyph": glyph(shape, side * SIDE / _CELL_SIDE)}
        for name, shape in {"input": read, "state": state}.items()
    }
    return HTML(
        pages.render(
            "cell.html", gates=gates, tip=f"tip-{kind}-{layer.count_params()}", caption=caption, summary=summary, **data
        )
    )


def unrolled(model: keras.Model, last: int = 3) -> HTML:
    """Draw a stack of recurrent cells that a model calls step by step: what goes on in time, and what climbs.

    A cell's own states go to its next step. A memory that the cells share goes up with the features of a step, and
    from the top one to the bottom one of the next step. Each line is a connection of the built model.

    Args:
        model: Calls its cells one by one for one forecast, as `nextframe.models.predrnn` does.
        last: How many of its steps to draw, the last ones.

    Raises:
        ValueError: A model without such cells.
    """
    graph, _ = read_graph(model)
    found = {key: call for key, call in graph.items() if hasattr(call.operation, "state_size")}
    layers, steps = list(dict.fromkeys(name for name, _ in found)), sorted({step for _, step in found})[-last:]
    if not layers:
        raise ValueError(f"{model.name} calls no recurrent cell step by step: draw it with drawing.network")
    height, width = 90 * len(layers) + 120, 170 * len(steps) + 40
    places = {
        (name, step): (170 * column + 110, height - 120 - 90 * row)
        for row, name in enumerate(layers)
        for column, step in enumerate(steps)
    }
    wires = []
    for key, (x, y) in places.items():
        inputs = found[key].inputs
        for source in dict.fromkeys(each for each in inputs if each in places):
            from_x, from_y = places[source]
            if source[0] == key[0]:
                wires.append(("state", f"M{from_x + 38} {from_y}H{x - 39}"))
            elif source[1] == key[1]:
                climbing = [("", x - 16), ("memory", x + 16)][: inputs.count(source)]
                wires += [(kind, f"M{at} {from_y - 17}V{y + 18}") for kind, at in climbing]
            else:  # from the top of a step to the bottom of the next one
                over, under = from_y - 34, y + 34
                way = f"M{from_x + 16} {from_y - 17}V{over}H{from_x + 85}V{under}H{x + 16}V{y + 18}"
                wires.append(("memory", way))
    frames = []
    for column, step in enumerate(steps):
        x, age = 170 * column + 110, steps[-1] - step
        frames.append((x - 16, height - 40, f"frame t − {age}" if age else "frame t"))
        wires.append(("", f"M{x - 16} {height - 51}V{height - 102}"))
    top = places[layers[-1], steps[-1]]
    frames.append((top[0] - 16, top[1] - 60, "forecast"))
    wires.append(("", f"M{top[0] - 16} {top[1] - 17}V{top[1] - 48}"))
    summary = (
        f"{len(layers)} layers of cells over {len(steps)} steps. Each layer's own states go to its next step. One "
        "memory climbs through the layers of a step, and goes from the top layer to the bottom one of the next step."
    )
    caption = (
        f"The last {len(steps)} of {len({step for _, step in found})} steps. Grey: features. Blue: a layer's own "
        "states. Orange: the memory that all layers share."
    )
    cells = [(*place, f"layer {layers.index(name) + 1}") for (name, _), place in places.items()]
    tip = f"tip-unrolled-{len(layers)}-{len(steps)}"
    page = {"width": width, "height": height, "wires": wires, "cells": cells, "frames": frames, "tip": tip}
    return HTML(pages.render("unrolled.html", **page, summary=summary, caption=caption))


def _shape(shape: tuple[int, ...], between: str = " × ") -> str:
    return between.join(f"{size:,}" for size in shape)


def _picture(frame: np.ndarray) -> str:
    return pages.data_url(pages.to_png(to_bytes(as_planes(frame[None]))[0]), "image/png")


def _these(found: list[Stage], numbers: tuple[int, ...]) -> str:
    return " and ".join(f"step {number + 1} ({found[number].name})" for number in sorted(numbers))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "< 1%"


def _lanes(found: list[Stage]) -> dict[tuple[int, int], int]:
    """Give each connection that passes other stages a lane of its own beside them: (from, to) → lane, from 1."""
    skips = sorted(
        ((start, end) for end, stage in enumerate(found) for start in stage.inputs if end - start > 1),
        key=lambda skip: (skip[1] - skip[0], skip),
    )
    lanes: dict[tuple[int, int], int] = {}
    for start, end in skips:
        taken = {lane for (other, last), lane in lanes.items() if other < end and start < last and other != start}
        lanes[start, end] = min(set(range(1, len(skips) + 1)) - taken)
    return lanes


def _lines(found: list[Stage], number: int, lanes: dict[tuple[int, int], int], spine: float) -> list[str]:
    """The lines beside one stage, as paths in a box of 100 in height."""
    lines = []
    if number - 1 in found[number].inputs:
        lines.append(f"M{spine} -1V50")
    if number + 1 < len(found) and number in found[number + 1].inputs:
        lines.append(f"M{spine} 50V101")
    for (start, end), lane in lanes.items():
        x = spine - lane * _LANE
        if start == number:
            lines.append(f"M{spine} 50C{x} 50 {x} 70 {x} 101")
        elif end == number:
            lines.append(f"M{x} -1C{x} 30 {x} 50 {spine} 50")
        elif start < number < end:
            lines.append(f"M{x} -1V101")
    return lines
