"""Arrays from users: validated, and returned as clips."""

import warnings

import numpy as np

from nextframe._utils.validation import range_cure

WEIGHTS = [0.299, 0.587, 0.114]  # of red, green and blue in grey
BITS = (10, 12, 14, 16)  # per pixel, in cameras and files
FEW_LEVELS = 8  # grey levels: a clip that spans fewer has lost most of its detail
ROUNDING = 1e-6  # how far from 0..1 sums of float32 may stray
# An array with fewer than SHORT entries along its first axis, and LONG times as many along its second, may have time
# first; with LONGER times as many, it probably has.
SHORT, LONG, LONGER = 64, 2, 20


def check_array(clip: np.ndarray) -> np.ndarray:
    """Return an array as uint8 `(time, height, width)`, or raise an error with the reason; see `clips.check_clip`."""
    clip = np.asarray(clip)
    if clip.ndim == 5 and clip.shape[0] == 1:
        clip = clip[0]
    if clip.ndim == 4 and clip.shape[-1] == 1:
        clip = clip[..., 0]
    elif clip.ndim == 4 and clip.shape[0] == 1 and clip.shape[-1] not in (3, 4):
        clip = clip[0]
    elif clip.ndim == 3 and clip.shape[-1] in (1, 3, 4) and clip.shape[1] > 4 * clip.shape[2]:
        raise ValueError(
            f"array of shape {clip.shape} looks like one frame with a channel axis; expected (time, height, width): "
            "give a single frame an axis of time, as in frame[None], or move the axis of time to the front"
        )
    if clip.ndim == 4 and clip.shape[-1] in (3, 4):
        raise ValueError(
            f"array of shape {clip.shape} is in colour; expected (time, height, width): "
            f"convert to grey first: {_grey(clip)}"
        )
    if clip.ndim > 3:
        check_axes(clip)
    if clip.ndim != 3:
        cure = "give it an axis of time, as in frame[None]" if clip.ndim == 2 else "pass one clip, such as clips[0]"
        raise ValueError(f"array of shape {clip.shape} is not a clip; expected (time, height, width): {cure}")
    if 0 in clip.shape:
        raise ValueError(f"clip of shape {clip.shape} has no frames or no pixels: check how it was cut")
    if clip.dtype == bool:
        return clip.astype(np.uint8) * 255
    if np.issubdtype(clip.dtype, np.floating):
        return _from_floats(clip)
    if clip.dtype != np.uint8:
        raise ValueError(f"clip has dtype {clip.dtype}; expected uint8 (0..255) or floats in 0..1: {_recode(clip)}")
    return clip


def scale(field: np.ndarray, low: float, high: float) -> np.ndarray:
    """Turn a field into bytes; see `clips.scale_to_bytes`."""
    if not low < high:
        raise ValueError(f"range {low} to {high}: expected the lower value first, then the higher one")
    field = np.asarray(field, np.float32)
    if np.isnan(field).any():
        raise ValueError(
            "field holds NaN; expected numbers: fill what is missing first, for example with np.nan_to_num"
        )
    return np.rint((np.clip(field, low, high) - low) * (255 / (high - low))).astype(np.uint8)


def deep_range(low: float, high: float) -> tuple[float, float]:
    """The range of the fewest bits that hold these values, as pictures of more than 8 bits have; or their own."""
    return next(((0, 2**bits - 1) for bits in BITS if low >= 0 and high < 2**bits), (low, high))


def check_axes(clips: np.ndarray) -> None:
    """Complain about an array of clips whose first axis is time, as in the file of Moving MNIST.

    Its shape raises the suspicion. Its pixels confirm it, if a frame is more like the next along the first axis.

    Args:
        clips: `(count, time, height, width)`, with or without an axis of channels.
    """
    first, second = np.shape(clips)[:2]
    if not (2 <= first < SHORT and second >= LONG * first):
        return
    some = np.asarray(clips[:, :SHORT], np.float32)
    along_first, along_second = (np.abs(np.diff(some, axis=axis)).mean() for axis in (0, 1))
    suspected = second >= LONGER * first and along_first <= 1.05 * along_second
    # a clip that was repeated does not change along the first axis, and noise changes as much along both
    if suspected or 0 < along_first < 0.85 * along_second:
        raise ValueError(
            f"array of shape {np.shape(clips)} looks like {second} clips of {first} frames with time first; expected "
            "(count, time, height, width): pass it with .swapaxes(0, 1). If it is in order, pass list(clips)"
        )


def _from_floats(clip: np.ndarray) -> np.ndarray:
    low, high = float(clip.min()), float(clip.max())  # NaN anywhere makes both NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        what = "NaN" if np.isnan(low) else "infinite values"
        raise ValueError(f"clip holds {what}; expected values in 0..1: fill or drop those frames")
    if low < -ROUNDING or high > 1 + ROUNDING:
        cure = range_cure("clip", clip, _field("clip", low, high))
        raise ValueError(f"float clip has values {low:.6g} to {high:.6g}; expected 0..1: {cure}")
    levels = np.clip(clip, 0, 1) * 255
    rounded = np.rint(levels)
    if 0 < (high - low) * 255 < FEW_LEVELS and np.abs(levels - rounded).max() > 1e-3:
        warnings.warn(
            f"the clip's values, {low:.6g} to {high:.6g}, are {len(np.unique(rounded))} of 256 grey levels: the rest "
            f"of what they say is lost. To keep it, {_field('clip', low, high)}",
            stacklevel=4,
        )
    return rounded.astype(np.uint8)


def _field(name: str, low: float, high: float) -> str:
    """The cure for values outside a picture's range."""
    if low == high:
        return "pass value_range=(low, high) to read_clip, the values that are black and white"
    return (
        f"pass value_range=({low:.6g}, {high:.6g}), the values that are black and white, to read_clip, or call "
        f"nextframe.clips.scale_to_bytes({name}, {low:.6g}, {high:.6g})"
    )


def _recode(clip: np.ndarray) -> str:
    """The cure for an array of another dtype."""
    if not np.issubdtype(clip.dtype, np.integer):
        return "convert it first"
    low, high = int(clip.min()), int(clip.max())
    if low >= 0 and high <= 255 and clip.dtype.itemsize > 2:  # of 16 bits, the pixels may just be dark
        return 'convert it first, with clip.astype("uint8")'
    return f"convert it first: {_field('clip', *deep_range(low, high))}"


def _grey(clip: np.ndarray) -> str:
    """Code that turns a clip in colour into a valid grey one."""
    product = f"clip @ {WEIGHTS}" if clip.shape[-1] == 3 else f"clip[..., :3] @ {WEIGHTS}"
    if np.issubdtype(clip.dtype, np.integer) and clip.size:
        low, high = int(clip.min()), int(clip.max())
        if low >= 0 and high <= 255:
            return f'({product}).round().astype("uint8")'
        black, white = deep_range(low, high)
        return f"nextframe.clips.scale_to_bytes({product}, {black}, {white})"
    if np.issubdtype(clip.dtype, np.floating) and clip.size and 64 <= clip.max() <= 255 and clip.min() >= 0:
        return f"{product} / 255"
    return product
