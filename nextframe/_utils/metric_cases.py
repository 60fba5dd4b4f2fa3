"""Cases that any PSNR and any SSIM of frames should get right: their values follow from the definition, by hand."""

import math
from typing import NamedTuple

import numpy as np

_SIDE = 24  # pixels; a window of SSIM has 11 at most
_WHITE = 255


class Case(NamedTuple):
    """Frames, and what a metric should say of them.

    Attributes:
        metric: "PSNR" or "SSIM".
        name: In words.
        truth, forecast: float64 `(frames, height, width, 1)`.
        expected: The mean over the frames.
        tolerance: How far from it still counts as right.
    """

    metric: str
    name: str
    truth: np.ndarray
    forecast: np.ndarray
    expected: float
    tolerance: float


def cases() -> list[Case]:
    """Return the eight cases."""

    def psnr(name: str, truth: list[int], forecast: list[int]) -> Case:
        """Flat frames of these grey levels: the error of each is one number."""
        errors = [abs(one - other) for one, other in zip(truth, forecast, strict=True)]
        values = [20 * math.log10(_WHITE / error) if error else math.inf for error in errors]
        return Case("PSNR", name, _flat(truth), _flat(forecast), sum(values) / len(values), 0.01)

    dark, bright = 5 / _WHITE, 10 / _WHITE
    c1 = 0.01**2
    flat = (2 * dark * bright + c1) / (dark**2 + bright**2 + c1)  # nothing varies: SSIM compares brightness alone
    board = np.indices((_SIDE, _SIDE)).sum(axis=0)[None, ..., None] % 2.0
    half = 2 * 0.5 / (1 + 0.5**2)  # of the contrast around the same mean, in windows of any kind
    return [
        psnr("10 grey levels too bright", [100], [110]),
        psnr("10 grey levels too dark", [110], [100]),
        psnr("20 grey levels too bright", [100], [120]),
        psnr("dark frames, 10 levels too bright", [5], [15]),
        psnr("two frames, off by 1 and by 10", [100, 100], [101, 110]),
        psnr("no error", [100], [100]),
        Case("SSIM", "dark and flat, 5 levels too bright", _flat([5]), _flat([10]), flat, 0.002),
        Case("SSIM", "half the contrast", board, 0.25 + 0.5 * board, half, 0.005),
    ]


def _flat(levels: list[int]) -> np.ndarray:
    return np.ones((len(levels), _SIDE, _SIDE, 1)) * np.array(levels)[:, None, None, None] / _WHITE
