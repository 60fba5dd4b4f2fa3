"""Draw what the book's first page and the README show: a film with forecasts that have learned nothing, and the same
for every trained network, as a player.
"""

from pathlib import Path

import matplotlib

from nextframe import clips, forecasting, leaderboard, measured, plotting, pretrained, protocols, windows
from nextframe.models import build

FIGURES = Path(__file__).resolve().parents[1] / "book" / "figures"
ROW = 4  # networks side by side


def draw_forecasts() -> None:
    """Draw three forecasts of a real film that have learned nothing, with their errors."""
    bottle = clips.read_clip(clips.example_path("bottle"), size=64)[55:70:3]
    contexts, targets = (windows.to_unit(part) for part in windows.sliding_windows(bottle, context=4))
    forecasts = {
        name: forecasting.predict_next(build(name, contexts.shape[1:]), contexts)[0]
        for name in ("copy_last", "linear_extrapolation", "optical_flow")
    }
    title = "What comes next? Three forecasts that have learned nothing, and where they are wrong"
    figure = plotting.show_forecasts(contexts[0], targets[0, 0], forecasts, title)
    figure.savefig(FIGURES / "forecasts.png", bbox_inches="tight", metadata={"Software": None})


def draw_networks() -> None:
    """Play a film of test digits beside each network's forecasts of it, the best network first."""
    film = protocols.films("digits_32", training=1).film
    trained = [name for name in leaderboard.runs("digits-32") if name in pretrained.names()]
    pages = []
    for row in (trained[:ROW], trained[ROW:]):  # a phone has no room for more side by side
        clips_of_row = {"the film": film[0, 10:]}
        for name in row:
            clips_of_row[name.replace("_", " ")] = forecasting.predict_along(pretrained.load(name), film)[0]
        describe = (
            "Two handwritten digits that bounce inside a frame, and beside them the forecasts of each of their frames "
            f"by {', '.join(list(clips_of_row)[1:])}, from the smallest error to the largest."
        )
        pages.append(plotting.player(clips_of_row, describe=describe).data)
    measured.put(FIGURES / "networks.html", ("\n".join(pages) + "\n").encode())


if __name__ == "__main__":
    matplotlib.use("agg")
    draw_forecasts()
    draw_networks()
