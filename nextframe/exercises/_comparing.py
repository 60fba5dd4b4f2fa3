"""How an answer is compared with the right one, and how a message writes the two."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from nextframe._utils.validation import shown

MOST_SHOWN = 12  # values of an array that a message writes out


def difference(expected: Any, given: Any, within: float | Mapping[str, float], reveal: bool) -> str | None:
    """Say in words what is wrong with a value; None if nothing is.

    Args:
        expected: Number, word, bool, array, or a mapping or sequence of such.
        given: The same, by the reader.
        within: How far a number may be off; of a mapping, one for each key, or one for all.
        reveal: Whether the words may tell the expected value.
    """
    expected = plain(expected)
    given = like(expected, given)
    if isinstance(expected, Mapping):
        if not isinstance(given, Mapping) or set(given) != set(expected):
            return f"is {written(given)}; expected a dict with {', '.join(map(repr, expected))}"
        each = within if isinstance(within, Mapping) else dict.fromkeys(expected, within)
        found = {key: difference(expected[key], given[key], each[key], reveal) for key in expected}
        wrong = [f"{key} {words}" for key, words in found.items() if words]
        return "; ".join(wrong) or None
    assert not isinstance(within, Mapping)
    if isinstance(expected, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(expected):
            many = f"has {len(given)} parts" if isinstance(given, list | tuple) else "is one value"
            return f"{many}; expected {len(expected)}"
        pairs = enumerate(zip(expected, given, strict=True))
        wrong = [f"part {i} {words}" for i, pair in pairs if (words := difference(*pair, within, reveal))]
        return "; ".join(wrong) or None
    if isinstance(expected, np.ndarray):
        return _array_difference(expected, given, within)
    if isinstance(expected, str | bool) or not isinstance(given, int | float) or isinstance(given, bool):
        if type(expected) is type(given) and expected == given:
            return None
        return _both(expected, given) if reveal else "is not right"
    if abs(expected - given) <= within:
        return None
    if reveal:
        return _both(expected, given)
    if math.isnan(given):
        return "is not a number"
    which = "low" if given < expected else "high"
    allowed = f" ({within:g} more or less would do)" if within >= 1e-3 else ""
    return f"is too {which}{allowed}"


def written(value: Any, digits: int = 4) -> str:
    """A value as a message writes it, on one line: a large array by its shape."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        if value.size > MOST_SHOWN:
            return f"an array of shape {value.shape}"
        text = np.array2string(value.squeeze(), separator=", ", precision=digits, suppress_small=True)
        shape = f" of shape {value.shape}" if 1 in value.shape else ""
        return " ".join(text.split()).replace("[ ", "[") + shape
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, tuple) and any(isinstance(part, np.ndarray | float) for part in value):
        return f"({', '.join(written(part, digits) for part in value)})"
    return shown(value)


def sides(expected: Any, given: Any) -> tuple[str, str]:
    """Both values as a message writes them, with as many digits as tell them apart."""
    expected = plain(expected)
    given = like(expected, given)
    for digits in range(4, 18):
        texts = written(expected, digits), written(given, digits)
        if texts[0] != texts[1]:
            break
    return texts


def plain(value: Any) -> Any:
    """Tensors as arrays, an array's single number as Python's, a list of numbers as it is."""
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    one = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if one else value


def like(expected: Any, given: Any) -> Any:
    """What a reader gives in the form of what is expected: a list as an array, a stack of arrays as a tuple of them."""
    given = plain(given)
    if isinstance(expected, np.ndarray) and isinstance(given, list | tuple | range):
        try:
            return _array(given)
        except (TypeError, ValueError):  # its parts are of unequal lengths
            return given
    if isinstance(expected, list | tuple):
        stacked = isinstance(given, np.ndarray) and given.ndim == 1 + np.ndim(plain(expected[0]))
        if (stacked or isinstance(given, list | tuple)) and len(given) == len(expected):
            return tuple(like(*pair) for pair in zip(map(plain, expected), given, strict=True))
    return given


def is_small(value: Any) -> bool:
    """Whether a message can write a value out: a number, a word, few numbers, or a tuple of such."""
    value = plain(value)
    if isinstance(value, tuple):
        return all(map(is_small, value))
    if isinstance(value, np.ndarray):
        return value.size <= MOST_SHOWN and _holds_numbers(value)
    return not isinstance(value, Mapping | list)


def check_kind(expected: Any, given: Any, name: str = "answer") -> None:
    """Refuse an answer of another kind than the right one, which says nothing about what the reader knows.

    Raises:
        TypeError: It is of another kind.
    """
    expected, given = plain(expected), plain(given)
    kinds: list[tuple[Any, Any, str]] = [
        (bool, bool, "True or False"),
        (str, str, 'a word in quotes, as in "black"'),
        ((int, float), (int, float), "one number, without quotes"),
        (Mapping, Mapping, "a dict with the keys of the cell"),
        ((list, tuple), (list, tuple), "values in round brackets, as in (2, 3)"),
        (np.ndarray, np.ndarray, "an array, as np.array makes it"),
    ]
    for kind, accepted, words in kinds:
        if isinstance(expected, kind):
            if isinstance(given, accepted) and isinstance(given, bool) == isinstance(expected, bool):
                break
            raise TypeError(f"{name}={shown(given)}: expected {words}")
    if isinstance(expected, Mapping):
        if set(expected) != set(given):
            raise TypeError(f"{name}={shown(given)}: expected a dict with the keys {', '.join(map(repr, expected))}")
        for key in expected:
            check_kind(expected[key], given[key], f"{name}[{key!r}]")


def _array_difference(expected: np.ndarray, given: Any, within: float) -> str | None:
    if isinstance(given, list | tuple | range):
        parts = f"a {type(given).__name__} of {len(given)} parts that do not make an array"
        return f"is {parts}; expected one of shape {expected.shape}"
    if not isinstance(given, np.ndarray):
        return f"is {written(given)}; expected an array of shape {expected.shape}"
    if not _holds_numbers(given):
        return f"is an array of dtype {given.dtype}; expected ints or floats"
    if given.shape != expected.shape:
        return f"is an array of shape {given.shape}; expected {expected.shape}"
    apart = ~(np.abs(given.astype(float) - expected.astype(float)) <= within)
    if not apart.any():
        return None
    if expected.size <= MOST_SHOWN:
        return _both(expected, given)
    at = tuple(map(int, np.argwhere(apart)[0]))
    where = f"[{', '.join(map(str, at))}]"
    share = f"{apart.mean():.0%} of its values differ; the first, at {where}, "
    return f"is an array of the right shape, but {share}{_both(expected[at], given[at])}"


def _both(expected: Any, given: Any) -> str:
    right, wrong = sides(expected, given)
    return f"is {wrong}; expected {right}"


def _array(value: Any) -> Any:
    """Lists and tuples, of tensors too, as arrays."""
    if isinstance(value, list | tuple | range):
        return np.asarray([_array(part) for part in value])
    return plain(value)


def _holds_numbers(array: np.ndarray) -> bool:
    return array.dtype.kind in "biuf"
