"""The evidence: errors in the contests stored in results/video, which tools/measure_video.py describes."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nextframe.benchmark import results
from nextframe.metrics import middle, resampled_sums

FOLDER = results.FOLDER / "video"
BLOCK = 10  # windows that are drawn together


def load_contests(size: int, how: str, folder: str | os.PathLike = FOLDER) -> dict[str, list[dict]]:
    """Return the stored contests of one size of frames, by clip, in the order of their origins.

    Args:
        size: Side of the frames, in pixels.
        how: "unseen" for weights that never saw the clip, "trained" for those trained on its first part.
        folder: Where they are.

    Raises:
        FileNotFoundError: None is stored.
    """
    contests: dict[str, list[dict]] = {}
    for path in sorted(Path(folder).glob(f"*-{size}-*-{how}*.json")):
        stored = results.load(path.stem, folder)
        contests.setdefault(stored["clip"], []).append(stored)
    if not contests:
        raise FileNotFoundError(f"no contests at {size}, {how}: measure them with python tools/measure_video.py")
    return {clip: sorted(of_clip, key=lambda stored: stored["origin"]) for clip, of_clip in contests.items()}


def errors(contests: list[dict], forecast: str) -> np.ndarray:
    """Return the MSE of each test window of one clip, `(windows,)`: of a model, or of the one that was "chosen"."""
    return np.concatenate(
        [stored["test"][stored["chosen"] if forecast == "chosen" else forecast] for stored in contests]
    )


def ratios(contests: Mapping[str, list[dict]], forecast: str, other: str) -> dict[str, float]:
    """Return, for each clip, a forecast's error divided by another's on the same windows; see `errors`.

    `other` may be "best baseline": of each clip, the one with the least error.
    """
    found = {}
    for clip, of_clip in contests.items():
        baselines = [name for name in of_clip[0]["test"] if name not in ("network", "blend")]
        others = baselines if other == "best baseline" else [other]
        found[clip] = float(errors(of_clip, forecast).sum() / min(errors(of_clip, name).sum() for name in others))
    return found


def geometric_mean(of_clips: Mapping[str, float]) -> float:
    """Average ratios so that halving one clip's error weighs as much as halving another's."""
    return float(np.exp(np.mean(np.log(list(of_clips.values())))))


def interval(
    contests: Mapping[str, list[dict]], forecast: str, other: str, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return a 95 % interval of the geometric mean of `ratios`, by a bootstrap over blocks of each clip's windows."""
    random = np.random.default_rng(seed)
    logs = np.zeros(resamples)
    for of_clip in contests.values():
        both = [errors(of_clip, name) for name in (forecast, other)]
        made, compared = resampled_sums(both, BLOCK, resamples, random)
        logs += np.log(made / compared) / len(contests)
    low, high = middle(logs)
    return math.exp(low), math.exp(high)
