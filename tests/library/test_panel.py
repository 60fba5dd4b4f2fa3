"""The panel that trains on an uploaded video, driven without a browser: what a click does, and what it then shows."""

import datetime
import importlib
import io
import re
import sys
import threading

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from nextframe import clips, training
from nextframe._utils.uploads import read_upload
from nextframe.datasets.real_clips import example_path
from nextframe.scenes import split_scenes
from nextframe.video import contest, panel, training_run

STEPS = 4  # of training, one a round


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(contest, "planned_steps", lambda *args: STEPS)


def small_panel(source=None):
    made = panel.training_panel(source)
    made.size.value = 64
    return made


def uploaded(name, content):
    """The value of ipywidgets 8's widget, once a browser has sent a file."""
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return ({"name": name, "type": "", "size": len(content), "last_modified": when, "content": memoryview(content)},)


def click(made, button):
    """Click, and wait until the thread is done."""
    getattr(made, button).click()
    made.thread.join()


def enabled(made):
    return [name for name in ("start", "stop", "go_on") if not getattr(made, name).disabled]


def size(picture):
    return Image.open(io.BytesIO(picture.value)).size


# --- uploads

TWO = {name: {"metadata": {"name": name, "size": 3}, "content": name.encode()} for name in ("one.gif", "two.gif")}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, None),
        ((), None),
        (TWO, ("two.gif", b"two.gif")),
        (uploaded("one.gif", b"1") + uploaded("two.gif", b"22"), ("two.gif", b"22")),
        (uploaded("../../two.gif", b"22"), ("two.gif", b"22")),
        (uploaded("C:\\films\\two.gif", b"22"), ("two.gif", b"22")),
        (uploaded("films/..", b"22"), ("upload", b"22")),
    ],
)
def test_an_upload_as_either_version_gives_it(value, expected):
    found = read_upload(value)
    assert found == expected
    assert found is None or type(found[1]) is bytes


# --- the panel


def test_what_is_no_video_is_said_and_another_one_is_trained_on(tmp_path):
    made = small_panel()
    assert (enabled(made), made.shown.layout.display) == ([], "none")
    made.upload.value = uploaded("notes.txt", b"no video at all")
    assert enabled(made) == ["start"]
    click(made, "start")
    assert "notes.txt is not a video that ffmpeg can read" in made.status.value
    assert (enabled(made), made.model) == (["start"], None)

    clips.write_clip(tmp_path / "short.avi", np.zeros((14, 64, 64), np.uint8))
    made.upload.value = uploaded("short.avi", (tmp_path / "short.avi").read_bytes())
    click(made, "start")
    assert "the longest scene has 14 frames; with context=4 expected at least 15" in made.status.value
    assert (enabled(made), made.shown.layout.display) == (["start"], "none")

    made.upload.value = uploaded("tree.mp4", example_path("tree").read_bytes())
    assert "tree.mp4 (0.5 MB): press Start" in made.status.value
    drawn, losses = [], []
    made.pictures[2].observe(lambda change: drawn.append(change.new), "value")
    made.losses.observe(lambda change: losses.append(size(made.losses)), "value")
    click(made, "start")
    assert [entry["step"] for entry in made.history] == [1, 2, 3, 4]
    assert all(0 < entry[name] < 0.01 for entry in made.history for name in ("loss", "validation"))
    assert len(drawn) >= 3  # before training, after a round, at the end; two rounds may look alike
    assert len(losses) >= 1 + STEPS
    assert losses[-1][0] > 1.5 * losses[-1][1]
    assert [size(picture) for picture in made.pictures] == [(192, 192)] * 4
    assert (enabled(made), made.shown.layout.display) == (["start"], "")
    split = split_scenes(clips.read_clip(example_path("tree"), 64), [], 4)
    expected = contest.window_errors(made.model, split.validation).mean()
    assert f"Done. Validation MSE of the network {expected:.3g}" in made.status.value
    assert re.search(r"copying 0\.0\d+, optical flow 0\.0\d+", made.status.value)
    assert plt.get_fignums() == []  # a notebook would show them under the next cell


def test_a_run_that_is_stopped_goes_on_to_the_same_weights():
    path = example_path("tree")
    whole, made = small_panel(path), small_panel(path)
    click(whole, "start")
    during = []

    def stop_once(change):
        if len(made.history) == 2 and not during:
            during.append((enabled(made), made.model, made.upload.disabled, made.seconds.disabled))
            made.start.click()  # too late: it must not begin another run
            made.stop.click()

    made.losses.observe(stop_once, "value")
    click(made, "start")
    assert during == [(["stop"], None, True, True)]
    assert (len(made.history), enabled(made), made.upload.disabled) == (2, ["start", "go_on"], False)
    assert "Stopped after round 2 of 4. Validation MSE" in made.status.value
    assert isinstance(made.model, keras.Model)
    made.size.value = 96  # for another run, not for this one
    click(made, "go_on")
    assert made.history == whole.history
    assert all(np.array_equal(*pair) for pair in zip(*(m.model.get_weights() for m in (made, whole)), strict=True))
    assert enabled(made) == ["start"]
    click(made, "start")
    assert made.model.input_shape == (None, 4, 96, 96, 1)
    assert len(made.history) == STEPS


def test_a_stop_before_the_first_round():
    made = small_panel(example_path("tree"))
    made.status.observe(lambda change: "reading it" in change.new and made.stop.click(), "value")
    click(made, "start")
    assert "stopped before the first round" in made.status.value
    assert (made.history, made.model, enabled(made)) == ([], None, ["start", "go_on"])


def test_an_error_that_nobody_foresaw_is_shown_and_raised(monkeypatch, tmp_path):
    raised = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))
    monkeypatch.setattr(panel, "prepare", lambda *args: 1 / 0)
    made = small_panel(tmp_path / "a.mp4")
    click(made, "start")
    assert raised == [ZeroDivisionError]
    assert "ZeroDivisionError: division by zero" in made.status.value
    assert enabled(made) == ["start"]


def test_a_missing_file_is_said(tmp_path):
    made = small_panel(tmp_path / "<b>.mp4")
    click(made, "start")
    assert "no file or folder at" in made.status.value
    assert "&lt;b&gt;.mp4" in made.status.value


def test_training_that_does_harm_is_not_kept(monkeypatch, tmp_path):
    run = training_run.prepare(example_path("tree"), 64, None, 1)
    shipped = run.forecast()

    def ruin(model, *args, **options):
        model.set_weights([np.ones_like(array) for array in model.get_weights()])

    monkeypatch.setattr(training, "fit", ruin)
    assert training_run.train(run, tmp_path / "a.npz", lambda: True) == run.errors["shipped"]
    assert run.kept == "shipped"
    np.testing.assert_array_equal(run.forecast(), shipped)
    made = small_panel(example_path("tree"))
    click(made, "start")
    assert "training did not help" in made.status.value


def test_a_still_video_is_trained_on_as_well(tmp_path):
    """Where nothing moves, every error is 0, which has no logarithm and divides nothing."""
    clips.write_clip(tmp_path / "still.avi", np.full((30, 64, 64), 90, np.uint8))
    made = small_panel(tmp_path / "still.avi")
    click(made, "start")
    assert "copying 0, optical flow 0" in made.status.value
    assert len(made.history) == STEPS


def test_without_ipywidgets_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "nextframe.video.panel")
    with pytest.raises(ImportError, match="nextframe.video.panel needs ipywidgets.*pip install ipywidgets"):
        importlib.import_module("nextframe.video.panel")
