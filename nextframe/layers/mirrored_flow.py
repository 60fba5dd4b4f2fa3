"""Optical flow that knows walls: an object that would pass one comes back from it, at the mirrored place."""

from typing import Any

import keras
import numpy as np

from nextframe.layers.flow_proposals import FRAMES, FlowProposals, look_up, opencv, way_back

INK = 0.1  # brightness from which a pixel counts as an object's
GAP = 2  # pixels: strokes that are this far from a region still belong to it
SLACK = 0.5  # pixels: how far a centre that is measured on pixels may be off
ROUNDS = 15  # of k-means, at most


@keras.saving.register_keras_serializable("nextframe")
class MirroredFlow(FlowProposals):
    """Propose one next frame: `(batch, N, h, w, 1)` → `(batch, 1, h, w, 1)`; see `mirrored_flow`.

    Args:
        turns_at: As in `mirrored_flow`.
        apart: As in `mirrored_flow`.

    Raises:
        ValueError: One of them is not above 0.
    """

    def __init__(self, turns_at: float = 8.0, apart: float = 0.5, **kwargs: Any):
        super().__init__(("flow",), **kwargs)
        if not (turns_at > 0 and apart > 0):
            raise ValueError(f"turns_at={turns_at}, apart={apart}: expected both above 0, in pixels")
        self.turns_at, self.apart = turns_at, apart

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        config = super().get_config() | {"turns_at": self.turns_at, "apart": self.apart}
        return {name: value for name, value in config.items() if name not in ("proposals", "scale")}

    def _all(self, context: np.ndarray) -> np.ndarray:
        frames = np.asarray(context, np.float32)[:, -FRAMES:, ..., 0]
        return np.stack([mirrored_flow(each, self.turns_at, self.apart) for each in frames])[:, None, ..., None]


def mirrored_flow(frames: np.ndarray, turns_at: float = 8.0, apart: float = 0.5) -> np.ndarray:
    """Forecast the next frame by optical flow, but move as a whole each object that bounces off an edge of the frame.

    Objects are bright on a dark ground: connected regions of the last frame, each split in two where its pixels move in
    two ways, by k-means (Wang and Adelson, 1994, call such parts layers). Each has a place, its centre of brightness,
    and the mean of two flows: its step into the last frame, and the step before that one.

    - Where the step before pointed beyond a wall, and the step into the last frame was shorter, it has just bounced
      during that one. It goes on as fast as before, the other way.
    - Where it would now pass a wall, it goes to the place mirrored there.
    - Everything else is left to optical flow; so are objects that touch an edge of the frame, whose centre is unknown.

    Args:
        frames: float32 `(N, height, width)` in 0..1, N of 2 or more; the last three are read. With two, a bounce that
            is just over is not seen.
        turns_at: Distance in pixels from an edge of the frame to the centre of brightness of what turns there. The
            digits of MNIST have theirs in the middle of their square (LeCun et al., 1998): half a digit's size. A
            frame that is no wider, or higher, than twice that has no walls at those sides.
        apart: Pixels a frame by which two motions in one region differ, up and down or to the sides, to be two objects.

    Returns:
        float32 `(height, width)`.

    Raises:
        ImportError: OpenCV is not installed.
    """
    last = np.asarray(frames[-1], np.float32)
    back = way_back(last, frames[-2])
    step = -back[..., ::-1]  # (row, column) in pixels
    before = -look_up(way_back(frames[-2], frames[-3]), back)[..., ::-1] if len(frames) > 2 else step
    low, high = turns_at - 0.5, np.array(last.shape) - 0.5 - turns_at  # counted from the first pixel's middle
    walls = np.where(low < high, (np.full(2, low), high), ((-np.inf,), (np.inf,)))  # (2, 2): low and high; row, column
    motions = np.concatenate([step, before], axis=-1)  # (height, width, 4)
    places = np.moveaxis(np.mgrid[: last.shape[0], : last.shape[1]], 0, -1)
    bouncing = []
    for ink in _objects(last, motions, apart):
        centre, of_step, of_before = (_mean(values, last * ink) for values in (places, step, before))
        way = _after_a_wall(centre, of_step, of_before, *walls)
        if way is not None:
            bouncing.append((_with_its_edge(ink, last), way))
    rest = last * ~np.any([pixels for pixels, _ in bouncing], axis=0) if bouncing else last
    moved = [_shifted(last * pixels, way) for pixels, way in bouncing]
    return np.max([look_up(rest, back), *moved], axis=0)


def _after_a_wall(
    centre: np.ndarray, step: np.ndarray, before: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray | None:
    """An object's next step, or None if no wall has a part in it or in the last one. All are `(2,)`: (row, column)."""

    def meets(start: np.ndarray, way: np.ndarray, slack: float) -> np.ndarray:
        """Whether it would pass a wall; what is behind one already, such as a smaller object, does not turn there."""
        end = start + way
        passes_low = (way < 0) & (start > low - SLACK) & (end < low + slack)
        passes_high = (way > 0) & (start < high + SLACK) & (end > high - slack)
        return passes_low | passes_high

    turned = meets(centre - step, before, SLACK) & (np.abs(step) < np.abs(before))
    way = np.where(turned, -before, step)
    turns = meets(centre, way, 0)
    way = np.where(turns, 2 * (np.where(way < 0, low, high) - centre) - way, way)
    return way if (turned | turns).any() else None


def _objects(last: np.ndarray, motions: np.ndarray, apart: float) -> list[np.ndarray]:
    """Find the objects of a frame: the pixels of each, bool `(height, width)`, dim ones left out."""
    cv2 = opencv()
    ink = last > INK
    count, region_of = cv2.connectedComponents(_grown(ink, GAP).astype(np.uint8))
    found = []
    for region in range(1, count):
        pixels = ink & (region_of == region)
        seen_whole = not (pixels[[0, -1]].any() or pixels[:, [0, -1]].any())
        if seen_whole:
            found += _split(pixels, last, motions, apart)
    return found


def _split(pixels: np.ndarray, last: np.ndarray, motions: np.ndarray, apart: float) -> list[np.ndarray]:
    """Split a region in two by k-means on its motions, or leave it whole where they are nearly the same."""
    of_pixels, weights = motions[pixels], last[pixels]  # (pixels, 4), (pixels,)
    centred = of_pixels - np.average(of_pixels, axis=0, weights=weights)
    widest = np.linalg.eigh((centred * weights[:, None]).T @ centred)[1][:, -1]
    first = centred @ widest > 0  # (pixels,): in the first part
    if first.all() or not first.any():
        return [pixels]
    for _ in range(ROUNDS):
        means = [np.average(of_pixels[part], axis=0, weights=weights[part]) for part in (first, ~first)]
        distances = [np.square(of_pixels - mean).sum(axis=1) for mean in means]
        nearer = distances[0] < distances[1]
        if np.array_equal(nearer, first) or nearer.all() or not nearer.any():
            break
        first = nearer
    if np.abs(means[0] - means[1]).max() < apart:
        return [pixels]
    parts = np.zeros((2, *pixels.shape), bool)
    parts[:, pixels] = first, ~first
    return list(parts)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (values * weights[..., None]).sum(axis=(0, 1)) / weights.sum()


def _with_its_edge(ink: np.ndarray, last: np.ndarray) -> np.ndarray:
    """An object's pixels, and the dim ones around them that are no other object's."""
    return ink | _grown(ink, 1) & (last <= INK)


def _grown(pixels: np.ndarray, by: int) -> np.ndarray:
    square = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return opencv().dilate(pixels.astype(np.uint8), square) > 0


def _shifted(image: np.ndarray, way: np.ndarray) -> np.ndarray:
    """An image moved by (row, column) pixels; what comes in from outside is black."""
    matrix = np.array([[1, 0, way[1]], [0, 1, way[0]]], np.float32)
    return opencv().warpAffine(image, matrix, image.shape[::-1])
