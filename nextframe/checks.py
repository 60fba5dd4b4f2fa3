"""Checks that more than one module makes of its arguments."""

import operator


def whole_number(name: str, value: int, least: int = 1) -> int:
    """Return `value` as an int; raise a ValueError that names it unless it is a whole number, at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name}={value!r}: expected a whole number, at least {least}")
    return number
