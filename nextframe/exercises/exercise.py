"""What an exercise is, and how an answer is compared with the right one."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from nextframe._utils.validation import shown

MOST_SHOWN = 12  # values of an array that a message writes out


@dataclass(frozen=True)
class Exercise:
    """One exercise: how its answer is found, and what is said to a reader who has it.

    Attributes:
        kind: "predict" before you run, "mend" a planted bug, or "build" a missing line.
        answer: Returns the right answer, from the library or from stored results. Where the reader writes a function,
            it takes the same arguments and returns what that function should.
        why: Said after "right". `{answer}` in it stands for the right answer.
        inputs: Returns the arguments of each hidden call; None where the answer is no function.
        within: How far a number may be off, or each value of an array.
        measure: Turns what the reader built, such as a layer or a kernel, into what is compared.
        traps: What is said of a wrong answer that is tempting: pairs of the answer, and a sentence.
    """

    kind: Literal["predict", "mend", "build"]
    answer: Callable[..., Any]
    why: str
    inputs: Callable[[], list[tuple]] | None = None
    within: float = 1e-5
    measure: Callable[[Any], Any] | None = None
    traps: tuple[tuple[Any, str], ...] = ()


@dataclass(frozen=True)
class Review:
    """What a reader is told: whether the answer is right (None: it is still to fill in), and a sentence or more."""

    right: bool | None
    words: str


def is_open(answer: object) -> bool:
    """Whether an answer, or a part of it, is still the `...` that it began as."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    return answer is Ellipsis or (isinstance(answer, list | tuple) and any(is_open(part) for part in answer))


def review_value(exercise: Exercise, answer: object) -> Review:
    """Compare an answer that is no function with the right one.

    Raises:
        TypeError: It is of another kind than the right one, such as a word in place of a number.
    """
    expected = exercise.answer()
    try:
        given = exercise.measure(answer) if exercise.measure else answer
    except Exception as error:  # whatever comes of an answer that does not fit is something to talk about
        return Review(False, f"{written(answer)} cannot be used: {type(error).__name__}: {error}")
    _check_kind(expected, given)
    wrong = difference(expected, given, exercise.within, reveal=exercise.measure is not None)
    if wrong is None:
        return Review(True, exercise.why.format(answer=expected))
    for tempting, sentence in exercise.traps:
        if difference(tempting, given, exercise.within, reveal=False) is None:
            wrong = f"{wrong}. {sentence}"
            break
    else:
        wrong += "."
    of_parts = exercise.measure is not None or isinstance(given, Mapping)
    return Review(False, wrong[0].upper() + wrong[1:] if of_parts else f"{written(answer)} {wrong}")


def review_function(exercise: Exercise, answer: object) -> Review:
    """Call a reader's function with each hidden input, and compare what it returns.

    Raises:
        TypeError: It is no function.
    """
    if not callable(answer):
        raise TypeError(f"answer={shown(answer)}: expected a function: give its name, without brackets behind it")
    assert exercise.inputs is not None
    for arguments in exercise.inputs():
        expected = exercise.answer(*copy.deepcopy(arguments))
        called = _call(answer, arguments)
        try:
            returned = answer(*copy.deepcopy(arguments))
            if is_open(returned):
                return Review(None, "")
            given = exercise.measure(returned) if exercise.measure else returned
        except Exception as error:  # whatever a reader's function raises is an answer to talk about
            return Review(False, f"{called} raises {type(error).__name__}: {str(error).strip() or 'without a message'}")
        if returned is None:
            return Review(False, f"{called} returns None: a function needs return.")
        wrong = difference(expected, given, exercise.within, reveal=True)
        if wrong is not None:
            if exercise.measure is not None:
                return Review(False, f"{called}\nreturns something whose {wrong}.")
            if _is_small(expected) and _is_small(given):
                wrong = f"{written(given)};\nexpected {written(expected)}"
            return Review(False, f"{called}\nreturns {wrong.removeprefix('is ')}.")
    return Review(True, exercise.why)


def difference(expected: Any, given: Any, within: float, reveal: bool) -> str | None:
    """Say in words what is wrong with a value; None if nothing is.

    Args:
        expected: Number, word, bool, array, or a mapping or sequence of such.
        given: The same, by the reader.
        within: How far a number may be off.
        reveal: Whether the words may tell the expected value.
    """
    expected, given = _plain(expected), _plain(given)
    if isinstance(expected, Mapping):
        if not isinstance(given, Mapping) or set(given) != set(expected):
            return f"expected a dict with {', '.join(map(repr, expected))}"
        found = {key: difference(expected[key], given[key], within, reveal) for key in expected}
        wrong = [f"{key} {words}" for key, words in found.items() if words]
        return "; ".join(wrong) or None
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
        return f"is {written(given)}; expected {written(expected)}" if reveal else "is not right"
    if abs(expected - given) <= within:
        return None
    if reveal:
        return f"is {written(given)}; expected {written(expected)}"
    which = "low" if given < expected else "high"
    allowed = f" ({within:g} more or less would do)" if within >= 1e-3 else ""
    return f"is too {which}{allowed}"


def written(value: Any) -> str:
    """A value as a message writes it, on one line: a large array by its shape."""
    value = _plain(value)
    if isinstance(value, np.ndarray):
        if value.size > MOST_SHOWN:
            return f"an array of shape {value.shape}"
        text = np.array2string(value.squeeze(), separator=", ", precision=4, suppress_small=True)
        shape = f" of shape {value.shape}" if 1 in value.shape else ""
        return " ".join(text.split()).replace("[ ", "[") + shape
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple) and any(isinstance(part, np.ndarray) for part in value):
        return f"({', '.join(map(written, value))})"
    return shown(value)


def _array_difference(expected: np.ndarray, given: Any, within: float) -> str | None:
    if not isinstance(given, np.ndarray):
        return f"is {written(given)}; expected an array of shape {expected.shape}"
    if given.shape != expected.shape:
        return f"is an array of shape {given.shape}; expected {expected.shape}"
    if given.dtype.kind not in "biuf":
        return f"is an array of {given.dtype}; expected numbers"
    apart = ~(np.abs(given.astype(float) - expected.astype(float)) <= within)
    if not apart.any():
        return None
    if expected.size <= MOST_SHOWN:
        return f"is {written(given)}; expected {written(expected)}"
    at = tuple(map(int, np.argwhere(apart)[0]))
    where = f"[{', '.join(map(str, at))}]"
    share = f"{apart.mean():.0%} of its values differ; the first, at {where}, "
    return f"is an array of the right shape, but {share}is {written(given[at])}; expected {written(expected[at])}"


def _plain(value: Any) -> Any:
    """Tensors as arrays, an array's single number as Python's, a list of numbers as it is."""
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    one = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if one else value


def _check_kind(expected: Any, given: Any) -> None:
    """Refuse an answer of another kind than the right one, which says nothing about what the reader knows."""
    expected, given = _plain(expected), _plain(given)
    kinds: list[tuple[Any, Any, str]] = [
        (bool, bool, "True or False"),
        (str, str, 'a word in quotes, as in "black"'),
        ((int, float), (int, float), "a number, without quotes"),
        (Mapping, Mapping, "a dict with the keys of the cell"),
        ((list, tuple), (list, tuple), "values in round brackets, as in (2, 3)"),
        (np.ndarray, np.ndarray, "an array, as np.array makes it"),
    ]
    for kind, accepted, words in kinds:
        if isinstance(expected, kind):
            if isinstance(given, accepted) and isinstance(given, bool) == isinstance(expected, bool):
                break
            raise TypeError(f"answer={shown(given)}: expected {words}")
    if isinstance(expected, Mapping):
        if set(expected) != set(given):
            raise TypeError(f"answer={shown(given)}: expected a dict with the keys {', '.join(map(repr, expected))}")
        for key in expected:
            _check_kind(expected[key], given[key])


def _is_small(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(not isinstance(part, Mapping) and np.size(_plain(part)) <= MOST_SHOWN for part in parts)


def _call(function: Callable, arguments: tuple) -> str:
    """The call as a reader would write it, with the hidden values."""
    name = getattr(function, "__name__", "your function")
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    names += [""] * (len(arguments) - len(names))
    pairs = zip(names, arguments, strict=False)
    return f"{name}({', '.join(f'{n}={_argument(v)}' if n else _argument(v) for n, v in pairs)})"


def _argument(value: Any) -> str:
    return f"<{value.__name__.strip('_')}>" if inspect.isfunction(value) else written(value)
