"""Figures and players: one look for every chapter.

Frames are drawn at a whole-number zoom, without smoothing, black to white. Errors share one diverging scale across a
figure. A model has the same colour in every chapter (Okabe and Ito's palette, safe for colour-blind readers).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nextframe._utils import ffmpeg, frame_grid, pages
from nextframe._utils.frame_grid import DPI, GAP
from nextframe._utils.pixels import as_planes, to_bytes

COLOURS = {
    "copy_last": "#000000",
    "context_mean": "#999999",
    "linear_extrapolation": "#56b4e9",
    "black": "#666666",
    "optical_flow": "#e69f00",
    "dense_lstm": "#cc79a7",
    "frames_as_channels": "#0072b2",
    "conv3d": "#009e73",
    "conv_lstm": "#d55e00",
    "conv_then_lstm": "#44aa99",
    "time_distributed": "#aa3377",
    "stacked_hybrid": "#4b0092",
    "grid_hybrid": "#117733",
    "forecaster": "#cc3311",
    "simvp": "#0f8b8d",
    "predrnn": "#7f4f24",
    "predformer": "#8a63d2",
    "many_futures": "#d4005a",
    "flow_matching": "#5b8c00",
}
# What chapters call a model in prose
_SPOKEN = {
    "LSTM": "dense_lstm",
    "Conv2D": "frames_as_channels",
    "mean_cnn": "frames_as_channels",
    "Conv3D": "conv3d",
    "ConvLSTM": "conv_lstm",
    "Conv2D + LSTM": "conv_then_lstm",
}
OTHERS = ("#b8860b", "#882255", "#88ccee", "#332288", "#ee8866")  # for all other series, in turn
_ABREAST = 3  # forecasts, at most, side by side
_NAMES = 9  # points of the letters of names, in legends and at points
_MARKED = 60  # values of a series, at most, that are marked one by one
_LEGEND_INSIDE = 4  # series, at most, whose names fit between the lines
_PLAYER_WIDTH = 672  # pixels on the page: four clips of 32×32 pixels take 160 each


def show_frames(frames: np.ndarray, labels: Sequence[str], title: str = "") -> Figure:
    """Draw frames in rows, as many side by side as are large enough to be looked at on a phone too.

    Args:
        frames: `(count, height, width)` or `(count, height, width, 1)`; uint8 0..255 or floats 0..1.
        labels: Text above each frame.
        title: The finding that the figure shows.
    """
    cells = list(zip(as_planes(frames), labels, strict=True))
    return frame_grid.draw(frame_grid.broken_into_rows(cells), title)


def show_forecasts(
    context: np.ndarray, truth: np.ndarray, forecasts: Mapping[str, np.ndarray], title: str = ""
) -> Figure:
    """Draw one window: the end of its context and the truth, below them the forecasts, each above its error.

    Three frames stand side by side, and further forecasts below: large enough to be looked at on a phone too.

    Args:
        context: `(N, height, width, 1)`, floats 0..1.
        truth: `(height, width, 1)`.
        forecasts: Name → `(height, width, 1)`, shown clipped to 0..1.
        title: The finding that the figure shows.

    Errors are forecast − truth on one scale, from the largest error below 0 (blue) to the same above 0 (red).
    """
    seen = as_planes(context)[1 - _ABREAST :]
    truth = as_planes(truth[None])[0]
    names = [name.replace("_", " ") for name in forecasts]
    planes = [np.clip(forecast[..., 0], 0, 1) for forecast in forecasts.values()]
    errors = [plane - truth for plane in planes]
    largest = max(np.abs(error).max() for error in errors)
    ages = [f"t − {age}" if age else "t" for age in range(len(seen) - 1, -1, -1)]
    rows = [[*zip(seen, ages, strict=True), (truth, "truth, t + 1")]]
    for start in range(0, len(planes), _ABREAST):
        some = slice(start, start + _ABREAST)
        rows.append(list(zip(planes[some], names[some], strict=True)))
        rows.append([(error, f"error, ±{largest:.2f}") for error in errors[some]])
    return frame_grid.draw(rows, title, range(2, len(rows), 2), largest)


def curves(
    x: Sequence[float] | Mapping[str, Sequence[float]],
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    on: Figure | None = None,
    **axes: Any,
) -> Figure:
    """Draw one line for each series, coloured by model where the name is one.

    Args:
        x: Values on the horizontal axis: the same for all series, or name → values.
        series: Name → values.
        xlabel, ylabel: Names of the axes, with units.
        title: The finding that the figure shows.
        on: An empty figure to draw on: one of `matplotlib.figure` in a thread, where pyplot must not be used.
        **axes: Passed to `Axes.set`, such as `yscale="log"`.
    """
    figure, axis = _figure() if on is None else (on, on.subplots())
    for index, (name, values) in enumerate(series.items()):
        axis.plot(
            x[name] if isinstance(x, Mapping) else x,
            values,
            "-" if index < len(OTHERS) else "--",  # a colour that comes again has another line
            marker="o" if 2 < len(values) <= _MARKED else None,  # two values are the ends of a line of reference
            markersize=3,
            color=_colour(name, index),
            label=name.replace("_", " "),
        )
    _label(axis, xlabel, ylabel, title, axes)
    names: dict[str, Any] = {"frameon": False, "fontsize": _NAMES}
    names["handles"] = sorted(axis.lines, key=_end, reverse=True)  # from the top to the bottom, as the lines end
    if len(series) > _LEGEND_INSIDE:  # a legend inside would cover the lines
        axis.legend(**names, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
    elif len(series) > 1:
        axis.legend(**names)
    return figure


def points(
    positions: Mapping[str, tuple[float, float]], xlabel: str, ylabel: str, title: str = "", **axes: Any
) -> Figure:
    """Draw one named point for each entry, in the model's colour where the name is one.

    Args:
        positions: Name → (x, y).
        xlabel, ylabel, title, axes: As in `curves`.
    """
    figure, axis = _figure()
    for index, (name, position) in enumerate(positions.items()):
        axis.plot(*position, "o", color=_colour(name, index))
    _label(axis, xlabel, ylabel, title, axes)
    # Extents of the names, in pixels: a name that would overlap another goes below its point
    named: list[tuple[float, float]] = []
    for index, (name, position) in enumerate(positions.items()):
        x, y = axis.transData.transform(position)
        meets = any(abs(x - other_x) < 250 and abs(y - other_y) < 22 for other_x, other_y in named)
        named.append((x, y))
        text, below = name.replace("_", " "), (6, -11 if meets else 4)
        axis.annotate(text, position, below, textcoords="offset points", fontsize=_NAMES, color=_colour(name, index))
    return figure


def player(clips: Mapping[str, np.ndarray], fps: float = 10, zoom: int | None = None, describe: str = "") -> HTML:
    """Play clips of one size and length side by side, on a page, in Jupyter and on Colab, with nothing to load.

    Args:
        clips: Label → `(time, height, width)` or `(time, height, width, 1)`; uint8, or floats (clipped to 0..1).
        fps: Frames per second.
        zoom: Screen pixels for each pixel. Default: the largest that fits the page.
        describe: Text alternative, for readers who cannot see the video.

    Returns:
        A video inside the page, with controls below it to stop it and to step through it.
    """
    shapes = {name: np.shape(clip)[:3] for name, clip in clips.items()}
    if len(set(shapes.values())) != 1:
        raise ValueError(f"clips differ in shape, {shapes}: pass clips of one length and size")
    planes = [to_bytes(as_planes(clip)) for clip in clips.values()]
    time, height, width = planes[0].shape
    zoom = zoom or max(1, ((_PLAYER_WIDTH + GAP) // len(planes) - GAP) // width)
    # The video is as small as the clips are; the page enlarges it.
    gap = np.full((time, height, max(1, round(GAP / zoom))), 255, np.uint8)
    joined = np.concatenate([part for plane in planes for part in (plane, gap)][:-1], axis=2)
    joined = np.pad(joined, [(0, 0), (0, height % 2), (0, joined.shape[2] % 2)], mode="edge")  # players want even sides
    sizes = {"width": joined.shape[2] * zoom, "height": joined.shape[1] * zoom, "pixelated": True}
    about = {"fps": f"{fps:g}", "frames": time, "above": list(clips), "describe": describe or ", ".join(clips)}
    video = pages.data_url(ffmpeg.encode(joined, fps), "video/mp4")
    return HTML(pages.render_with_script("player", video=video, **about, **sizes))


def table(
    rows: Mapping[str, Mapping[str, float | str]], corner: str = "", digits: int | Mapping[str, int] = 3
) -> Markdown:
    """Set numbers in a table.

    Args:
        rows: Name of a row → name of a column → number, or text that is set as it is.
        corner: Head of the first column, which names the rows.
        digits: Decimals of a number: the same for all, or for each column by its name.

    Raises:
        ValueError: A row has other columns than the first one.
    """
    columns = list(next(iter(rows.values())))
    decimals = digits if isinstance(digits, Mapping) else dict.fromkeys(columns, digits)
    lines = [f"| {corner} | {' | '.join(columns)} |", "|---" + "|---:" * len(columns) + "|"]
    for name, row in rows.items():
        if set(row) != set(columns):
            raise ValueError(f"row {name!r} has columns {list(row)}, the first one {columns}: give all rows the same")
        values = {column: row[column] for column in columns}
        cells = [v if isinstance(v, str) else f"{v:.{decimals[column]}f}" for column, v in values.items()]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return Markdown("\n".join(lines))


def _colour(name: str, index: int) -> str:
    """The model's own, where the name is one."""
    return COLOURS.get(_SPOKEN.get(name, name), OTHERS[index % len(OTHERS)])


def _end(line: Line2D) -> float:
    """Where a line ends, in heights of a letter: lines that end together keep their order. Lowest of all if nowhere."""
    x, y = (np.asarray(values, float) for values in line.get_data())
    if not len(y) or not np.isfinite(y[-1]):
        return -np.inf
    return round(line.get_transform().transform((x[-1], y[-1]))[1] / 18)


def _figure() -> tuple[Figure, Axes]:
    """A figure with one pair of axes, small enough for its letters to be read on a phone."""
    return plt.subplots(figsize=(5.6, 3.5), dpi=DPI, facecolor="white", layout="constrained")


def _label(axis: Axes, xlabel: str, ylabel: str, title: str, axes: Mapping[str, Any]) -> None:
    """Label the axes, set the title, and remove superfluous spines; after plotting, so that ticks widen the view."""
    axis.set(xlabel=xlabel, ylabel=ylabel, **axes)
    for which, scale in {"xticks": axis.xaxis, "yticks": axis.yaxis}.items():
        if which in axes:  # then these, and on a logarithmic axis no labels between them
            scale.set_minor_formatter("")
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
