"""Draw the pictures of the book's first page and the README: a clip with the baselines' forecasts, a player of every
trained network's forecasts, and their errors. And the card that other sites show of a link to the book.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

from nextframe import clips, forecasting, plotting, pretrained, windows
from nextframe._utils.files import write_atomically
from nextframe.benchmark import leaderboard, tasks
from nextframe.datasets.real_clips import example_path
from nextframe.models import build

FIGURES = Path(__file__).resolve().parents[1] / "book" / "figures"
ROW = 5  # networks side by side
CARD = FIGURES.parent / "site" / "card.png"
INK, NEXT = "#0072b2", "#d55e00"  # the logo's colours


def draw_forecasts() -> None:
    """Draw three forecasts of a real clip, with their errors: copied, moved, and of a network that never saw it."""
    box = windows.to_unit(clips.read_clip(example_path("box"), size=192)[356:361])
    context, truth = box[:4], box[4]
    models = {name: build(name, context.shape) for name in ("copy_last", "optical_flow")}
    models["network"] = pretrained.load("flow_unet", context.shape, without="box")
    forecasts = {name: forecasting.predict_next(model, context[None])[0] for name, model in models.items()}
    title = "What comes next? Three forecasts, and where they are wrong"
    figure = plotting.show_forecasts(context, truth, forecasts, title, last=1)
    figure.savefig(FIGURES / "forecasts.png", bbox_inches="tight", metadata={"Software": None})


def draw_networks() -> None:
    """Play a clip of test digits beside each network's forecasts of it, the best network first."""
    video = tasks.load_task("digits_32", training=1).video
    trained = [name for name in leaderboard.load_runs("digits-32") if name in pretrained.names()]
    pages = []
    for row in (trained[:ROW], trained[ROW:]):  # a phone has no room for more side by side
        clips_of_row = {"the clip": video[0, 10:]}
        for name in row:
            clips_of_row[name.replace("_", " ")] = forecasting.predict_along(pretrained.load(name), video)[0]
        describe = (
            "Two handwritten digits that bounce inside a frame, and beside them the forecasts of each of their frames "
            f"by {', '.join(list(clips_of_row)[1:])}, from the smallest error to the largest."
        )
        pages.append(plotting.player(clips_of_row, describe=describe).data)
    write_atomically(FIGURES / "networks.html", ("\n".join(pages) + "\n").encode())


def draw_answer() -> None:
    """Draw a bar for each network and for optical flow: the share of copying's error that it leaves."""
    errors = {
        name: leaderboard.over_seeds(runs, leaderboard.mse_per_frame)[0]
        for name, runs in leaderboard.load_runs("digits-32").items()
    }
    shares = {name: error / errors["copy_last"] for name, error in errors.items() if error < errors["copy_last"]}
    figure, ax = plt.subplots(figsize=(5.5, 3.2), dpi=plotting.DPI)
    names = [name.replace("_", " ") for name in shares]
    colours = [plotting.COLOURS.get(name, plotting.OTHERS[0]) for name in shares]
    bars = ax.barh(names, list(shares.values()), color=colours)
    ax.bar_label(bars, [f"{share:.0%}" for share in shares.values()], padding=3)
    ax.set_title("What is left of copying's error", loc="left")
    ax.invert_yaxis()
    ax.set(xticks=[], frame_on=False)
    ax.tick_params(length=0)
    figure.savefig(FIGURES / "answer.png", bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def draw_card() -> None:
    """Draw 1200 × 630 pixels: a clip, and its next frame by two networks and in truth."""
    video = tasks.load_task("digits_32", training=1).video[:1]
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
    figure.savefig(CARD, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    matplotlib.use("agg")
    draw_forecasts()
    draw_networks()
    draw_answer()
    draw_card()
