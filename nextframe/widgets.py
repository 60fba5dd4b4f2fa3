"""Widgets: parts of a page that a reader can move.

They are plain HTML with a script inside, not kernel widgets, so they work alike on the rendered page, in Jupyter and
on Colab, with a keyboard or a finger, and without a kernel or a network.
"""

import math
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from IPython.display import HTML

from nextframe._utils import pages
from nextframe._utils.pixels import as_planes, to_bytes, to_colours
from nextframe.clips import check_clip
from nextframe.forecasting import predict_along, predict_next
from nextframe.plotting import player
from nextframe.steering import steer

_FRAME_SIZE = 160  # pixels on the page, at least
_ROW, _GAP = 688, 8  # pixels: the width of a page's text, and what is between frames


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
    settings = {
        "sprite": _sprite(clip),
        "frames": count,
        "height": height,
        "width": width,
        "start": {name: value for name, (value, _, _) in start.items()},
    }
    return HTML(pages.render_with_script("window_explorer", clip=settings))


def frame_slider(
    frames: Mapping[str, np.ndarray],
    slider: str,
    *,
    values: Sequence | None = None,
    errors: Sequence[str] = (),
    largest_error: float = 0.5,
    start: int = 0,
    describe: str = "",
) -> HTML:
    """Show frames side by side, with one slider that moves through all of them: through time, or through shifts.

    Args:
        frames: Label → `(positions, height, width)` or `(positions, height, width, 1)`; uint8, or floats 0..1.
        slider: Quantity that the slider changes, with its unit.
        values: Names of the positions. Default: their numbers.
        errors: Labels whose frames are differences, floats below and above 0: blue is too dark, red is too bright.
        largest_error: The difference that is drawn in full colour.
        start: Which position to show first; without scripts it is the only one.
        describe: Text alternative, for readers who cannot see the frames.

    Raises:
        ValueError: The frames differ in shape, or another argument does not fit their number.
    """
    stacks = {label: as_planes(stack) for label, stack in frames.items()}
    shapes = {label: stack.shape for label, stack in stacks.items()}
    if len(set(shapes.values())) != 1:
        raise ValueError(f"frames differ in shape, {shapes}: pass as many of each, of one size")
    count, height, width = next(iter(shapes.values()))
    values = [str(value) for value in (range(count) if values is None else values)]
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} positions: pass one for each")
    if not 0 <= start < count:
        raise ValueError(f"start={start}: expected 0 to {count - 1}")
    zoom = math.ceil(_FRAME_SIZE / width)
    fit = max(1, (_ROW + _GAP) // (width * zoom + _GAP))
    columns = math.ceil(len(stacks) / math.ceil(len(stacks) / fit))  # so that all rows are as full as the first
    pictures = [
        {"label": f"{label}, ±{largest_error:g}", "sprite": _sprite(to_colours(stack, largest_error))}
        if label in errors
        else {"label": label, "sprite": _sprite(to_bytes(stack))}
        for label, stack in stacks.items()
    ]
    page = pages.render_with_script(
        "frame_slider",
        describe=describe or ", ".join(stacks),
        slider=slider,
        values=values,
        start=start,
        pictures=pictures,
        width=width * zoom,
        height=height * zoom,
        row_width=columns * (width * zoom + _GAP),
    )
    return HTML(page)


def forecast_player(model: keras.Model, video: np.ndarray, label: str, describe: str) -> HTML:
    """Play a model's forecasts, each made from the N true frames before it, beside the truth and the copied frame.

    Args:
        model: Maps a context of N frames to a target.
        video: `(1, time, height, width, 1)`, float32 in 0..1, longer than N frames.
        label: Name of the model on the page.
        describe: Text alternative, for readers who cannot see the video.
    """
    truth, copied, forecasts = _along(model, video)
    return player({"truth": truth, "copied": copied, label: forecasts}, describe=describe)


def forecast_slider(model: keras.Model, video: np.ndarray, label: str) -> HTML:
    """Step through the frames that `forecast_player` plays, with the forecast's error; the arguments are the same."""
    truth, copied, forecasts = _along(model, video)
    frames = {"truth": truth, "copied": copied, label: forecasts, "its error": forecasts - truth}
    return frame_slider(
        frames,
        "frame",
        values=range(model.input_shape[1], video.shape[1]),
        errors=["its error"],
        describe="Frame by frame: the truth, the copied frame, the forecast and its error.",
    )


def shift_slider(model: keras.Model, context: np.ndarray, largest_shift: int = 8) -> HTML:
    """Drag a video to the right, and see whether its forecast comes along.

    Args:
        model: Maps a context to a target.
        context: `(1, N, height, width, 1)`, float32 in 0..1. Pixels that leave it on the right enter on the left.
        largest_shift: Pixels at the slider's end.
    """
    shifts = range(largest_shift + 1)
    shifted = np.concatenate([np.roll(context, shift, axis=3) for shift in shifts])
    of_shifted = predict_next(model, shifted)
    forecast = predict_next(model, context)[0]
    along = np.stack([np.roll(forecast, shift, axis=1) for shift in shifts])
    frames = {
        "the video, shifted": shifted[:, -1],
        "its forecast": of_shifted,
        "the forecast, shifted": along,
        "difference": of_shifted - along,
    }
    describe = "The forecast of a shifted video beside the shifted forecast of the video, and how they differ."
    return frame_slider(frames, "shift (pixels)", errors=["difference"], start=1, describe=describe)


def steered_world(
    model: keras.Model, context: np.ndarray, actions: Sequence[str], *, presses: int = 5, hold: int = 4, fps: float = 8
) -> HTML:
    """Play a world model with buttons, on a page without a kernel: what follows each order of keys is stored in it.

    Args:
        model: Maps a context and an action to a target.
        context: `(1, N, height, width, 1)`, float32 in 0..1, black and white: where the world starts.
        actions: Names of the actions 0, 1, …, for the buttons.
        presses: How many keys can be pressed in a row; `len(actions) ** presses` rollouts end there.
        hold: Frames for which a key is held; at most N.
        fps: Frames per second.

    Raises:
        ValueError: `hold` is below 1 or above N, or more than 2,000 rollouts were to be stored.
    """
    if not 1 <= hold <= context.shape[1]:
        raise ValueError(f"hold={hold}: expected 1 to {context.shape[1]}, the frames of the context")
    if len(actions) ** presses > 2000:
        raise ValueError(
            f"{len(actions)} actions and {presses=} make {len(actions) ** presses:,} rollouts; at most 2,000"
        )
    rows, seen = [context[:, -hold:]], context
    for _ in range(presses):
        seen = np.repeat(seen, len(actions), axis=0)
        keys = np.tile(np.arange(len(actions)), len(seen) // len(actions))
        rows.append(steer(model, seen, np.repeat(keys[:, None], hold, axis=1)))
        seen = np.concatenate([seen, rows[-1]], axis=1)[:, -context.shape[1] :]
    every = to_bytes(np.concatenate(rows)[..., 0])  # (rollouts, hold, height, width)
    _, _, height, width = every.shape
    still = np.concatenate(every[: 1 + len(actions), -1], axis=1)
    return HTML(
        pages.render_with_script(
            "steered_world",
            world=pages.data_url(pages.to_png(every.swapaxes(1, 2).reshape(-1, hold * width)), "image/png"),
            still=pages.data_url(pages.to_png(still), "image/png"),
            labels=["the start", *(f"{action}, {hold} frames later" for action in actions)],
            describe=f"The world's start, and {hold} frames later for each key: {', '.join(actions)}.",
            actions=actions, presses=presses, hold=hold, fps=fps, side=width,
            width=4 * still.shape[1], height=4 * height,
        )
    )  # fmt: skip


def _along(model: keras.Model, video: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, copied frame and forecast, for each frame of a video that has a whole context before it."""
    frames = model.input_shape[1]
    return video[0, frames:], video[0, frames - 1 : -1], predict_along(model, video)[0]


def _sprite(frames: np.ndarray) -> str:
    """One picture of all frames side by side, as an address: a script shows a part of it at a time."""
    return pages.data_url(pages.to_png(np.concatenate(frames, axis=1)), "image/png")
