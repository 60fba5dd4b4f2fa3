"""Widgets: their settings and pictures here, their behaviour in node, where a machine has it."""

import base64
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from nextframe import widgets, windows
from nextframe.models import build


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (30, 6, 8), dtype=np.uint8)


def test_explorer_is_self_contained(clip):
    page = widgets.window_explorer(clip, stride=3, position=2).data
    assert "SETTINGS" not in page
    assert "window 2 of <code>sliding_windows(clip, context=4, horizon=1, stride=3, frame_step=1)</code>" in page
    assert "http" not in page
    assert "<script src" not in page
    for name in ("context", "horizon", "stride", "frame_step", "position"):
        assert f'name="{name}"' in page


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"context": 0}, "context=0: expected 1 to 10"),
        ({"horizon": 6}, "horizon=6: expected 1 to 5"),
        ({"stride": 0}, "stride=0: expected 1 to 10"),
        ({"frame_step": 9}, "frame_step=9: expected 1 to 5"),
        ({"position": -1}, "position=-1: expected 0 to 30"),
    ],
)
def test_bad_start(clip, arguments, named):
    with pytest.raises(ValueError, match=named):
        widgets.window_explorer(clip, **arguments)


def test_long_clip():
    with pytest.raises(ValueError, match="clip has 101 frames; the explorer takes at most 100: pass"):
        widgets.window_explorer(np.zeros((101, 4, 4), np.uint8))


# A page just large enough for the explorer's script: elements, attributes and text, no layout.
BROWSER = """
class Element {
  constructor(tag) { this.tag = tag; this.children = []; this.dataset = {}; this.style = {}; this.listeners = []; }
  append(...parts) { this.children.push(...parts); }
  replaceChildren(...parts) { this.children = parts; }
  addEventListener(_, listener) { this.listeners.push(listener); }
  set textContent(text) { this.children = [text]; }
  get textContent() { return this.children.map((part) => part.textContent ?? part).join(""); }
}
const parts = {};
for (const name of ["timeline", "window", "summary"]) parts[name] = new Element("div");
const inputs = ["context", "horizon", "stride", "frame_step", "position"].map((name) =>
  Object.assign(new Element("input"), { name, previousElementSibling: {}, set max(most) {
    this.most = most; if (Number(this.value) > most) this.value = most; } }));
const root = Object.assign(new Element("div"), {
  querySelector: (selector) => parts[selector.slice(1)], querySelectorAll: () => inputs });
globalThis.document = { querySelectorAll: () => [root], createElement: (tag) => new Element(tag) };
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("sizes", [(4, 1, 1, 1), (3, 2, 4, 2), (10, 5, 1, 5)])
def test_explorer_agrees_with_sliding_windows(clip, sizes):
    page = widgets.window_explorer(clip).data
    (script,) = re.findall(r"<script>(.*)</script>", page, flags=re.DOTALL)
    context, horizon, stride, frame_step = sizes
    values = dict(zip(("context", "horizon", "stride", "frame_step"), sizes, strict=True)) | {"position": 1}
    move = f"""
for (const input of inputs) input.value = {json.dumps(values)}[input.name];
root.listeners.forEach((listener) => listener());
const numbers = (role) => parts.window.children.filter((f) => f.className === role).map((f) => f.textContent);
console.log(JSON.stringify({{
  summary: parts.summary.textContent,
  context: numbers("context"),
  target: numbers("target"),
  marked: parts.timeline.children.map((mark) => mark.className ?? ""),
}}));
"""
    done = subprocess.run(["node", "-e", BROWSER + script + move], capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    if windows.window_span(context, horizon, frame_step) > len(clip):
        assert "this window reaches over 71 frames, and the clip has 30" in shown["summary"]
        assert not shown["context"]
        return
    numbers = np.arange(30, dtype=np.uint8).reshape(30, 1, 1)
    contexts, targets = (part[..., 0, 0] for part in windows.sliding_windows(numbers, *sizes))
    assert shown["context"] == [f"frame {number}" for number in contexts[1]]
    assert shown["target"] == [f"frame {number}" for number in targets[1]]
    assert f"{len(contexts)} windows." in shown["summary"]
    assert f"contexts: ({len(contexts)}, {context}, 6, 8)" in shown["summary"]
    assert [n for n, mark in enumerate(shown["marked"]) if mark == "context"] == contexts[1].tolist()
    assert [n for n, mark in enumerate(shown["marked"]) if mark == "target"] == targets[1].tolist()


# ---- the frame slider ----


@pytest.fixture
def stacks():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (5, 6, 8), dtype=np.uint8)
    return {"truth": truth, "error": rng.uniform(-1, 1, (5, 6, 8, 1)).astype(np.float32)}


def sprites(page):
    """The pictures of a page, decoded."""
    for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page):
        yield np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_frame_slider_holds_every_frame(stacks):
    page = widgets.frame_slider(stacks, "frame", errors=["error"], start=2, describe="noise & its error").data
    truth, error = sprites(page)
    assert np.array_equal(truth, np.concatenate(stacks["truth"], axis=1))
    assert error.shape == (6, 5 * 8, 3)
    reddest = np.unravel_index(stacks["error"].argmax(), (5, 6, 8))
    red, _, blue = error[reddest[1], reddest[0] * 8 + reddest[2]].astype(int)
    assert red > blue + 50
    assert 'aria-label="noise &amp; its error"' in page
    assert "background-position:-320px 0" in page  # the third frame of 160 pixels
    assert "error, ±0.5" in page
    assert "http" not in page


def test_jupyterlab_leaves_the_arrow_keys_to_sliders(clip, stacks):
    """It asks the element that has the focus itself, not those around it."""
    for page in (widgets.window_explorer(clip).data, widgets.frame_slider(stacks, "k").data):
        sliders = re.findall(r"<input[^>]*>", page)
        assert sliders
        assert all("data-lm-suppress-shortcuts" in slider for slider in sliders)


def test_forecasts_beside_the_truth():
    film = np.random.default_rng(0).random((1, 9, 8, 10, 1)).astype(np.float32)
    page = widgets.forecast_slider(build("copy_last", (4, 8, 10, 1)), film, "copying").data
    truth, copied, forecast, error = sprites(page)
    assert np.array_equal(truth, np.concatenate(np.rint(film[0, 4:, ..., 0] * 255).astype(np.uint8), axis=1))
    assert np.array_equal(copied, forecast)
    assert not np.array_equal(copied, truth)
    assert error.shape == (8, 50, 3)
    assert '["4", "5", "6", "7", "8"]' in page
    assert "<video" in widgets.forecast_player(build("copy_last", (4, 8, 10, 1)), film, "copying", "noise").data


def test_a_copied_frame_shifts_along():
    context = np.random.default_rng(0).random((1, 4, 8, 10, 1)).astype(np.float32)
    page = widgets.shift_slider(build("copy_last", (4, 8, 10, 1)), context, largest_shift=3).data
    shifted, of_shifted, along, difference = sprites(page)
    assert np.array_equal(shifted[:, 10:20], np.roll(shifted[:, :10], 1, axis=1))
    assert np.array_equal(of_shifted, along)
    assert np.ptp(difference[..., 0]) == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"values": [1, 2]}, "2 values for 5 positions: pass one for each"),
        ({"start": 5}, "start=5: expected 0 to 4"),
    ],
)
def test_bad_frame_slider(stacks, arguments, named):
    with pytest.raises(ValueError, match=named):
        widgets.frame_slider(stacks, "frame", **arguments)


def test_frames_that_differ_in_shape(stacks):
    with pytest.raises(ValueError, match="frames differ in shape.*pass as many of each, of one size"):
        widgets.frame_slider(stacks | {"short": stacks["truth"][:3]}, "frame")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_frame_slider_moves_all_pictures(stacks):
    page = widgets.frame_slider(stacks, "shift", values=["none", "1", "2", "3", "4 px"]).data
    (script,) = re.findall(r"<script>(.*)</script>", page, flags=re.DOTALL)
    steps = [int(step) for step in re.findall(r'data-step="(\d+)"', page)]
    browser = f"""
const pictures = {json.dumps(steps)}.map((step) => ({{ dataset: {{ step }}, style: {{}} }}));
const output = {{}}, slider = {{ value: "0", addEventListener: (_, listener) => {{ slider.move = listener; }} }};
const root = {{ dataset: {{}}, querySelectorAll: () => pictures,
  querySelector: (name) => name === "input" ? slider : output }};
globalThis.document = {{ querySelectorAll: () => [root] }};
"""
    move = """
slider.value = "4"; slider.move();
console.log(JSON.stringify([output.textContent, ...pictures.map((picture) => picture.style.backgroundPosition)]));
"""
    done = subprocess.run(["node", "-e", browser + script + move], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["4 px", "-640px 0", "-640px 0"]
