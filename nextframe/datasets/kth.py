"""KTH actions: 25 people who box, clap, wave, jog, run and walk, each in 4 settings; 599 grey videos of 120×160.

Download the six archives and `00sequences.txt` from https://www.csc.kth.se/cvap/actions/, and unpack them into one
folder. Then::

    clips = [clip for video in kth_videos(folder, TEST_PERSONS) for clip in read_kth(video)]

are test clips as the literature on video prediction cuts and scales them. Schuldt et al., Recognizing Human Actions,
ICPR 2004; no licence is stated, so nothing of it ships here.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextframe._utils.validation import one_of, whole_number
from nextframe.clips import read_clip

ADDRESS = "https://www.csc.kth.se/cvap/actions/"
ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
# As E3D-LSTM, PredRNN and OpenSTL split. SVG takes 1 to 20 and 21 to 25; the data's authors have three parts.
TRAIN_PERSONS, TEST_PERSONS = range(1, 17), range(17, 26)
SEQUENCES = "00sequences.txt"
_VIDEO = re.compile(rf"person(\d\d)_({'|'.join(ACTIONS)})_d([1-4])(_uncomp)?\.\w+")
_LISTED = re.compile(r"(person\d\d_\w+_d\d)\s+frames\b(.*)")
_STRETCH = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class KTHVideo:
    """A video: its file, who does what in which setting (1 to 4), and the stretches in which somebody is in sight.

    A stretch is a first and a last frame, counted from 1, both included. None listed: the whole video.
    """

    path: Path
    person: int
    action: str
    setting: int
    stretches: tuple[tuple[int, int], ...] = ()


def kth_videos(
    folder: str | os.PathLike, persons: Iterable[int] = range(1, 26), actions: Iterable[str] = ACTIONS
) -> list[KTHVideo]:
    """Find the videos of KTH in a folder and in the folders inside it; nothing is decoded.

    Args:
        folder: Where files such as `person01_boxing_d1_uncomp.avi` are, and `00sequences.txt`, which lists when anybody
            is in sight. Without that list, videos are taken whole.
        persons: Whose videos, such as `TRAIN_PERSONS` or `TEST_PERSONS`.
        actions: Of `ACTIONS`.

    Returns:
        Videos by action, person and setting.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It has no such video, an action or a person that does not exist, or a list that cannot be read or
            lacks a video.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder at {str(folder)!r}: unpack the archives of {ADDRESS} into one, and pass it")
    persons, actions = set(persons), tuple(actions)
    for action in actions:
        one_of("action", action, ACTIONS)
    for person in persons:
        one_of("person", person, range(1, 26))
    listed = _listed(folder)
    found, others = [], 0
    for path in sorted(folder.rglob("person*")):
        if not (named := _VIDEO.fullmatch(path.name)):
            continue
        person, action, setting = int(named[1]), named[2], int(named[3])
        if person not in persons or action not in actions:
            others += 1
            continue
        name = f"person{named[1]}_{action}_d{setting}"
        if listed is not None and name not in listed:
            raise ValueError(f"{SEQUENCES} does not list {name}, which is in {folder}: download both again")
        found.append(KTHVideo(path, person, action, setting, listed[name] if listed else ()))
    if not found:
        raise ValueError(
            f"{folder} has no video of persons {sorted(persons)} and actions {', '.join(actions)}, and {others} of "
            f"others; expected files such as person01_boxing_d1_uncomp.avi: unpack the archives of {ADDRESS} into it"
        )
    return sorted(found, key=lambda video: (ACTIONS.index(video.action), video.person, video.setting))


def read_kth(video: KTHVideo, size: int | None = 128) -> list[np.ndarray]:
    """Read a video as clips, one for each stretch in which somebody is in sight.

    A stretch ends where its video does, if the list says otherwise, and is left out if it would have no frame:
    person01_boxing_d4 is known to be shorter than its list.

    Args:
        video: One of `kth_videos`.
        size: Side of a frame in pixels. As in the literature, frames of 120×160 are squeezed into a square, and not
            cropped. None: as they are.

    Returns:
        Clips, each uint8 `(time, height, width)`.

    Raises:
        ValueError: The file is damaged. Leave such a video out of the list.
    """
    clip = read_clip(video.path)
    stretches = video.stretches or ((1, len(clip)),)
    cut = [clip[first - 1 : last] for first, last in stretches if first <= len(clip)]
    return cut if size is None else [squeeze(part, whole_number("size", size)) for part in cut]


def squeeze(clip: np.ndarray, size: int) -> np.ndarray:
    """Scale a clip to a square by bilinear interpolation, height and width each by its own factor.

    As `cv2.resize` does: between the middles of four pixels, without smoothing before.

    Args:
        clip: uint8 `(time, height, width)`.
        size: Side of the square.

    Returns:
        uint8 `(time, size, size)`.
    """
    frames = clip.astype(np.float32)
    for axis in (1, 2):
        side = frames.shape[axis]
        place = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32)[:, None] if axis == 1 else (place - low).astype(np.float32)
        below, above = (frames.take(at, axis) for at in (low, np.minimum(low + 1, side - 1)))
        frames = below + (above - below) * share
    return np.rint(frames).astype(np.uint8)


def _listed(folder: Path) -> dict[str, tuple[tuple[int, int], ...]] | None:
    """The stretches of each video, by its name; None where there is no list."""
    file = next(iter(sorted(folder.rglob(SEQUENCES))), None)
    if file is None:
        return None
    found = dict(_lines(file))
    if not found:
        raise ValueError(f"{file} lists no video: download it again from {ADDRESS}{SEQUENCES}")
    return found


def _lines(file: Path) -> Iterator[tuple[str, tuple[tuple[int, int], ...]]]:
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not (listed := _LISTED.fullmatch(line.strip())):
            continue  # what is written about them, and the one that is missing
        parts = [_STRETCH.fullmatch(part.strip()) for part in listed[2].split(",")]
        stretches = tuple((int(part[1]), int(part[2])) for part in parts if part)
        if len(stretches) < len(parts) or any(not 1 <= first <= last for first, last in stretches):
            raise ValueError(f"{file.name}, line {number}: {line!r}: expected stretches such as 1-95, 96-185")
        yield listed[1], stretches
