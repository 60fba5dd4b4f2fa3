"""Scenes: the cuts of a video, and its split into training, validation and test parts."""

from dataclasses import dataclass

import numpy as np

from nextframe._utils.cuts import find_cuts
from nextframe.clips import check_clip
from nextframe.windows import window_span


def scene_cuts(clip: np.ndarray) -> list[int]:
    """Find where a new scene begins.

    A cut changes the whole picture at once: the mean absolute change from one frame to the next is above 12 grey
    levels, and more than three times any of the three changes before and after it.

    Args:
        clip: `(time, height, width)`.

    Returns:
        The first frame of each scene but the first.
    """
    return find_cuts(check_clip(clip))


@dataclass(frozen=True)
class Split:
    """The parts of a video, each a list of clips of consecutive frames; no window crosses from clip to clip."""

    train: list[np.ndarray]
    validation: list[np.ndarray]
    test: list[np.ndarray]

    def __add__(self, other: "Split") -> "Split":
        """The parts of both."""
        return Split(self.train + other.train, self.validation + other.validation, self.test + other.test)


def split_scenes(
    clip: np.ndarray, cuts: list[int], context: int, train: float = 0.6, validation: float = 0.15
) -> Split:
    """Cut each scene in time: its first part is to train on, the next to choose by, the rest to be scored on.

    Within a scene every training frame lies before every scored one, and no frame is in two parts. Scenes too
    short for three parts of one window each are for training, or, where they hold no window, are left out.

    Args:
        clip: `(time, height, width)`.
        cuts: As `scene_cuts` returns them.
        context: Frames that a model sees.
        train, validation: Fractions of a scene.

    Raises:
        ValueError: No scene is long enough.
    """
    span = window_span(context)
    parts = Split([], [], [])
    scenes = np.split(clip, cuts)
    for scene in scenes:
        chosen = max(span, round(validation * len(scene)))
        tested = max(span, round((1 - train - validation) * len(scene)))
        first = len(scene) - chosen - tested
        if first >= span:
            parts.train.append(scene[:first])
            parts.validation.append(scene[first : first + chosen])
            parts.test.append(scene[first + chosen :])
        elif len(scene) >= span:
            parts.train.append(scene)
    if not parts.test:
        longest = max(map(len, scenes))
        raise ValueError(
            f"the longest scene has {longest} frames; with context={context} expected at least {3 * span}, one window "
            "each to train, to choose and to test: use a longer video, a lower context, or fps as it was recorded"
        )
    return parts
