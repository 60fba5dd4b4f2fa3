"""A stack of recurrent cells, step by step."""

import keras
from IPython.display import HTML

from nextframe._utils import pages
from nextframe.diagnostics._graph import read_graph

_WIDE, _HIGH = 110, 90  # from one step to the next, and from one layer to the next
_LEFT, _UNDER = 52, 120  # of the first step, and below the lowest layer
_FEATURES, _MEMORY = -14, 14  # where they leave and enter a cell


def unrolled(model: keras.Model, last: int = 3) -> HTML:
    """Draw a stack of recurrent cells that a model calls step by step: what goes on in time, and what climbs.

    A cell's own states go to its next step. A memory that the cells share goes up with the features of a step, and
    from the top one to the bottom one of the next step. Each line is a connection of the built model.

    Args:
        model: Calls its cells one by one for one forecast, as `nextframe.models.predrnn` does.
        last: How many of its steps to draw, the last ones; more than three scroll on a phone.

    Raises:
        ValueError: A model without such cells.
    """
    graph, _ = read_graph(model)
    found = {key: call for key, call in graph.items() if hasattr(call.operation, "state_size")}
    layers, steps = list(dict.fromkeys(name for name, _ in found)), sorted({step for _, step in found})[-last:]
    if not layers:
        raise ValueError(f"{model.name} calls no recurrent cell step by step: draw it with drawing.network")
    width, height = _WIDE * (len(steps) - 1) + 2 * _LEFT, _HIGH * len(layers) + _UNDER
    places = {
        (name, step): (_WIDE * column + _LEFT, height - _UNDER - _HIGH * row)
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
                climbing = [("", x + _FEATURES), ("memory", x + _MEMORY)][: inputs.count(source)]
                wires += [(kind, f"M{at} {from_y - 17}V{y + 18}") for kind, at in climbing]
            else:  # from the top of a step to the bottom of the next one
                over, under = from_y - 34, y + 34
                way = f"V{over}H{from_x + _WIDE / 2:g}V{under}H{x + _MEMORY}V{y + 18}"
                wires.append(("memory", f"M{from_x + _MEMORY} {from_y - 17}{way}"))
    frames = []
    for column, step in enumerate(steps):
        x, age = _WIDE * column + _LEFT + _FEATURES, steps[-1] - step
        frames.append((x, height - 40, f"frame t − {age}" if age else "frame t"))
        wires.append(("", f"M{x} {height - 51}V{height - _UNDER + 18}"))
    x, y = places[layers[-1], steps[-1]]
    frames.append((x + _FEATURES, y - 60, "forecast"))
    wires.append(("", f"M{x + _FEATURES} {y - 17}V{y - 48}"))
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
