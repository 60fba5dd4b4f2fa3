"""A panel for notebooks: upload a video, train on it, watch, stop, go on. For ipywidgets 7.7 (Colab's) and 8."""

import html
import io
import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from nextframe import plotting
from nextframe._utils.pages import to_png
from nextframe._utils.pixels import as_planes, to_bytes, to_colours
from nextframe._utils.uploads import read_upload
from nextframe.video.training_run import TrainingRun, prepare, train

try:
    import ipywidgets
except ImportError as missing:
    raise ImportError("nextframe.video.panel needs ipywidgets, which is missing: pip install ipywidgets") from missing

SIZES = (64, 96, 128)  # pixels, both sides of a frame
SHOWN = 192  # pixels of a frame on the page, or about
RED = "#b00020"  # for errors
ACCEPTED = "video/*,image/gif,.npy,.npz,.tif,.tiff"  # types of files that the browser offers


def training_panel(source: str | os.PathLike | None = None) -> ipywidgets.VBox:
    """Make a panel that trains a network on a video: choose, start, watch, stop, go on.

    It trains `flow_unet`, from the weights that it ships with, on the first 60 % of each scene, and validates on the
    next 15 %; the rest is left for a test. Training runs in a thread, so other cells can run meanwhile. A stop comes
    with the end of the round, after about 5 seconds at most. A run that was stopped and goes on ends with the same
    weights as one that was not, even if the panel's settings have changed since.

    Args:
        source: The video until a file is uploaded, as in `nextframe.clips.read_clip`. Pass the path of a video above
            10 MB, since Jupyter drops an upload of that size. Default: none, and Start waits for an upload.

    Returns:
        The panel; as the last line of a cell it appears under it. Errors about a video appear in its status.
        Its attributes: `model` is the `keras.Model` once a run has ended or was stopped, with the weights that did
        best on validation, and None before that and while it trains. `history` has an entry a round: {"step": …,
        "loss": …, "validation": …}. `thread` is the `threading.Thread` that trains: join it to wait.
    """
    return _Panel(source)


class _Panel(ipywidgets.VBox):
    """The widgets, and the thread that trains."""

    def __init__(self, source: str | os.PathLike | None):
        super().__init__()
        self.model: keras.Model | None = None
        self.thread: threading.Thread | None = None
        self._source = None if source is None else Path(source)
        self._run: TrainingRun | None = None
        self._busy, self._stopping = False, threading.Event()
        self._largest = 1.0  # error that is drawn in full colour
        self._folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._lay_out()
        self.upload.observe(lambda change: self._wait(), "value")
        self.start.on_click(lambda button: self._launch(anew=True))
        self.go_on.on_click(lambda button: self._launch(anew=False))
        self.stop.on_click(lambda button: self._halt())
        self._wait()

    @property
    def history(self) -> list[dict[str, float]]:
        """An entry a round of the present run."""
        return [] if self._run is None else self._run.history

    def _lay_out(self) -> None:
        layout = ipywidgets.Layout

        def number(kind: type, value: int, least: int, most: int, text: str, width: str) -> ipywidgets.Widget:
            style = {"description_width": "initial"}  # as wide as its text
            return kind(value=value, min=least, max=most, description=text, style=style, layout=layout(width=width))

        self.upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=False, layout=layout(width="110px"))
        self.size = ipywidgets.Dropdown(
            options=[(f"{side} × {side}", side) for side in SIZES],
            value=SIZES[1],
            description="Frame size",
            style={"description_width": "initial"},
            layout=layout(width="180px"),
        )
        self.fps = number(ipywidgets.BoundedFloatText, 0, 0, 1000, "Frames a second (0: all)", "230px")
        self.seconds = number(ipywidgets.BoundedIntText, 60, 1, 3600, "Seconds of training", "210px")
        self.start, self.stop, self.go_on = (
            ipywidgets.Button(description=text, icon=icon, layout=layout(width="110px"))
            for text, icon in (("Start", "play"), ("Stop", "stop"), ("Go on", "step-forward"))
        )
        self.start.button_style = "primary"
        self.status = ipywidgets.HTML()
        self.labels = [ipywidgets.HTML() for _ in range(4)]
        self.pictures = [ipywidgets.Image(format="png", layout=layout(margin="2px 10px 2px 2px")) for _ in self.labels]
        self.losses = ipywidgets.Image(format="png", layout=layout(width="806px", max_width="100%"))
        wrapped = layout(flex_flow="row wrap", align_items="center")
        columns = [ipywidgets.VBox(pair) for pair in zip(self.labels, self.pictures, strict=True)]
        self.shown = ipywidgets.VBox([ipywidgets.HBox(columns, layout=wrapped), self.losses])
        settings = ipywidgets.HBox([self.upload, self.size, self.fps, self.seconds], layout=wrapped)
        self.children = [settings, ipywidgets.HBox([self.start, self.stop, self.go_on]), self.status, self.shown]

    def _wait(self) -> None:
        """Show which video would be trained on, and enable Start."""
        uploaded = read_upload(self.upload.value)
        if uploaded is not None:
            self._say(f"{uploaded[0]} ({len(uploaded[1]) / 1e6:.1f} MB): press Start.")
        else:
            self._say("Upload a video." if self._source is None else f"{self._source.name}: press Start.")
        self._enable()

    def _enable(self) -> None:
        """Enable the controls that make sense now."""
        for widget in (self.upload, self.size, self.fps, self.seconds):
            widget.disabled = self._busy
        self.start.disabled = self._busy or (self._source is None and not self.upload.value)
        self.stop.disabled = not self._busy
        self.go_on.disabled = self._busy or self._run is None or len(self.history) == self._run.rounds
        self.shown.layout.display = "none" if self._run is None else ""  # no broken pictures

    def _say(self, text: str, colour: str = "inherit") -> None:
        # not ipywidgets.Label, which cuts a long text off
        self.status.value = f'<div role="status" style="color:{colour};line-height:1.4">{html.escape(text)}</div>'

    def _launch(self, anew: bool) -> None:
        """Train in a thread. A second click, on its way when the first one came, does nothing."""
        if self._busy:
            return
        self._busy, self.model = True, None
        self._stopping.clear()
        if anew:
            self._run = None
            (self._folder / "checkpoint.npz").unlink(missing_ok=True)
        self._enable()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _halt(self) -> None:
        self._stopping.set()
        self.stop.disabled = True
        self._say("Stopping with the end of this round …")

    def _work(self) -> None:
        """The work of the thread: prepare, train and report."""
        try:
            self._run = run = self._run or self._prepare()
            if self._stopping.is_set():
                self._say(f"{run.name}: stopped before the first round. Go on, or Start anew.")
                return
            begun = f"going on from round {len(run.history)} of {run.rounds}" if run.history else "training"
            self._say(f"{run.name}: {begun}, {run.steps} steps in all …")
            error = train(run, self._folder / "checkpoint.npz", lambda: self._after_round(run))
            self.model = run.network
            self._draw(run, "by the best weights")
            self._say(self._verdict(run, error))
        except (OSError, ValueError) as error:  # the library's own words
            self._say(str(error), RED)
        except Exception as error:
            self._say(f"{type(error).__name__}: {error}", RED)
            raise
        finally:
            self._busy = False
            self._enable()

    def _prepare(self) -> TrainingRun:
        uploaded, path = read_upload(self.upload.value), self._source
        with tempfile.TemporaryDirectory() as folder:
            if uploaded is not None:
                path = Path(folder, uploaded[0])
                path.write_bytes(uploaded[1])
            assert path is not None  # else Start is disabled
            self._say(f"{path.name}: reading it, and measuring how fast a network trains here …")
            run = prepare(path, self.size.value, self.fps.value or None, self.seconds.value)
        self._largest = max(float(np.abs(run.forecast() - run.target).max()), 1e-3)
        self._draw(run, "before training")
        self.shown.layout.display = ""
        return run

    def _after_round(self, run: TrainingRun) -> bool:
        """Show how far it is; return whether to go on."""
        self._draw(run, f"after round {len(run.history)}")
        last = run.history[-1]
        losses = f"training loss {last['loss']:.3g}, validation {last['validation']:.3g}"
        if not self._stopping.is_set():
            self._say(f"{run.name}: round {len(run.history)} of {run.rounds}: {losses}")
        return not self._stopping.is_set()

    def _verdict(self, run: TrainingRun, error: float) -> str:
        done = len(run.history)
        how = "Done" if done == run.rounds else f"Stopped after round {done} of {run.rounds}"
        kept = "" if run.kept == "trained" else " (training did not help: the weights are those it began with)"
        others = f"copying {run.errors['copy_last']:.3g}, optical flow {run.errors['optical_flow']:.3g}"
        return f"{how}. Validation MSE of the network {error:.3g}{kept}; {others}."

    def _draw(self, run: TrainingRun, when: str) -> None:
        """Show the window as it is forecast now, and the losses so far."""
        forecast = run.forecast()
        planes = [as_planes(frame)[0] for frame in (run.seen[:, -1], run.target, forecast, forecast - run.target)]
        pixels = [*map(to_bytes, planes[:3]), to_colours(planes[3], self._largest)]
        texts = ["last frame seen", "truth", f"forecast {when}", f"its error, ±{self._largest:.2f}"]
        zoom = max(1, round(SHOWN / run.target.shape[1]))
        for label, text, picture, frame in zip(self.labels, texts, self.pictures, pixels, strict=True):
            label.value = f'<div style="line-height:1.4">{text}</div>'
            picture.value = to_png(frame.repeat(zoom, axis=0).repeat(zoom, axis=1))
        self.losses.value = _losses(run)


def _losses(run: TrainingRun) -> bytes:
    """Draw the losses so far, and the errors to beat, as a PNG; without pyplot, which is for one thread alone."""
    steps = [entry["step"] for entry in run.history]
    baselines = ("copy_last", "optical_flow")
    x = {name: [0.0, run.steps] for name in baselines} | {"training": steps, "validation": [0.0, *steps]}
    losses = {name: [run.errors[name]] * 2 for name in baselines}
    losses["training"] = [entry["loss"] for entry in run.history]
    losses["validation"] = [run.errors["shipped"], *(entry["validation"] for entry in run.history)]
    # a share of copying's error says more than a number such as 0.00033; in a still video there is no such error
    copying = run.errors["copy_last"]
    shares = {name: [value / (copying / 100 or 1) for value in values] for name, values in losses.items()}
    title = f"Best validation: {min(shares['validation']):.0f} % of the error of copying" if copying else ""
    figure = Figure(figsize=(7.6, 2.7), dpi=plotting.DPI, facecolor="white")
    plotting.curves(x, shares, "training step", "MSE, % of copying's" if copying else "MSE", title, figure)
    if copying:
        axis = figure.axes[0]
        axis.set_yscale("log")  # one part of a video may be ten times as hard as another
        axis.yaxis.set_major_formatter(LogFormatter())  # 80 rather than 8 × 10¹
        axis.yaxis.set_minor_formatter(LogFormatter())
    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight")
    return png.getvalue()
