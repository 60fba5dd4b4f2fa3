"""Draw the picture on the book's first page and in the README: film, and three forecasts of what comes next."""

from pathlib import Path

import matplotlib

from nextframe import clips, forecasting, plotting, windows
from nextframe.models import build

PICTURE = Path(__file__).resolve().parents[1] / "book" / "figures" / "forecasts.png"

if __name__ == "__main__":
    matplotlib.use("agg")
    bottle = clips.read_clip(clips.example_path("bottle"), size=64)[55:70:3]
    contexts, targets = (windows.to_unit(part) for part in windows.sliding_windows(bottle, context=4))
    forecasts = {
        name: forecasting.predict_next(build(name, contexts.shape[1:]), contexts)[0]
        for name in ("copy_last", "linear_extrapolation", "optical_flow")
    }
    title = "What comes next? Three forecasts that have learned nothing, and where they are wrong"
    figure = plotting.show_forecasts(contexts[0], targets[0, 0], forecasts, title)
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Software": None})
