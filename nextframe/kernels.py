"""The kernels by which a network moves pixels: the motion that each one stands for, and a picture of both."""

from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextframe._utils.pixels import ERROR_MAP, as_planes, to_bytes
from nextframe.diagnostics._graph import read_graph
from nextframe.objectives import own_loss
from nextframe.plotting import DPI

_SIDE, _TEXT, _GAP = 384, 34, 16  # pixels of a panel, and of what is above and between panels
_LIT = 0.1  # brightness from which a patch has something that can move


def predicted_kernels(model: keras.Model, context: np.ndarray) -> np.ndarray:
    """Return the kernels by which a `nextframe.models.forecaster` moves the last frame of one context.

    Args:
        model: The network, with a maximal displacement of 1 or more.
        context: `(1, N, height, width, 1)`, floats 0..1.

    Returns:
        `(rows, columns, side, side)`, a kernel for each patch. The entry at `[row, column]` is the weight of the pixel
        that lies so far down and right from the kernel's middle: what is left of the middle moves to the right.

    Raises:
        ValueError: The model predicts no kernels.
    """
    graph, _ = read_graph(model)
    key = ("kernels", 0)  # the layer in `forecaster.predict_kernels`; where they are applied, they are reshaped first
    if key not in graph or own_loss(model):  # several futures have several kernels for a patch
        raise ValueError(f"{model.name} predicts no kernels: expected a forecaster that moves pixels")
    following = {source: reader for reader, call in graph.items() for source in call.inputs}
    while graph[following[key]].kind != "Reshape":
        key = following[key]
    kernels = keras.Model(model.input, graph[key].operation.output).predict(context, verbose=0)[0]
    side = round(kernels.shape[-1] ** 0.5)
    return kernels.reshape(*kernels.shape[:2], side, side)


def motions(kernels: np.ndarray) -> np.ndarray:
    """Return the motion that each kernel stands for: the mean of its shifts, weighted by its weights.

    A smooth picture moves by just that, whatever signs the weights have. It says nothing where they add up to about 0.

    Args:
        kernels: `(…, side, side)`.

    Returns:
        `(…, 2)`: pixels down and to the right.
    """
    comes_from = np.arange(kernels.shape[-1]) - kernels.shape[-1] // 2
    down, right = (kernels.sum(axis=axis) @ comes_from / kernels.sum(axis=(-2, -1)) for axis in (-1, -2))
    return -np.stack([down, right], axis=-1)


def lit(frame: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Return which patches of a frame are bright enough to show what moves, bool `(rows, columns)`.

    Args:
        frame: `(height, width, 1)`, floats 0..1.
        kernels: A kernel for each of its patches, as `predicted_kernels` returns them.
    """
    rows, columns = kernels.shape[:2]
    patch = frame.shape[0] // rows
    return frame[..., 0].reshape(rows, patch, columns, patch).mean(axis=(1, 3)) > _LIT


def show(frame: np.ndarray, kernels: np.ndarray, which: tuple[int, int], title: str = "") -> Figure:
    """Draw a frame with an arrow for each lit patch, as long as its motion, and beside it one kernel.

    Args:
        frame: `(height, width, 1)`, floats 0..1: the last frame of the context.
        kernels: Of the network for that context, as `predicted_kernels` returns them.
        which: Row and column of the patch whose kernel is shown; it has a frame in the picture.
        title: The finding that the figure shows.
    """
    width, height = 2 * _SIDE + _GAP, _SIDE + 2 * _TEXT
    figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    panels = [figure.add_axes(((_SIDE + _GAP) * number / width, 0, _SIDE / width, _SIDE / height)) for number in (0, 1)]
    plane = as_planes(frame[None])[0]
    patch = plane.shape[0] // kernels.shape[0]
    panels[0].imshow(to_bytes(plane), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    rows, columns = np.nonzero(lit(frame, kernels))
    down, right = motions(kernels[rows, columns]).T
    middle = (patch - 1) / 2  # of a patch's pixels, from its first
    options: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.008, "color": "#e69f00"}
    panels[0].quiver(columns * patch + middle, rows * patch + middle, right, down, **options)
    corner = (which[1] * patch - 0.5, which[0] * patch - 0.5)
    panels[0].add_patch(Rectangle(corner, patch, patch, fill=False, edgecolor="#56b4e9", linewidth=2))
    kernel = kernels[which]
    largest, reach = np.abs(kernel).max(), kernel.shape[-1] // 2
    extent = (-reach - 0.5, reach + 0.5, reach + 0.5, -reach - 0.5)
    panels[1].imshow(kernel, cmap=ERROR_MAP, vmin=-largest, vmax=largest, interpolation="nearest", extent=extent)
    panels[1].plot(0, 0, "+", color="black", markersize=10)
    for panel, label in zip(panels, ("frame t, and where it goes", f"one kernel, ±{largest:.2f}"), strict=True):
        panel.set_axis_off()
        panel.set_title(label, fontsize=10, pad=4)
    figure.suptitle(title, x=0, y=1, ha="left", va="top", fontsize=11)
    return figure
