"""Draw the pictures of the book's first page and the README: a real clip with its forecasts, still and in motion, and
what they leave of copying's error. And the card that other sites show of a link to the book.
"""

import html
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from nextframe import clips, forecasting, plotting, pretrained, windows
from nextframe._utils import ffmpeg, pages
from nextframe._utils.files import write_atomically
from nextframe._utils.pixels import as_planes, to_bytes, to_colours
from nextframe.benchmark import leaderboard, protocols, tasks
from nextframe.datasets.real_clips import example_path
from nextframe.models import build
from nextframe.video import evidence

FIGURES = Path(__file__).resolve().parents[1] / "book" / "figures"
SITE = FIGURES.parent / "site"
FPS = 15  # of the video, in its own time
FILMED = range(72, 132)  # frames, at this rate, in which the box turns
WIDTH = 432  # of the video on the page, in pixels
LARGEST_ERROR = 0.25  # that is drawn in full colour
INK, NEXT = "#0072b2", "#d55e00"  # the logo's colours


def draw_forecasts() -> None:
    """Draw three forecasts of a real clip, with their errors: copied, moved, and of a network that never saw it."""
    box = windows.to_unit(clips.read_clip(example_path("box"), size=192)[356:361])
    context, truth = box[:4], box[4]
    models = {name: build(name, context.shape) for name in ("copy_last", "optical_flow")}
    models["network"] = pretrained.load("flow_unet", context.shape, without="box")
    forecasts = {name: forecasting.predict_next(model, context[None])[0] for name, model in models.items()}
    title = "What comes next? Three forecasts, and where they are wrong"
    figure = plotting.show_forecasts(context, truth, forecasts, title)
    figure.savefig(FIGURES / "forecasts.png", bbox_inches="tight", metadata={"Software": None})


def video_of_forecasts() -> None:
    """Film a real clip, the frame before it copied, the forecasts of a network that never saw it, and their errors."""
    frames = windows.to_unit(clips.read_clip(example_path("box"), size=192, fps=FPS))
    context = np.stack([frames[first - 4 : first] for first in FILMED])
    network = pretrained.load("flow_unet", context.shape[1:], without="box")
    forecast = np.clip(forecasting.predict_next(network, context, batch_size=4), 0, 1)
    truth, copied = (as_planes(part) for part in (frames[FILMED.start : FILMED.stop], context[:, -1]))
    grey = [np.repeat(to_bytes(planes)[..., None], 3, axis=-1) for planes in (truth, copied, as_planes(forecast))]
    error = as_planes(forecast) - truth
    left = np.square(error).sum() / np.square(copied - truth).sum()
    pictures = [*grey, to_colours(error, LARGEST_ERROR)]
    white = [np.full_like(pictures[0][:, :, :4], 255), np.full_like(pictures[0][:, :4], 255)]
    rows = [np.concatenate([pictures[i], white[0], pictures[i + 1]], axis=2) for i in (0, 2)]
    between = np.concatenate([white[1], white[1][:, :, :4], white[1]], axis=2)
    video = np.concatenate([rows[0], between, rows[1]], axis=1)
    write_atomically(SITE / "first_page.mp4", ffmpeg.encode(video, FPS))
    Image.fromarray(video[0]).save(SITE / "first_page.jpg", quality=85)
    page = pages.render_with_script(
        "player",
        video="../first_page.mp4",
        poster="../first_page.jpg",
        fps=FPS,
        frames=len(video),
        above=["what came", "the frame before, copied"],
        below=["forecast", f"error: {left:.0%} of copying's"],
        width=WIDTH,
        height=WIDTH * video.shape[1] // video.shape[2],
        describe=(
            "A hand turns a patterned box, four times: as it came; each frame replaced by the one before; as a network "
            "forecasts it that never saw this video; and the forecast's errors, faint lines along the box's edges."
        ),
    )
    write_atomically(FIGURES / "first_page.html", f"{page}\n".encode())


def write_numbers() -> None:
    """Write what is left of copying's error, with the training that it took."""
    unseen, trained = (evidence.load_contests(128, how) for how in ("unseen", "trained"))
    left = [
        evidence.geometric_mean(evidence.ratios(contests, forecast, "copy_last"))
        for contests, forecast in ((unseen, "network"), (unseen, "optical_flow"), (trained, "network"))
    ]
    errors = {
        name: leaderboard.over_seeds(runs, leaderboard.mse_per_frame)[0]
        for name, runs in leaderboard.load_runs("digits-32").items()
    }
    (seconds,) = {stored["training_seconds"] for of_clip in trained.values() for stored in of_clip}
    minutes = protocols.settings("digits-32")["training"]["seconds"] / 60
    others = f"from the other {len(unseen) - 1} and from moving photographs, in some 20,000 steps"
    on_video = f"on {len(unseen)} real videos that the network never saw: it learned {others}"
    flow = f"optical flow, which moves patches on and needs no training, leaves {left[1]:.0%}"
    numbers = {
        left[0]: f"{on_video}; {flow}",
        left[2]: f"after {seconds:.0f} seconds of training on each video's own first part, on two CPU cores",
        min(errors.values())
        / errors["copy_last"]: "on small clips of two bouncing digits, by another such network, after the training "
        f"steps that two cores take in {minutes:.0f} minutes",
    }
    rows = "\n".join(
        f"<div><dt>{share:.0%}</dt><dd>{html.escape(words)}</dd></div>" for share, words in numbers.items()
    )
    write_atomically(FIGURES / "numbers.html", f'<dl class="numbers">\n{rows}\n</dl>\n'.encode())


def draw_card() -> None:
    """Draw 1200 × 630 pixels: a clip, and its next frame by two networks and in truth."""
    video = tasks.digits_32(training=1).video[:1]
    past = {"2 ago": video[0, 7], "1 ago": video[0, 8], "now": video[0, 9]}
    trained = {"dense LSTM": "dense_lstm", "forecaster": "forecaster"}
    forecasts = {
        title: forecasting.predict_along(pretrained.load(name), video)[0, 0] for title, name in trained.items()
    }
    pictures = past | forecasts | {"what came": video[0, 10]}
    figure, axes = plt.subplots(1, len(pictures), figsize=(12, 6.3), dpi=100)
    figure.subplots_adjust(left=0.05, right=0.95, top=0.5, bottom=0.12, wspace=0.12)
    figure.text(0.05, 0.82, "Next Frame", size=60, weight="bold", color=INK)
    figure.text(0.05, 0.68, "Predict the next frame of a greyscale video with Keras:", size=26, color="#333333")
    figure.text(0.05, 0.58, "every architecture, answered by measurement.", size=26, color="#333333")
    for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, y=-0.24, size=18, color="#333333")
        ax.set(xticks=[], yticks=[])
        colour, line = INK if title in past else NEXT, "--" if title in forecasts else "-"
        ax.spines[:].set(color=colour, linestyle=line, linewidth=4)
    figure.savefig(SITE / "card.png", metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    matplotlib.use("agg")
    draw_forecasts()
    video_of_forecasts()
    write_numbers()
    draw_card()
