"""The output of a forecast: pictures, videos, the model, and a page that explains them."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from nextframe import plotting
from nextframe._utils import ffmpeg
from nextframe._utils.files import without_nan, write_atomically
from nextframe._utils.pages import data_url, render, render_with_script, to_png
from nextframe._utils.pixels import to_bytes, to_colours
from nextframe.forecasting import predict_next
from nextframe.scenes import Split
from nextframe.video.contest import Contest, batches

TITLES = {
    "copy_last": "copying the last frame",
    "half_extrapolation": "a part of the last change, again",
    "optical_flow": "optical flow",
    "scaled_flow": "optical flow, its motion scaled",
    "carried_flow": "optical flow, its motion carried along",
    "network": "the network",
    "blend": "the network, blended with the best baseline",
}
PANEL = 192  # pixels, which small frames are enlarged to, by whole numbers
LABEL = 14  # pixels above a panel
GAP = 4
LONGEST = 300  # frames of comparison.mp4


def write(
    folder: Path,
    about: dict[str, Any],
    contest: Contest,
    split: Split,
    planes: list[np.ndarray],
    ahead: np.ndarray,
    fps: float,
) -> None:
    """Write next.png, forecast.mp4, comparison.mp4, model.keras, report.html and report.json into a folder.

    Args:
        folder: Where to.
        about: Contents of report.json.
        contest, split: The models that were compared, and the parts of the video.
        planes: The video, one clip `(time, height, width)` a channel.
        ahead: The forecast, floats `(horizon, height, width, channels)`.
        fps: Frames per second of the videos.
    """
    coming = in_colour(to_bytes(ahead))
    last = in_colour(np.stack([plane[-1] for plane in planes], axis=-1)[None])
    write_atomically(folder / "next.png", to_png(coming[0]))
    large = enlarged(coming)
    forecast = ffmpeg.encode(large, fps)
    write_atomically(folder / "forecast.mp4", forecast)
    frames, moving = compare(contest, split, len(planes))
    comparison = ffmpeg.encode(frames, fps)
    write_atomically(folder / "comparison.mp4", comparison)
    contest.models[contest.chosen].save(folder / "model.keras")
    filled = {
        "about": about,
        "titles": TITLES,
        "windows": about["test"]["copy_last"]["windows"] // len(planes),
        "longest": LONGEST,
        "last": picture(enlarged(last)[0]),
        "coming": [picture(frame) for frame in large[:3]],
        "forecast": player(forecast, large, fps, "The forecast, frame by frame", f"{len(large)} frames ahead"),
        "comparison": player(comparison, frames, fps, "The test part, frame by frame, as in the picture above"),
        "strip": picture(frames[moving]),
        "curve": curve(about) if about["training"] else None,
    }
    write_atomically(folder / "report.html", render("report.html", **filled).encode())
    write_atomically(folder / "report.json", (json.dumps(without_nan(about), indent=1) + "\n").encode())


def compare(contest: Contest, split: Split, channels: int) -> tuple[np.ndarray, int]:
    """Return the frames of the test part, truth beside forecasts, and the number of the most telling one.

    It is the one of the window on which copying errs most.
    """
    shown = [contest.models[name] for name in ("copy_last", "optical_flow", "network")]
    context = shown[0].input_shape[1]
    per_channel = len(split.test) // channels
    rows: list[list[np.ndarray]] = []  # [truth, copied, flow, network], each uint8 (height, width, channels)
    for scene in range(per_channel):
        # the channels' windows, side by side; at most LONGEST of them
        sources = [
            batches([split.test[channel * per_channel + scene][: LONGEST + context]], context, 16)
            for channel in range(channels)
        ]
        for together in zip(*sources, strict=True):
            truth = np.concatenate([target for _, target in together], axis=-1)
            made = [np.concatenate([predict_next(model, seen, 16) for seen, _ in together], axis=-1) for model in shown]
            rows += [[to_bytes(frame) for frame in frames] for frames in zip(truth, *made, strict=True)]
    rows = rows[:LONGEST]
    differences = [row[-1].astype(np.float32).mean(-1) - row[0].astype(np.float32).mean(-1) for row in rows]
    largest = max(8.0, float(np.percentile(np.abs(differences), 99.9)))  # grey levels
    moving = max(range(len(rows)), key=lambda index: np.square(rows[index][1].astype(int) - rows[index][0]).sum())
    labels = ["truth", "copied", "optical flow", "network", "error of the network"]
    frames = []
    for row, difference in zip(rows, differences, strict=True):
        panels = [*(in_colour(frame[None])[0] for frame in row), to_colours(difference, largest)]
        frames.append(beside(panels, labels))
    return np.stack(frames), moving


def in_colour(frames: np.ndarray) -> np.ndarray:
    """Frames `(count, height, width, 1 or 3)` as uint8 `(count, height, width, 3)`."""
    return np.repeat(frames, 3, axis=-1) if frames.shape[-1] == 1 else frames


def enlarged(frames: np.ndarray) -> np.ndarray:
    """Enlarge `(count, height, width, 3)` by a whole number, to about 192 pixels: players would blur it."""
    zoom = max(1, PANEL // max(frames.shape[1:3]))
    return frames.repeat(zoom, axis=1).repeat(zoom, axis=2)


def beside(panels: Iterable[np.ndarray], labels: Iterable[str]) -> np.ndarray:
    """Put panels `(height, width, 3)` in a row, each under its label, on white; both sides of the result are even."""
    large = [enlarged(panel[None])[0] for panel in panels]
    height, width = large[0].shape[:2]
    full = len(large) * (width + GAP) - GAP
    page = Image.new("RGB", (full + full % 2, height + LABEL + (height + LABEL) % 2), "white")
    for index, (panel, label) in enumerate(zip(large, labels, strict=True)):
        left = index * (width + GAP)
        page.paste(Image.fromarray(panel), (left, LABEL))
        ImageDraw.Draw(page).text((left + 1, 1), label, fill="black")
    return np.asarray(page)


def player(video: bytes, frames: np.ndarray, fps: float, describe: str, caption: str = "") -> str:
    """A video inside the page, with controls below it; `frames`, `(count, height, width, 3)`, are what it shows."""
    count, height, width = frames.shape[:3]
    about = {"frames": count, "width": width, "height": height, "fps": f"{fps:g}"}
    about |= {"above": (), "below": (caption,), "describe": describe}
    return render_with_script("player", video=data_url(video, "video/mp4"), **about)


def picture(pixels: np.ndarray) -> str:
    """An image as a data URL."""
    return data_url(to_png(pixels), "image/png")


def curve(about: dict[str, Any]) -> str:
    """The validation error while the network learned, beside those of the best baseline and of copying."""
    steps = [entry["step"] for entry in about["training"]]
    lines = {"the network, in training": [entry["validation"] for entry in about["training"]]}
    for name in dict.fromkeys([about["blended"], "copy_last"]):  # the best baseline, and copying if that is another
        lines[TITLES[name]] = [about["validation"][name]] * len(steps)
    figure = plotting.curves(steps, lines, xlabel="training steps", ylabel="MSE on the validation part", yscale="log")
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return data_url(png.getvalue(), "image/png")
