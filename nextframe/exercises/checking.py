"""Check an answer: what the last line of each exercise's cell calls."""

import textwrap

from nextframe._utils.validation import shown
from nextframe.exercises import (
    after_2017,
    baselines_and_metrics,
    beyond_one_frame,
    conv3d,
    conv_lstm,
    dense_lstm,
    frames_as_channels,
    many_futures,
    stacked_hybrids,
    steered_world,
    time_distributed,
    verdict,
    windowing,
    your_own_video,
)
from nextframe.exercises.exercise import Exercise, Review, is_open, review_function, review_value

CHAPTERS = (
    windowing,
    baselines_and_metrics,
    dense_lstm,
    frames_as_channels,
    conv3d,
    time_distributed,
    conv_lstm,
    stacked_hybrids,
    verdict,
    beyond_one_frame,
    your_own_video,
    after_2017,
    many_futures,
    steered_world,
)
EXERCISES: dict[str, Exercise] = {
    name: exercise for chapter in CHAPTERS for name, exercise in chapter.EXERCISES.items()
}

WIDTH = 79  # columns of a page


def check(name: str, answer: object) -> None:
    """Print whether an answer is right, or what is wrong with it.

    A function is called with inputs that the page does not show. An answer that is still `...` is said to be so.

    Args:
        name: Of the exercise: chapter and number, as in "1.3".
        answer: Number, word, shape, array, dict or function, as the exercise asks for.

    Raises:
        ValueError: No exercise has that name.
        TypeError: The answer is of another kind than the exercise asks for, such as a word in place of a number.

    Example:
        `check("1.2", 10)`
    """
    said = review(name, answer)
    lines = f"Exercise {name}: {said.words}".splitlines()
    print("\n".join(textwrap.fill(line, WIDTH, break_long_words=False) for line in lines))


def review(name: str, answer: object) -> Review:
    """Do what `check` does, and return what it would print.

    Args:
        name, answer: As in `check`.

    Raises:
        ValueError, TypeError: As `check`.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        chapter = str(name).partition(".")[0]
        there = [other for other in EXERCISES if other.partition(".")[0] == chapter] or list(EXERCISES)
        raise ValueError(f"name={shown(name)}: expected the name of an exercise, one of {', '.join(there)}")
    exercise = EXERCISES[name]
    if is_open(answer):
        return _open()
    try:
        said = (review_value if exercise.inputs is None else review_function)(exercise, answer)
    except TypeError as error:
        raise TypeError(f"exercise {name}: {error}") from None
    if said.right is None:
        return _open()
    return Review(said.right, f"{'right' if said.right else 'not yet'}. {said.words}")


def _open() -> Review:
    return Review(None, "still to fill in.")
