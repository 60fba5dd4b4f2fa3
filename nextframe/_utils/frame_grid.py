"""Frames in rows, at a whole-number zoom, each below its label."""

import math
from collections.abc import Container

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextframe._utils.pixels import ERROR_MAP, to_bytes

DPI = 144
WIDTH, HEIGHT = 720, 1150  # pixels of a figure, at most: a phone shows half of that, and letters of ten pixels
GAP, _LABEL = 8, 26  # pixels between frames, and for the text above one
_EDGE = 1  # pixel around a frame: a thin line, since a frame may be white at its edge, like the page
_LARGEST_ZOOM = 6
_FRAME = 200  # pixels of a frame's width, about, where several stand in a row


def broken_into_rows(cells: list) -> list[list]:
    """Break a row of (plane, label) cells into rows of about equal length, with frames about as wide as `_FRAME`."""
    width = cells[0][0].shape[1]
    zoom = max(1, min(_LARGEST_ZOOM, _FRAME // width))
    most = max(1, (WIDTH + GAP) // (width * zoom + GAP))
    abreast = math.ceil(len(cells) / math.ceil(len(cells) / most))
    return [cells[start : start + abreast] for start in range(0, len(cells), abreast)]


def draw(rows: list[list], title: str, error_rows: Container[int] = (), largest_error: float = 1.0) -> Figure:
    """Draw rows of (plane, label) cells, pixel by pixel, from the left."""
    height, width = rows[0][0][0].shape
    columns = max(len(cells) for cells in rows)
    fits = ((WIDTH + GAP) // columns - GAP) // width, ((HEIGHT - _LABEL) // len(rows) - _LABEL) // height
    zoom = max(1, min(_LARGEST_ZOOM, *fits))
    cell_height, cell_width = height * zoom + _LABEL, width * zoom + GAP
    total_height, total_width = cell_height * len(rows) + _LABEL + _EDGE, cell_width * columns - GAP + 2 * _EDGE
    figure = plt.figure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI, facecolor="white")
    whole, edge = np.array([total_width, total_height] * 2), _EDGE * np.array([-1, -1, 2, 2])
    longest = max(len(label) for cells in rows for _, label in cells)
    size = min(9, max(6, 0.8 * cell_width / max(1, longest)))  # of the letters, in points: as large as there is room
    for row, cells in enumerate(rows):
        for column, (plane, label) in enumerate(cells):
            bottom = (len(rows) - row - 1) * cell_height + _EDGE
            place = np.array([column * cell_width + _EDGE, bottom, width * zoom, height * zoom])
            x, y, *sides = (place + edge) / whole
            figure.add_artist(Rectangle((x, y), *sides, facecolor="#cccccc", linewidth=0, zorder=-1))
            axis = figure.add_axes(place / whole)
            is_error = row in error_rows
            low, high, colours = (-largest_error, largest_error, ERROR_MAP) if is_error else (0, 255, "gray")
            axis.imshow(plane if is_error else to_bytes(plane), colours, vmin=low, vmax=high, interpolation="nearest")
            axis.set_axis_off()
            axis.set_title(label, fontsize=size, pad=3)
    figure.suptitle(title, x=0, y=1, ha="left", va="top", fontsize=9)
    return figure
