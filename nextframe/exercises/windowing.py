"""Exercises of chapter 1: windows, and the first five of the ten puzzles."""

import numpy as np

from nextframe.exercises.exercise import Exercise
from nextframe.windows import sliding_windows, to_unit, window_span


def _arguments() -> dict[str, int]:
    seen, ahead, rate, filmed = 2, 1, 10, 30  # seconds, seconds, frames a second wanted and filmed
    return {"context": seen * rate, "horizon": ahead * rate, "frame_step": filmed // rate}


def _leaking(frames: int = 217, context: int = 10, share: float = 0.8) -> int:
    """Test windows that share a frame with a training window, where the list of windows is cut in order."""
    span = window_span(context)
    starts = np.arange(frames - span + 1)
    cut = int(share * len(starts))
    seen = {start + k for start in starts[:cut] for k in range(span)}
    return sum(any(start + k in seen for k in range(span)) for start in starts[cut:])


def _pixels(frames: int, seed: int = 0, rows: int = 1, columns: int = 1) -> np.ndarray:
    """A clip of random bytes, dark ones and bright ones in turn, so that differences wrap around."""
    values = np.random.default_rng(seed).integers(0, 100, (frames, rows, columns))
    values[1::2] += 150
    return values.astype(np.uint8)


def _windows(clip: np.ndarray, context: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    contexts, targets = sliding_windows(clip, context, horizon)
    return np.array(contexts), np.array(targets)


def _numbered(frames: int) -> np.ndarray:
    """A clip of one pixel whose value is the frame's number, as in the chapter."""
    return np.arange(frames, dtype=np.uint8).reshape(frames, 1, 1)


def _starts(frames: int, context: int, horizon: int, stride: int) -> np.ndarray:
    return sliding_windows(_numbered(frames), context, horizon, stride)[0][:, 0, 0, 0].astype(int)


def _numbers(starts: np.ndarray, context: int, frame_step: int) -> np.ndarray:
    long = _numbered(int(starts.max()) + window_span(context, frame_step=frame_step))
    return sliding_windows(long, context, frame_step=frame_step)[0][starts, :, 0, 0].astype(int)


def _batch(clip: np.ndarray, starts: np.ndarray, context: int) -> np.ndarray:
    longer = np.concatenate([clip, clip[-1:]])  # the last window needs no target here
    return to_unit(sliding_windows(longer, context)[0][starts])


EXERCISES = {
    "1.1": Exercise(
        "predict",
        _arguments,
        "Two seconds at ten frames a second are 20 frames, one second is 10, and every third frame is used: one window "
        f"spans {window_span(**_arguments())} frames of the file.",
        traps=(
            (
                {"context": 60, "horizon": 30, "frame_step": 3},
                "Context and horizon count the frames that are used, and not those that lie between them.",
            ),
        ),
    ),
    "1.2": Exercise(
        "predict",
        _leaking,
        "The first {answer} test windows begin before the last training window ends. Cut the clip, not the list of "
        "windows.",
        within=0,
        traps=((0, "Each window is as long as its context and its target: where does the last training window end?"),),
    ),
    "1.3": Exercise(
        "mend",
        _windows,
        "The last window ends with the last frame, so there is one start more than the difference of the lengths.",
        inputs=lambda: [(_numbered(6), 3, 2), (_numbered(4), 3, 1), (_pixels(9, rows=2, columns=3), 2, 3)],
    ),
    "1.4": Exercise(
        "build",
        lambda contexts: contexts[:, -1],
        "The batch is the first axis and time the second. Copying this frame is the forecast that all others have to "
        "beat.",
        inputs=lambda: [(_windows(_numbered(5), 3, 1)[0],), (_windows(_pixels(9, rows=4, columns=5), 4, 2)[0],)],
    ),
    "1.5": Exercise(
        "build",
        lambda clip: np.diff(clip.astype(int), axis=0),
        "Bytes have no room for a number below 0, so they have to become larger integers, or floats, before they are "
        "subtracted.",
        inputs=lambda: [(_pixels(4),), (_pixels(7, seed=1, rows=3, columns=2),)],
    ),
    "1.6": Exercise(
        "build",
        _starts,
        "The last start leaves room for context and horizon, and `np.arange` leaves its end out, so 1 is added.",
        inputs=lambda: [(12, 4, 1, 3), (12, 4, 1, 1), (9, 4, 5, 2), (20, 10, 3, 5)],
    ),
    "1.7": Exercise(
        "build",
        _numbers,
        "A column plus a row gives a table: broadcasting does what two loops would.",
        inputs=lambda: [(np.array([0, 3]), 4, 1), (np.array([2, 3, 7]), 3, 2), (np.array([0]), 5, 3)],
    ),
    "1.8": Exercise(
        "build",
        _batch,
        "One index with two axes takes all frames at once, and what is left is the range and the channel axis. "
        "`window_dataset` makes each of its batches in this way.",
        inputs=lambda: [
            (_pixels(5), np.array([0, 2]), 3),
            (_pixels(12, seed=2, rows=3, columns=4), np.array([0, 5, 8]), 4),
        ],
    ),
}
