"""What an exercise is, and how an answer is compared with the right one."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from nextframe._utils.validation import shown
from nextframe.exercises._comparing import check_kind, difference, is_small, like, plain, sides, written


@dataclass(frozen=True)
class Exercise:
    """One exercise: how its answer is found, and what is said to a reader who has it.

    Attributes:
        kind: "predict" before you run, "mend" a planted bug, or "build" a missing line.
        answer: Returns the right answer, from the library or from stored results. Where the reader writes a function,
            it takes the same arguments and returns what that function should.
        why: Said after "right". `{answer}` in it stands for the right answer.
        inputs: Returns the arguments of each hidden call; None where the answer is no function.
        within: How far a number may be off, or each value of an array; of a dict, one for each key, or one for all.
        measure: Turns what the reader built, such as a layer or a kernel, into what is compared.
        traps: What is said of a wrong answer that is tempting: pairs of the answer, and a sentence.
        choices: Where the answer is a word, those that the page names: who gives another one is told them.
    """

    kind: Literal["predict", "mend", "build"]
    answer: Callable[..., Any]
    why: str
    inputs: Callable[[], list[tuple]] | None = None
    within: float | dict[str, float] = 1e-5
    measure: Callable[[Any], Any] | None = None
    traps: tuple[tuple[Any, str], ...] = ()
    choices: tuple[str, ...] = ()


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
    expected = plain(exercise.answer())
    try:
        given = exercise.measure(plain(answer)) if exercise.measure else like(expected, answer)
    except Exception as error:  # whatever comes of an answer that does not fit is something to talk about
        return Review(False, f"{written(answer)} cannot be used: {str(error).rstrip('.')}.")
    check_kind(expected, given)
    if exercise.choices and given not in exercise.choices:
        return Review(False, f"{written(given)} is none of {', '.join(map(repr, exercise.choices))}.")
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
    return Review(False, wrong[0].upper() + wrong[1:] if of_parts else f"{sides(expected, given)[1]} {wrong}")


def review_function(exercise: Exercise, answer: object) -> Review:
    """Call a reader's function with each hidden input, and compare what it returns.

    Raises:
        TypeError: It is no function, but what one returns, such as a layer.
    """
    if not callable(answer) or isinstance(answer, keras.Layer):
        raise TypeError(f"answer={shown(answer)}: expected a function: give its name, without brackets behind it")
    assert exercise.inputs is not None
    for arguments in exercise.inputs():
        expected = plain(exercise.answer(*copy.deepcopy(arguments)))
        called = _call(answer, arguments)
        try:
            returned = plain(answer(*copy.deepcopy(arguments)))
        except Exception as error:  # whatever a reader's function raises is an answer to talk about
            return Review(False, f"{called} raises {type(error).__name__}: {str(error).strip() or 'without a message'}")
        if returned is None:
            return Review(False, f"{called} returns None: a function needs return.")
        if is_open(returned):
            return Review(None, "")
        try:
            given = exercise.measure(returned) if exercise.measure else like(expected, returned)
        except Exception as error:  # it is of a kind, or a shape, that no measure fits
            return Review(False, f"{called}\nreturns something that cannot be used: {str(error).rstrip('.')}.")
        wrong = difference(expected, given, exercise.within, reveal=True)
        if wrong is not None:
            if exercise.measure is not None:
                return Review(False, f"{called}\nreturns something whose {wrong}.")
            if is_small(expected) and is_small(given):
                right, wrong = sides(expected, given)
                wrong += f";\nexpected {right}"
            return Review(False, f"{called}\nreturns {wrong.removeprefix('is ')}.")
    return Review(True, exercise.why)


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
