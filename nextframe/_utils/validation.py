"""Checks that more than one module makes of its arguments."""

import operator
from collections.abc import Iterable


def one_of(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise a ValueError that names the choices unless `value` is one of them."""
    if value not in choices:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(str, choices))}")


def whole_number(name: str, value: int, least: int = 1) -> int:
    """Return `value` as an int; raise a ValueError that names it unless it is a whole number, at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name}={value!r}: expected a whole number, at least {least}")
    return number
