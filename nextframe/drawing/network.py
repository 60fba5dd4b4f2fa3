"""A whole model, as stages from top to bottom."""

import keras
import numpy as np
from IPython.display import HTML

from nextframe._utils import pages
from nextframe._utils.glyphs import glyph, shape_words
from nextframe._utils.pixels import as_planes, to_bytes
from nextframe.diagnostics.stages import Stage, stages
from nextframe.forecasting import predict_next

_AXES = {4: "time × rows × columns × channels", 3: "rows × columns × channels"}
_LANE = 11  # pixels between lines that run side by side


def network(model: keras.Model, context: np.ndarray | None = None) -> HTML:
    """Draw a model as stages from top to bottom, each with its data's shape, its parameters and its share of the work.

    Frames and feature maps are slabs, as thick as they have channels; time is a row of them; vectors are bars. A filled
    dot is a stage that learns. Lines that pass dots are skip connections. Stages that are alike are drawn once, with
    their number.

    Args:
        model: Maps a context to a target, or a context and more to one output or several, which are drawn with their
            names; functional or Sequential.
        context: `(1, N, height, width, 1)`, floats 0..1: frames to show in place of empty ones, with the model's
            forecasts of them.

    Returns:
        The drawing; as the last line of a cell it appears under it.

    Raises:
        ValueError: Another kind of model; see `nextframe.diagnostics.stages`.
    """
    found = stages(model)
    total = sum(stage.flops for stage in found)
    pictures = {} if context is None else _pictures(found, model, context)
    longest = max(found[0].shape[-3:-1], default=1)
    lanes = _lanes(found)
    spine = (max(lanes.values(), default=0)) * _LANE + _LANE / 2
    rows = [
        {
            "name": stage.name,
            "detail": stage.detail or _AXES.get(len(stage.shape) * (number == 0), ""),
            "times": stage.repeats if stage.repeats > 1 else "",
            "shape": shape_words(stage.shape) or "one number",
            "role": _role(found, number),
            "parameters": f"{stage.parameters:,}" if stage.parameters else "",
            "percent": round(100 * stage.flops / max(total, 1), 1),
            "share": _percent(stage.flops / max(total, 1)),
            "glyph": glyph(stage.shape, longest, pictures.get(number, ())),
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


def _role(found: list[Stage], number: int) -> str:
    """Say which output a stage gives, if it is one."""
    if found[number].output:
        return f"the output “{found[number].output}”"
    return "the forecast" if number == len(found) - 1 and len(found[number].shape) > 2 else ""


def _pictures(found: list[Stage], model: keras.Model, context: np.ndarray) -> dict[int, list[str]]:
    """The frames of a context, and those that a model makes of it, by their stages."""
    named = {stage.output: number for number, stage in enumerate(found) if stage.output}
    if not named:
        return {0: _frames(context[0]), len(found) - 1: _frames(predict_next(model, context))}
    made = model.predict_on_batch(context)
    if not isinstance(made, dict):
        made = {str(number): each for number, each in enumerate(made, 1)}
    frames = {number: made[name][0] for name, number in named.items() if name in made and found[number].shape[2:]}
    return {0: _frames(context[0])} | {
        number: _frames(each if each.ndim == 4 else each[None]) for number, each in frames.items()
    }


def _frames(frames: np.ndarray) -> list[str]:
    return [pages.data_url(pages.to_png(frame), "image/png") for frame in to_bytes(as_planes(frames))]


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
