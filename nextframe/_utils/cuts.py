"""Scene cuts: detection, and a warning where windows would cross them."""

import warnings
from collections.abc import Sequence

import numpy as np

SUDDEN = 12  # grey levels: a change of the whole picture below this is no cut
NEIGHBOURS = 3  # changes before and after, which a cut must exceed …
FACTOR = 3  # … by so much: a fast movement is fast in the frames beside it too
LONG = 40  # frames: shorter clips are rarely edited ones


def find_cuts(clip: np.ndarray) -> list[int]:
    """Find where a new scene begins; see `scenes.scene_cuts`.

    Args:
        clip: uint8 `(time, height, width)`.
    """
    # frame by frame, so that a long video is not held twice
    pairs = zip(clip[:-1], clip[1:], strict=True)
    changes = np.array([np.abs(now.astype(np.int16) - before).mean() for before, now in pairs])
    cuts = []
    for index, change in enumerate(changes):
        beside = [*changes[max(0, index - NEIGHBOURS) : index], *changes[index + 1 : index + 1 + NEIGHBOURS]]
        if change > SUDDEN and change > FACTOR * max(beside, default=0):
            cuts.append(index + 1)
    return cuts


def warn_of_cuts(clips: Sequence[np.ndarray], stacklevel: int = 3) -> None:
    """Say once where windows cross scene cuts, and how to split there."""
    for number, clip in enumerate(clips):
        cuts = find_cuts(clip) if len(clip) >= LONG else []
        if cuts:
            name = "the clip" if len(clips) == 1 else f"clip {number}"
            warnings.warn(
                f"{name} has scene cuts, before frames {', '.join(map(str, cuts))}: no model can forecast across them, "
                "and a few such windows can decide a score. Split it there: "
                "nextframe.scenes.split_scenes(clip, nextframe.scenes.scene_cuts(clip), context)",
                stacklevel=stacklevel,
            )
            return
