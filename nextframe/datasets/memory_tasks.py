"""Memory tasks: clips whose next frame was decided several frames ago."""

import numpy as np

from nextframe._utils.validation import one_of, whole_number
from nextframe.windows import to_unit

SPLITS = {"training": (0, 2000), "validation": (1, 200), "test": (2, 200)}  # seed and number of clips


def blinking_clips(count: int, length: int, period: int, canvas: int = 16, seed: int = 0) -> np.ndarray:
    """Draw clips whose next frame was decided `period` frames ago: a light that repeats a random pattern.

    Args:
        count: Number of clips.
        length: Frames in each.
        period: Length of the pattern. Frame t equals frame t − period, and no frame in between reveals it.
        canvas: Side of a frame; the light is a square in its middle.
        seed: Of the patterns.

    Returns:
        uint8 `(count, length, canvas, canvas)`.
    """
    pattern = np.random.default_rng(seed).integers(0, 2, (count, period), dtype=np.uint8)
    lit = pattern[:, np.arange(length) % period] * np.uint8(255)
    light = np.zeros((canvas, canvas), np.uint8)
    light[canvas // 4 : -(canvas // 4), canvas // 4 : -(canvas // 4)] = 1
    return lit[:, :, None, None] * light


def hidden_clips(count: int, length: int, hidden: int, canvas: int = 16, seed: int = 0) -> np.ndarray:
    """Draw clips in which an object moves, is hidden for `hidden` frames, and comes out in the last one.

    Where it comes out follows from how it moved before. While it is hidden, the whole frame is grey.

    Args:
        count: Number of clips.
        length: Frames in each; the last is the one to predict.
        hidden: Frames just before the last that show nothing; at most `length − 3`, so that a motion can be seen.
        canvas: Side of a frame; the object is a square, a quarter as wide.
        seed: Of the paths.

    Returns:
        uint8 `(count, length, canvas, canvas)`.

    Raises:
        ValueError: `hidden` leaves fewer than two frames to see.
    """
    if not 0 <= hidden <= length - 3:
        raise ValueError(f"hidden={hidden}: expected 0 to {length - 3}, so that two frames show the motion")
    rng = np.random.default_rng(seed)
    size = canvas // 4
    room = canvas - size
    row, start = rng.integers(0, room + 1, (2, count))
    stop = rng.integers(0, room + 1, count)
    column = np.rint(start[:, None] + (stop - start)[:, None] * np.arange(length) / (length - 1)).astype(int)
    rows, columns = np.indices((canvas, canvas))
    inside = (rows >= row[:, None, None]) & (rows < row[:, None, None] + size)
    inside = inside[:, None] & (columns >= column[..., None, None]) & (columns < column[..., None, None] + size)
    clips = np.where(inside, np.uint8(255), np.uint8(0))
    clips[:, length - 1 - hidden : length - 1] = 128
    return clips


def as_windows(clips: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Split clips of `context + 1` frames or more: the last `context` frames before the last, and the last frame.

    Returns:
        contexts `(count, context, height, width, 1)` and targets `(count, height, width, 1)`, float32 in 0..1.
    """
    return to_unit(clips[:, -1 - context : -1]), to_unit(clips[:, -1])


MEMORY_TASKS = {"blinking": blinking_clips, "hidden": hidden_clips}


def memory_clips(task: str, back: int, context: int, split: str) -> np.ndarray:
    """Draw the clips of a split of a memory task, one window in each.

    Args:
        task: "blinking" or "hidden", for `blinking_clips` or `hidden_clips`.
        back: How far back the next frame was decided: the light's period, or for how many frames the object is hidden.
        context: Frames that the model sees.
        split: One of `SPLITS`.

    Returns:
        uint8 `(count, context + 1, 16, 16)`.

    Raises:
        ValueError: An unknown task or split, or a `back` that the context is too short for.
    """
    one_of("task", task, MEMORY_TASKS)
    one_of("split", split, SPLITS)
    whole_number("back", back)
    if back > context - 2:
        raise ValueError(f"back={back} is too far for a context of {context} frames: expected at most {context - 2}")
    seed, count = SPLITS[split]
    return MEMORY_TASKS[task](count, context + 1, back, seed=seed)
