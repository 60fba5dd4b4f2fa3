"""Checks of arguments that several modules share, and the wording of their errors."""

import operator
from collections.abc import Hashable, Iterable

import numpy as np

LONGEST = 200  # characters of a value that a message quotes


def shown(value: object) -> str:
    """A value as a message quotes it: an array by its shape, a long value cut short."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"<array of shape {shape}>"
    if isinstance(value, list | tuple) and any(getattr(each, "shape", ()) for each in value):
        return f"<{type(value).__name__} of {len(value)}, the first {shown(value[0])}>"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def one_of(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise a ValueError that names the choices unless `value` is one of them."""
    if not isinstance(value, Hashable) or value not in choices:
        raise ValueError(f"{name}={shown(value)}: expected one of {', '.join(map(str, choices))}")


def whole_number(name: str, value: int, least: int = 1) -> int:
    """Return `value` as an int; raise a ValueError that names it unless it is a whole number, at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name}={shown(value)}: expected a whole number, at least {least}")
    return number


def range_cure(name: str, frames: np.ndarray, rescale: str) -> str:
    """How to bring floats into 0..1.

    Args:
        name: Of the array, as code that the reader can copy.
        frames: Its values.
        rescale: The cure where neither stray values nor bytes explain them.
    """
    low, high, from_bytes = float(frames.min()), float(frames.max()), bool((frames % 1 == 0).all())
    if low >= -0.15 and high <= 1.15:  # strayed a little, as resampling does
        return f"limit them with nextframe.metrics.clip_to_unit({name})"
    if low >= 0 and (64 if from_bytes else 200) <= high <= 255:
        return f"divide by 255, as in {name} / 255"
    if low > -8 and 200 <= high < 264:
        return f"divide by 255 and limit the rest: nextframe.metrics.clip_to_unit({name} / 255)"
    return rescale
