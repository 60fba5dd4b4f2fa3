"""What a run of reshapes and transpositions does, in words, told by following each axis and not by its length."""

import math
from collections.abc import Sequence
from typing import TypeAlias

from nextframe.diagnostics._graph import Call

RESHAPES = ("Reshape", "Permute", "Flatten", "Transpose")
# What an axis is made of: pieces of axes that were there before, each as (which one, how long), from outside in
Axis: TypeAlias = list[tuple[int, int]]


def describe_reshaping(before: tuple[int, ...], calls: Sequence[Call]) -> str:
    """Name a change of shape; "" for one that is none of the book's.

    Args:
        before: Shape of what the first call reads, without the batch axis.
        calls: Of the kinds in `RESHAPES`, each of which reads the one before it.
    """
    after, axes = calls[-1].shape, _follow(before, calls)
    parts = [{number for number, _ in axis} for axis in axes]
    last = len(before) - 1
    match len(before), len(after):
        case _ if not axes:
            return ""
        case (3 | 4, 1):
            return "everything → a vector"
        case (4, 2) if 0 not in parts[1]:
            return "each frame → a vector" if before[-1] == 1 else "each step → a vector"
        case (1, 3) if after[-1] == 1:
            return "vector → frame"
        case (4, 3) if parts[1:] == [{1, 2}, {3}]:
            return "rows and columns → tokens"
        case (3, 4) if parts[1:] == [{1}, {1}, {2}]:
            return "tokens → rows and columns"
        case (3 | 4, 3 | 4):
            if _length(axes[0], 0) > 1 and _length(axes[-1], 0) > 1 and len(before) == len(after) == 4:
                return f"{_length(axes[-1], 0)} frames → one step"
            return _into_channels(before, axes) or _squares(
                [_length(axis, last) for axis in axes[-3:-1]], "channels → "
            )
    return ""


def _into_channels(before: tuple[int, ...], axes: list[Axis]) -> str:
    """Say what became a part of the channels: squares of pixels, or a whole axis of frames."""
    *outside, inside = [{number for number, _ in axis} for axis in axes]
    sides = [math.prod(_length(axes[-1], number) for number in numbers) for numbers in outside[-2:]]
    whole = 0 in inside and not any(0 in numbers for numbers in outside) and (len(before) == 4 or inside == {0})
    frames = "frames" if len(before) == 3 or before[-1] == 1 else "time"
    joined = " and ".join(word for word in (_squares(sides), frames if whole else "") if word)
    return f"{joined} → channels" if joined else ""


def _squares(sides: list[int], lead: str = "") -> str:
    return f"{lead}{sides[0]}×{sides[1]} pixels" if min(sides) > 1 else ""


def _length(axis: Axis, number: int) -> int:
    """How long a piece of the axis `number` of before is in an axis."""
    return math.prod(length for which, length in axis if which == number)


def _follow(before: tuple[int, ...], calls: Sequence[Call]) -> list[Axis]:
    """Return what each axis is made of in the end; nothing where that cannot be said."""
    axes = _cut([(number, length) for number, length in enumerate(before)], before)
    for call in calls:
        if call.kind == "Permute":
            axes = [axes[axis - 1] for axis in call.operation.dims]
        elif call.kind == "Transpose":
            axes = [axes[axis - 1] for axis in call.operation.axes or () if axis]
        else:
            axes = _cut([piece for axis in axes for piece in axis], call.shape)
        if not axes:
            break
    return axes


def _cut(pieces: Axis, shape: Sequence[int]) -> list[Axis]:
    """Share pieces out to axes of these lengths; pieces of length 1 are left out."""
    waiting = [piece for piece in reversed(pieces) if piece[1] > 1]
    axes: list[Axis] = []
    for length in shape:
        axes.append([])
        while length > 1:
            number, available = waiting.pop()
            taken = math.gcd(length, available)
            if taken not in (length, available):
                return []
            axes[-1].append((number, taken))
            length //= taken
            if taken < available:
                waiting.append((number, available // taken))
    return axes
