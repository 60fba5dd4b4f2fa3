"""The training data of tools/train_video.py: windows of clips and moving photographs, with optical flow's proposals.

`prepare` makes them once and writes a file a part; `Draws` feeds them to Keras in batches, turned at random.
"""

import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

import keras
import numpy as np
from moving_photographs import photographs, sequence
from tqdm import tqdm

from nextframe import windows
from nextframe._utils.files import write_atomically
from nextframe.benchmark.tasks import read_real_clip
from nextframe.layers.flow_proposals import PROPOSALS, flow_proposals
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import scene_cuts

SIDE = 64  # pixels, of the training windows
SIDES = (SIDE, 2 * SIDE)  # of the clips; crops are taken of the larger
FRAME_STEPS = (1, 2, 3)
PART = 500  # sequences in a file
BATCH: dict[str | int, int] = {"photographs": 16, SIDES[0]: 8, SIDES[1]: 8}  # how many windows of which kind
LEAST = 3e-4  # added to the error of copying a sequence, which may be 0


def clip_windows(name: str, side: int, frame_step: int) -> np.ndarray:
    """Cut the windows of a clip, none across a cut, forwards and backwards: uint8 `(count, 5, side, side)`."""
    clip = read_real_clip(name, side)
    scenes = [
        scene
        for scene in np.split(clip, scene_cuts(clip))
        if len(scene) >= windows.window_span(FRAMES, frame_step=frame_step)
    ]
    cut = [np.concatenate(windows.sliding_windows(scene, FRAMES, frame_step=frame_step), axis=1) for scene in scenes]
    forwards = np.concatenate(cut)
    return np.concatenate([forwards, forwards[:, ::-1]])


def sequences(part: int) -> np.ndarray:
    """Draw the sequences of one file, each with a seed of its own: uint8 `(PART, 5, SIDE, SIDE)`."""
    pictures = photographs()
    numbers = range(part * PART, (part + 1) * PART)
    return np.stack([sequence(np.random.default_rng([0, number]), pictures, SIDE) for number in numbers])


def parts(names: Iterable[str], count: int) -> dict[str, Callable[[], np.ndarray]]:
    """Return the parts of the training data by the names of their files, and the function that makes each one's frames.

    Args:
        names: Of the clips.
        count: Of sequences; rounded up to whole parts.
    """
    of_clips = {
        f"{name}-{side}-{step}": partial(clip_windows, name, side, step)
        for side in SIDES
        for name in names
        for step in FRAME_STEPS
    }
    return of_clips | {f"photographs-{part}": partial(sequences, part) for part in range(math.ceil(count / PART))}


def make(part: tuple[Path, Callable[[], np.ndarray]], kinds: tuple[str, ...] = PROPOSALS) -> None:
    """Write a part: its "frames", and for each window float16 "proposals" `(count, kinds, side, side)`."""
    path, draw = part
    frames = draw()
    proposals = np.zeros((len(frames), len(kinds), *frames.shape[2:]), np.float16)
    if kinds:
        for number, window in enumerate(frames):
            proposals[number] = flow_proposals(window[:FRAMES] / np.float32(255), kinds)
    memory = io.BytesIO()
    np.savez(memory, frames=frames, proposals=proposals)
    write_atomically(path, memory.getbuffer())


def prepare(
    wanted: dict[str, Callable[[], np.ndarray]], folder: Path, pool: Pool, kinds: tuple[str, ...] = PROPOSALS
) -> None:
    """Make those parts that are missing in a folder, several at once, and each file whole or not at all."""
    paths = {folder / f"{name}.npz": draw for name, draw in wanted.items()}
    missing = [part for part in paths.items() if not part[0].exists()]
    made = pool.imap_unordered(partial(make, kinds=kinds), missing)
    for _ in tqdm(made, "preparing", len(missing), unit=" parts", disable=not missing):
        pass


@dataclass
class Part:
    """Windows, their chances of being drawn, and their weights in the loss."""

    frames: np.ndarray  # uint8 (count, 5, side, side)
    proposals: np.ndarray  # float16 (count, proposals, side, side)
    chances: np.ndarray  # (count,), their sum 1
    weights: np.ndarray  # (count,)


def load_part(path: Path) -> Part:
    """Read a part. Of a clip's windows, those that move more are drawn more often, and count less for it."""
    with np.load(path) as stored:
        frames, proposals = stored["frames"], stored["proposals"]
    change = (frames[:, FRAMES].astype(np.float32) - frames[:, FRAMES - 1]) / 255
    errors = np.square(change).mean(axis=(1, 2), dtype=np.float64)
    if path.name.startswith("photographs"):
        return Part(frames, proposals, np.full(len(frames), 1 / len(frames)), 1 / (errors + LEAST))
    often = 0.2 + np.minimum(errors / errors.mean(), 3)
    return Part(frames, proposals, often / often.sum(), often.mean() / often / errors.mean())


def turned(random: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Mirror, transpose and invert `(frames, side, side)` in 0..1, each or not: motion looks alike in all of these."""
    across, down, transposed, negative = random.random(4) < 0.5
    pixels = pixels[:, :: -1 if down else 1, :: -1 if across else 1]
    pixels = pixels.swapaxes(1, 2) if transposed else pixels
    return 1 - pixels if negative else pixels


class Draws(keras.utils.PyDataset):
    """Batches without end. A batch depends on its number and the seed alone, so any can be drawn again."""

    def __init__(self, folder: Path, names: Iterable[str], first: int = 0, seed: int = 0):
        """Read the parts.

        Args:
            folder: Where `prepare` left them.
            names: Of the parts.
            first: How many batches to leave out: those of a run that was cut off.
            seed: Of the draws.
        """
        super().__init__(workers=4, max_queue_size=16)
        self.first, self.seed = first, seed
        self.parts: dict[str | int, list[Part]] = {kind: [] for kind in BATCH}
        for name in names:
            part = load_part(folder / f"{name}.npz")
            self.parts["photographs" if name.startswith("photographs") else part.frames.shape[-1]].append(part)

    @property
    def num_batches(self) -> None:
        """None: how Keras is told that there is no end."""
        return None

    def __getitem__(self, number: int) -> tuple:
        """Return `(contexts, proposals)`, targets and weights, float32, of batch `number`."""
        random = np.random.default_rng([self.seed, self.first + number])
        drawn = [self.draw(random, self.parts[kind]) for kind, count in BATCH.items() for _ in range(count)]
        pixels = np.stack([pixels for pixels, _ in drawn])[..., None]
        seen, target, proposals = np.split(pixels, [FRAMES, FRAMES + 1], axis=1)
        return (seen, proposals), target[:, 0], np.array([weight for _, weight in drawn], np.float32)

    def draw(self, random: np.random.Generator, parts: list[Part]) -> tuple[np.ndarray, float]:
        """Draw one window, float32 `(5 + proposals, SIDE, SIDE)`, and its weight."""
        part = parts[random.integers(len(parts))]
        number = random.choice(len(part.chances), p=part.chances)
        row, column = random.integers(part.frames.shape[-1] - SIDE + 1, size=2)
        crop = (number, slice(None), slice(row, row + SIDE), slice(column, column + SIDE))
        pixels = np.concatenate([part.frames[crop] / np.float32(255), part.proposals[crop]], dtype=np.float32)
        return turned(random, pixels), part.weights[number]
