"""Metrics: how far a forecast is from the truth, one number a frame.

Every function takes frames `(..., height, width, 1)`, floats with 0 black and 1 white, and returns float64 values of
shape `(...)`: average them last. Nothing is clipped behind your back; call `clip_to_unit` where you mean to.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from nextframe._utils.metric_cases import cases
from nextframe._utils.validation import one_of, range_cure

SSIM_WINDOW = 7  # side of the square that SSIM looks at, in pixels; scikit-image's default


def clip_to_unit(forecast: np.ndarray) -> np.ndarray:
    """Limit values to 0..1, the range that a screen can show."""
    return np.clip(forecast, 0, 1)


def mse(truth: np.ndarray, forecast: np.ndarray, per: Literal["pixel", "frame"] = "pixel") -> np.ndarray:
    """Mean squared error of each frame.

    Args:
        truth: `(..., height, width, 1)`, floats.
        forecast: The same shape.
        per: The literature has two conventions. "pixel" averages over a frame's pixels; "frame" sums over them, as
            the tables for Moving MNIST do. "frame" is height × width times "pixel".

    Returns:
        float64 `(...)`.

    Raises:
        ValueError: Shapes differ or lack the channel axis, integers instead of floats, a truth outside 0..1, or an
            unknown `per`.
    """
    return _reduce(np.square(_difference(truth, forecast)), per)


def mae(truth: np.ndarray, forecast: np.ndarray, per: Literal["pixel", "frame"] = "pixel") -> np.ndarray:
    """Mean absolute error of each frame; arguments as in `mse`."""
    return _reduce(np.abs(_difference(truth, forecast)), per)


def psnr(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame in decibels, for a peak of 1; inf where frames are identical.

    The PSNR of a video is the mean of its frames' values. Taking the PSNR of the mean MSE gives another, lower number.
    """
    with np.errstate(divide="ignore"):  # identical frames: -10 log10(0) is inf, as it should be
        return -10 * np.log10(mse(truth, forecast))


def ssim(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Structural similarity of each frame: 1 where frames are identical, near 0 where they share no structure.

    Wang et al. (2004), with a uniform 7×7 window, unbiased (co)variances, `data_range=1`, and the mean over all
    windows inside the frame: `skimage.metrics.structural_similarity(truth, forecast, data_range=1)`.

    Raises:
        ValueError: As `mse`; or frames are smaller than the window.
    """
    _difference(truth, forecast)  # for its checks
    truth, forecast = (np.asarray(frames, np.float64)[..., 0] for frames in (truth, forecast))
    if min(truth.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"frames are {truth.shape[-2]}×{truth.shape[-1]}; SSIM needs at least {SSIM_WINDOW}×{SSIM_WINDOW}: "
            "use larger frames, or another metric"
        )
    mean_truth, mean_forecast = _window_mean(truth), _window_mean(forecast)
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    variance_truth = unbiased * (_window_mean(truth**2) - mean_truth**2)
    variance_forecast = unbiased * (_window_mean(forecast**2) - mean_forecast**2)
    covariance = unbiased * (_window_mean(truth * forecast) - mean_truth * mean_forecast)
    c1, c2 = 0.01**2, 0.03**2  # keep the two ratios finite on flat, dark frames
    luminance = (2 * mean_truth * mean_forecast + c1) / (mean_truth**2 + mean_forecast**2 + c1)
    structure = (2 * covariance + c2) / (variance_truth + variance_forecast + c2)
    return (luminance * structure).mean((-2, -1))


def sharpness(frames: np.ndarray) -> np.ndarray:
    """Mean difference between neighbouring pixels of each frame: blur lowers it, noise raises it.

    Args:
        frames: `(..., height, width, 1)`, floats.

    Returns:
        float64 `(...)`.
    """
    frames = np.asarray(frames, np.float64)
    down, right = (np.abs(np.diff(frames, axis=axis)).mean((-3, -2, -1)) for axis in (-3, -2))
    return (down + right) / 2


def energy(frames: np.ndarray) -> np.ndarray:
    """Mean square of each frame's pixels, the energy of the image; arguments as in `sharpness`."""
    return np.square(np.asarray(frames, np.float64)).mean((-3, -2, -1))


def skill(truth: np.ndarray, forecast: np.ndarray, last_frame: np.ndarray) -> float:
    """How much of the error of copying a forecast removes: 1 − MSE ÷ MSE of copying.

    Args:
        truth: `(..., height, width, 1)`, floats.
        forecast: The same shape.
        last_frame: The last frame of each context, same shape: the forecast of copying.

    Returns:
        1 for a perfect forecast, 0 for one no better than copying, below 0 for a worse one; NaN where copying makes
        no error at all, since then there is nothing to gain.
    """
    copying = mse(truth, last_frame).mean()
    return float(1 - mse(truth, forecast).mean() / copying) if copying > 0 else float("nan")


def resampled_sums(
    values: Sequence[np.ndarray], block: int, resamples: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Sum values over blocks drawn with replacement: the block bootstrap of a series along a video.

    Windows that follow one another are no independent draws, so they are drawn together.

    Args:
        values: Arrays `(windows,)`, in the order of time, all summed over the same blocks.
        block: Windows in a block; the last one may have fewer.
        resamples: How often to draw as many blocks as there are.
        random: Where the draws come from.

    Returns:
        For each array its sums, float64 `(resamples,)`.
    """
    lengths = sorted({len(array) for array in values})
    if len(lengths) > 1:
        raise ValueError(f"series of {lengths[0]} and {lengths[-1]} windows: expected the same windows in each")
    starts = np.arange(0, len(values[0]), block)
    drawn = random.integers(0, len(starts), (resamples, len(starts)))
    return [np.add.reduceat(np.asarray(array, np.float64), starts)[drawn].sum(axis=1) for array in values]


def middle(samples: np.ndarray) -> tuple[float, float]:
    """Return the lower and the upper end of the middle 95 % of some samples `(count,)`."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)


def skill_interval(
    errors: np.ndarray, copying: np.ndarray, block: int = 10, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return a 95 % interval of a skill: how far other stretches of the same video might move it.

    A bootstrap over blocks of windows, see `resampled_sums`.

    Args:
        errors: `(windows,)`, the MSE of a forecast on each window, in the order of time.
        copying: `(windows,)`, that of copying the last frame.
        block: Windows that are drawn together; less where there are few, so that at least five blocks are drawn from.
        resamples, seed: Of the bootstrap.

    Returns:
        The lower and the upper end. Draws in which nothing moves are left out, and where nothing moves at all both are
        NaN, as the skill is.
    """
    block = max(1, min(block, len(errors) // 5))
    made, copied = resampled_sums((errors, copying), block, resamples, np.random.default_rng(seed))
    moving = copied > 0
    return middle(1 - made[moving] / copied[moving]) if moving.any() else (float("nan"), float("nan"))


def score(truth: np.ndarray, forecast: np.ndarray, last_frame: np.ndarray, *, clip: bool) -> dict[str, float]:
    """Mean of every metric over all frames, with the names that tables in this book use.

    Args:
        truth, forecast, last_frame: As in `skill`.
        clip: Whether to limit the forecast to 0..1 first. Models with a linear output stray a little outside.

    Returns:
        {"MSE": per pixel, "MSE per frame": summed, "MAE": per pixel, "PSNR": dB, "SSIM": …, "skill": …}.
    """
    if clip:
        forecast = clip_to_unit(forecast)
    return {
        "MSE": float(mse(truth, forecast).mean()),
        "MSE per frame": float(mse(truth, forecast, per="frame").mean()),
        "MAE": float(mae(truth, forecast).mean()),
        "PSNR": float(psnr(truth, forecast).mean()),
        "SSIM": float(ssim(truth, forecast).mean()),
        "skill": skill(truth, forecast, last_frame),
    }


def conformance(psnr: Callable | None = None, ssim: Callable | None = None) -> dict[str, dict[str, Any]]:
    """Put any implementation of PSNR or SSIM through eight cases whose values the definitions give by hand.

    None of them depends on the kind of window that an SSIM takes.

    Args:
        psnr, ssim: From truth and forecast, float64 `(frames, height, width, 1)` in 0..1, to one number for all frames,
            or one for each.

    Returns:
        Case, in words → its "metric", the "expected" and the "found" mean over frames, and whether that is "right".
        Cases of a metric that was not given are left out.
    """
    given = {name: metric for name, metric in {"PSNR": psnr, "SSIM": ssim}.items() if metric is not None}
    tried = {}
    for case in cases():
        if case.metric in given:
            found = float(np.mean(given[case.metric](case.truth, case.forecast)))
            right = found == case.expected or abs(found - case.expected) <= case.tolerance
            told = {"metric": case.metric, "expected": case.expected, "found": found, "right": bool(right)}
            tried[case.name] = told
    return tried


def _difference(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    truth, forecast = np.asarray(truth), np.asarray(forecast)
    if truth.shape != forecast.shape:
        raise ValueError(f"truth has shape {truth.shape}, forecast {forecast.shape}: pass frames of one shape")
    if truth.ndim < 3 or truth.shape[-1] != 1:
        raise ValueError(f"frames have shape {truth.shape}; expected (..., height, width, 1): add the channel axis")
    for name, frames in {"truth": truth, "forecast": forecast}.items():
        if not np.issubdtype(frames.dtype, np.floating):
            raise ValueError(
                f"{name} has dtype {frames.dtype}; expected floats in 0..1, since squares of bytes wrap around: "
                "use nextframe.windows.to_unit"
            )
    if truth.size and (truth.min() < 0 or truth.max() > 1):
        low, high = float(truth.min()), float(truth.max())
        rescale = "(truth - low) / (high - low), with low and high its own range, and the forecast alike"
        cure = range_cure("truth", truth, rescale)
        raise ValueError(f"truth has values {low:.6g} to {high:.6g}; expected 0..1: {cure}")
    return truth.astype(np.float64) - forecast


def _reduce(errors: np.ndarray, per: str) -> np.ndarray:
    one_of("per", per, ("pixel", "frame"))
    return errors.mean((-3, -2, -1)) if per == "pixel" else errors.sum((-3, -2, -1))


def _window_mean(frames: np.ndarray) -> np.ndarray:
    """Mean over every 7×7 window inside each frame, by differences of running sums along both axes."""
    for axis in (-2, -1):
        first = [(0, 0)] * frames.ndim
        first[axis] = (1, 0)
        total = np.moveaxis(np.pad(frames.cumsum(axis), first), axis, -1)
        frames = np.moveaxis(total[..., SSIM_WINDOW:] - total[..., :-SSIM_WINDOW], -1, axis)
    return frames / SSIM_WINDOW**2
