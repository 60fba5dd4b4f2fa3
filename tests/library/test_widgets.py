"""Widgets: their settings and pictures. tests/browser moves them."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from nextframe import widgets
from nextframe.models import build


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (30, 6, 8), dtype=np.uint8)


def test_explorer_is_self_contained(clip):
    page = widgets.window_explorer(clip, stride=3, position=2).data
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
    video = np.random.default_rng(0).random((1, 9, 8, 10, 1)).astype(np.float32)
    page = widgets.forecast_slider(build("copy_last", (4, 8, 10, 1)), video, "copying").data
    truth, copied, forecast, error = sprites(page)
    assert np.array_equal(truth, np.concatenate(np.rint(video[0, 4:, ..., 0] * 255).astype(np.uint8), axis=1))
    assert np.array_equal(copied, forecast)
    assert not np.array_equal(copied, truth)
    assert error.shape == (8, 50, 3)
    assert """data-values='["4", "5", "6", "7", "8"]'""" in page
    assert "<video" in widgets.forecast_player(build("copy_last", (4, 8, 10, 1)), video, "copying", "noise").data


def test_a_forecast_that_is_too_bright_has_a_red_error():
    """A video that darkens: each copied frame is brighter than the truth."""
    video = np.broadcast_to(np.linspace(1, 0, 7, dtype=np.float32).reshape(1, 7, 1, 1, 1), (1, 7, 8, 10, 1))
    *_, error = sprites(widgets.forecast_slider(build("copy_last", (4, 8, 10, 1)), video, "copying").data)
    assert (error[..., 0] > error[..., 2]).all()


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


# ---- the world to steer ----


def test_a_world_holds_what_follows_each_order_of_keys(mover):
    context = np.zeros((1, 3, 6, 6, 1), np.float32)
    context[..., 4, 0, 0] = context[:, :, 4, 0] = 1
    page = widgets.steered_world(mover, context, ("stay", "left", "right"), presses=2, hold=2).data
    world, still = sprites(page)
    assert world.shape == ((1 + 3 + 9) * 6, 2 * 6)
    found = {}
    for row in range(1 + 3 + 9):
        found[row] = [int(world[6 * row + 4, 6 * frame : 6 * frame + 6].argmax()) for frame in range(2)]
    first = {row: found[row] for row in range(4)}
    assert first == {0: [0, 0], 1: [0, 0], 2: [5, 4], 3: [1, 2]}
    # the script goes from row r with action a to row 3 r + 1 + a
    assert found[3 * 2 + 1 + 1] == [3, 2]  # left twice
    assert found[3 * 2 + 1 + 2] == [5, 0]  # left, then right
    assert found[3 * 3 + 1 + 0] == [2, 2]  # right, then stay
    assert still.shape == (6, 4 * 6)
    assert still[4].nonzero()[0].tolist() == [0, 6, 12 + 4, 18 + 2]
    assert page.count("data-action") == 4  # three buttons, and the script that finds them
    for name in ("stay", "left", "right"):
        assert f">{name}</button>" in page
    with pytest.raises(ValueError, match="hold=4: expected 1 to 3"):
        widgets.steered_world(mover, context, ("stay", "left"), hold=4)
    with pytest.raises(ValueError, match="3 actions and presses=7 make 2,187 rollouts"):
        widgets.steered_world(mover, context, ("stay", "left", "right"), presses=7, hold=1)
