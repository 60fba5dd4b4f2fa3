"""Data drawn by its shape: frames and feature maps as slabs, time as a row of them, vectors as bars."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

SIDE = 50  # height of the longest side of a frame
_WIDTH = 132  # of a whole glyph, at most
_LEAST = 5  # height of a slab or a bar, at least
_BAR = 6  # width of a bar
_LEAN = 0.62, 0.3  # how far to the right and up a frame's width reaches, for each pixel of it


class Glyph(NamedTuple):
    """What a template draws: its size, and its parts from back to front."""

    width: float
    height: float
    parts: list[dict[str, Any]]


def glyph(shape: Sequence[int], longest: float, pictures: Sequence[str] = ()) -> Glyph:
    """Draw data of a shape, to a scale that a whole drawing shares.

    Slabs are as thick as the square root of their channels says, and bars as long as the square root of their values:
    a frame that becomes a vector keeps its size.

    Args:
        shape: `(values,)`, `(time, values)`, `(rows, columns, channels)` or `(time, rows, columns, channels)`; `()` for
            one number.
        longest: The longest side of a frame in the drawing.
        pictures: An address of a picture for each frame, or none.
    """
    scale = SIDE / longest
    if len(shape) < 3:
        return _bars(shape[0] if len(shape) == 2 else 1, shape[-1] if shape else 1, scale)
    rows, columns, channels = shape[-3:]
    steps = shape[0] if len(shape) == 4 else 1
    high = max(_LEAST, rows * scale)
    right, up = (lean * max(_LEAST, columns * scale) for lean in _LEAN)
    thick = min(1 + 2.2 * math.sqrt(channels - 1), _WIDTH - right)
    stride = 0.0
    if steps > 1:
        stride = min(thick + max(4.0, 0.35 * right), (_WIDTH - right - min(thick, 5)) / (steps - 1))
        thick = min(thick, max(1.0, 0.6 * stride))
    parts = [
        {
            "x": round(step * stride, 1),
            "picture": pictures[step] if step < len(pictures) else "",
            "right": round(right, 1),
            "up": round(up, 1),
            "high": round(high, 1),
            "thick": round(thick, 1),
        }
        for step in range(steps)
    ]
    return Glyph(round((steps - 1) * stride + thick + right, 1), round(high + up, 1), parts)


def shape_words(shape: Sequence[int], between: str = " × ") -> str:
    """Write a shape as a drawing does: "1,024" or "16 × 16 × 4"."""
    return between.join(f"{size:,}" for size in shape)


def _bars(steps: int, values: int, scale: float) -> Glyph:
    """Vectors: bars of cells, shaded as if each held a number."""
    cells = max(1, round(min(1.25 * SIDE, math.sqrt(values) * scale) / _BAR))
    stride = min(_BAR + 5, (_WIDTH - _BAR) / max(1, steps - 1))
    shades: list[list[str]] = [[], [], [], []]
    for step in range(steps):
        for cell in range(cells):
            square = f"M{step * stride:.4g} {cell * _BAR}h{_BAR}v{_BAR}h-{_BAR}z"
            shades[(cell * 7 + step * 5 + cell * cell) % len(shades)].append(square)
    parts = [{"shade": shade, "path": "".join(squares)} for shade, squares in enumerate(shades) if squares]
    return Glyph(round((steps - 1) * stride + _BAR, 1), cells * _BAR, parts)
