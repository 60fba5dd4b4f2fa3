"""Widgets: parts of a page that a reader can move.

They are plain HTML with a script inside, not kernel widgets, so they work alike on the rendered page, in Jupyter and
on Colab, with a keyboard or a finger, and without a kernel or a network.
"""

import base64
import io
import json
from importlib.resources import files

import numpy as np
from IPython.display import HTML
from PIL import Image

from nextframe.clips import check_clip


def window_explorer(
    clip: np.ndarray, context: int = 4, horizon: int = 1, stride: int = 1, frame_step: int = 1, position: int = 0
) -> HTML:
    """Show which frames a window takes, with sliders for context, horizon, stride, frame step and position.

    Args:
        clip: `(time, height, width)`; the whole clip is put into the page, so pass a short one (at most 100 frames).
        context, horizon, stride, frame_step: Where the sliders start; their meaning is that of `sliding_windows`.
        position: Which window to show first.

    Returns:
        The explorer; as the last line of a cell it appears under it.

    Raises:
        ValueError: Not a clip, more than 100 frames, or a slider's start is out of range.
    """
    clip = check_clip(clip)
    count, height, width = clip.shape
    if count > 100:
        raise ValueError(f"clip has {count} frames; the explorer takes at most 100: pass clip[:100]")
    start = {
        "context": (context, 1, 10),
        "horizon": (horizon, 1, 5),
        "stride": (stride, 1, 10),
        "frame_step": (frame_step, 1, 5),
        "position": (position, 0, count),
    }
    for name, (value, low, high) in start.items():
        if not low <= value <= high:
            raise ValueError(f"{name}={value}: expected {low} to {high}")
    # One picture holds all frames, side by side: the script shows a part of it for each frame of a window.
    sprite = io.BytesIO()
    Image.fromarray(np.concatenate(clip, axis=1)).save(sprite, "PNG", optimize=True)
    settings = {
        "sprite": "data:image/png;base64," + base64.b64encode(sprite.getvalue()).decode(),
        "frames": count,
        "height": height,
        "width": width,
        "start": {name: value for name, (value, _, _) in start.items()},
    }
    page = files("nextframe").joinpath("data", "window_explorer.html").read_text(encoding="utf-8")
    return HTML(page.replace("SETTINGS", json.dumps(settings)))
