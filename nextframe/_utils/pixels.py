"""Pixels as figures, players and sliders draw them: grey levels of frames, colours of errors."""

import matplotlib.pyplot as plt
import numpy as np

ERROR_MAP = "RdBu_r"  # red: forecast too bright; blue: too dark


def as_planes(frames: np.ndarray) -> np.ndarray:
    """Drop the channel axis, if there is one."""
    frames = np.asarray(frames)
    return frames[..., 0] if frames.ndim == 4 else frames


def to_bytes(planes: np.ndarray) -> np.ndarray:
    """Frames as uint8 0..255: floats are clipped to 0..1 first."""
    if planes.dtype == np.uint8:
        return planes
    return np.rint(np.clip(planes, 0, 1) * 255).astype(np.uint8)


def to_colours(errors: np.ndarray, largest: float) -> np.ndarray:
    """Errors as colours, uint8 `(…, 3)`: blue for `−largest` and below, white for 0, red for `largest` and above."""
    return plt.get_cmap(ERROR_MAP)((errors / largest + 1) / 2, bytes=True)[..., :3]
