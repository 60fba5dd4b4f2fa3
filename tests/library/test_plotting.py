"""Figures and players: what is drawn, not how it looks."""

import base64
import re

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nextframe import clips, plotting
from nextframe._utils import ffmpeg, frame_grid
from nextframe.datasets.real_clips import example_path
from nextframe.models import model_functions

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def window():
    rng = np.random.default_rng(0)
    return rng.random((5, 12, 16, 1)), rng.random((12, 16, 1))


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., 0]


def test_frames_are_drawn_pixel_for_pixel():
    """Each pixel becomes a square block of its own grey: a whole-number zoom, no smoothing."""
    frame = np.random.default_rng(0).integers(0, 256, (1, 20, 30), dtype=np.uint8)
    drawn = pixels(plotting.show_frames(frame, ["one"])).astype(int)
    zoom = frame_grid._LARGEST_ZOOM
    blocks = frame[0].repeat(zoom, 0).repeat(zoom, 1).astype(int)
    shown = drawn[-len(blocks) - 1 : -1, 1:-1]  # below the label and the title, within an edge of one pixel
    assert np.abs(shown - blocks).max() <= 1  # the grey map has 256 steps of its own
    edges = drawn[-len(blocks) - 1 :, 0], drawn[-len(blocks) - 1 :, -1], drawn[-1], drawn[-len(blocks) - 2]
    assert all(np.abs(edge[1:-1] - 204).max() <= 1 for edge in edges)  # seen on a white page where the frame is white


def test_forecasts_share_one_error_scale(window):
    context, truth = window
    figure = plotting.show_forecasts(context, truth, {"a": truth, "b": truth + 0.1, "c": truth * 0})
    scales = {image.get_clim() for axis in figure.axes for image in axis.images if image.get_cmap().name == "RdBu_r"}
    assert len(scales) == 1
    ((low, high),) = scales
    assert low == -high == -truth.max()


def test_too_bright_is_red_and_too_dark_is_blue():
    truth = np.full((8, 8, 1), 0.5)
    figure = plotting.show_forecasts(truth[None], truth, {"bright": truth + 0.4, "dark": truth - 0.4})
    errors = [image for axis in figure.axes for image in axis.images if image.get_cmap().name == "RdBu_r"]
    bright, dark = (image.to_rgba(image.get_array())[0, 0] for image in errors)
    assert bright[0] > 2 * bright[2]
    assert dark[2] > 2 * dark[0]


def test_forecasts_show_the_end_of_the_context(window):
    context, truth = window
    figure = plotting.show_forecasts(context, truth, {"copy_last": context[-1]})
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:4] == ["t − 1", "t", "truth, t + 1", "copy last"]
    shown = figure.axes[1].images[0].get_array()
    assert np.array_equal(shown, np.rint(context[-1, ..., 0] * 255))


def test_no_row_holds_more_than_three_frames(window):
    """Six forecasts in one row are too small on a phone: three and their errors stand above the other three."""
    context, truth = window
    figure = plotting.show_forecasts(context, truth, {name: truth * 0 for name in "abcdef"})
    places = [axis.get_position() for axis in figure.axes]
    assert all(place.width > 0.3 for place in places)
    tops = {axis.get_title(): place.y1 for axis, place in zip(figure.axes, places, strict=True)}
    assert tops["t"] == tops["truth, t + 1"] > tops["a"] == tops["c"] > tops["d"] == tops["f"]
    errors = [place.y1 for axis, place in zip(figure.axes, places, strict=True) if axis.get_title().startswith("error")]
    assert sorted(set(errors)) == [min(errors), max(errors)]
    assert tops["d"] > min(errors)
    assert tops["a"] > max(errors) > tops["d"]


def test_many_forecasts_of_a_large_frame_fit_a_screen():
    truth = np.zeros((64, 64, 1))
    figure = plotting.show_forecasts(truth[None], truth + 1, {name: truth for name in "abcdef"})
    assert pixels(figure).shape[0] <= frame_grid.HEIGHT
    small = plotting.show_forecasts(truth[None], truth + 1, {"a": truth})
    assert pixels(small).shape[0] > frame_grid.HEIGHT // 2  # and no smaller than they must be


def test_a_perfect_forecast_can_be_drawn(window):
    context, truth = window
    pixels(plotting.show_forecasts(context, truth, {"perfect": truth}))


def test_no_two_models_share_a_colour():
    """Nor does a series without an entry, which takes one of the others, look like a model that has one."""
    assert set(plotting.COLOURS) <= set(model_functions())
    colours = [*plotting.COLOURS.values(), *plotting.OTHERS]
    assert len(set(colours)) == len(colours)


def test_a_new_model_needs_no_colour():
    names = ["conv_lstm", "mine", "yours", "copy_last", "theirs"]
    lines = plotting.curves([1, 2], {name: [1, 2] for name in names}, "x", "y").axes[0].lines
    assert len({line.get_color() for line in lines}) == len(names)


def test_curves_use_the_models_colour():
    figure = plotting.curves([1, 2], {"optical_flow": [1, 2], "copy_last": [2, 3]}, "x", "y", yscale="log")
    assert [line.get_color() for line in figure.axes[0].lines] == [
        plotting.COLOURS["optical_flow"],
        plotting.COLOURS["copy_last"],
    ]
    assert figure.axes[0].get_yscale() == "log"


def test_no_two_curves_look_alike():
    figure = plotting.curves([1, 2], {f"row {number}": [number, number] for number in range(8)}, "x", "y")
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 8


def test_two_values_are_a_line_of_reference_without_marks():
    lines = (
        plotting.curves({"row": [0, 1, 2], "goal": [0, 2]}, {"row": [3, 2, 1], "goal": [2, 2]}, "x", "y").axes[0].lines
    )
    assert [line.get_marker() for line in lines] == ["o", "None"]


def test_a_model_has_its_colour_by_the_name_that_prose_gives_it():
    lines = plotting.curves([1, 2, 3], {"LSTM": [1, 2, 3], "dense_lstm": [2, 3, 4]}, "x", "y").axes[0].lines
    assert len({line.get_color() for line in lines}) == 1


def test_names_stand_in_the_order_in_which_lines_end():
    series = {"falls": [9, 5, 1], "rises": [1, 5, 9], "lost": [2, 3, float("nan")], "stays": [5, 5, 5]}
    figure = plotting.curves([1, 2, 3], series, "x", "y")
    named = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert named == ["rises", "stays", "falls", "lost"]
    figure = plotting.curves([1, 2], {"first": [0, 1], "second": [0.5, 1.001], "third": [1, 0]}, "x", "y")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("count", "side", "rows"), [(3, 32, [3]), (5, 32, [3, 2]), (10, 32, [3, 3, 3, 1]), (12, 16, [6, 6])]
)
def test_frames_are_broken_into_rows(count, side, rows):
    figure = plotting.show_frames(np.zeros((count, side, side)), list(map(str, range(count))))
    heights = [round(axis.get_position().y0, 3) for axis in figure.axes]
    assert [heights.count(height) for height in sorted(set(heights), reverse=True)] == rows
    assert pixels(figure).shape[1] <= frame_grid.WIDTH
    assert [axis.get_title() for axis in figure.axes] == list(map(str, range(count)))


@pytest.mark.parametrize(("count", "marker"), [(60, "o"), (61, "None")])
def test_points_are_marked_where_they_can_be_told_apart(count, marker):
    figure = plotting.curves(range(count), {"row": [0.0] * count}, "x", "y")
    assert figure.axes[0].lines[0].get_marker() == marker


def test_curves_on_a_figure_that_pyplot_does_not_know():
    known, figure = plt.get_fignums(), Figure()
    assert plotting.curves([1, 2], {"a": [1, 2]}, "x", "y", on=figure) is figure
    assert len(figure.axes[0].lines) == 1
    assert plt.get_fignums() == known


def test_points_are_named_where_they_are():
    figure = plotting.points({"conv_lstm": (10, 0.5), "mine": (100, 0.7)}, "x", "y", xscale="log")
    axis = figure.axes[0]
    assert [line.get_xydata().tolist() for line in axis.lines] == [[[10, 0.5]], [[100, 0.7]]]
    assert [(text.get_text(), text.xy) for text in axis.texts] == [("conv lstm", (10, 0.5)), ("mine", (100, 0.7))]
    assert axis.lines[0].get_color() == plotting.COLOURS["conv_lstm"]
    assert axis.get_xscale() == "log"


def test_player_holds_the_clips_side_by_side(tmp_path):
    truth = clips.read_clip(example_path("bottle"), size=(48, 64))[:10]
    forecast = np.clip(truth[..., None] / 255 + 0.1, 0, 1)
    page = plotting.player({"truth": truth, "a <b>": forecast}, fps=5, zoom=2, describe='say "hi"').data
    (video,) = re.findall(r"data:video/mp4;base64,([^\"]+)", page)
    (tmp_path / "player.mp4").write_bytes(base64.b64decode(video))
    assert ffmpeg.read_header(tmp_path / "player.mp4")["fps"] == 5
    clip = clips.read_clip(tmp_path / "player.mp4").astype(int)
    assert clip.shape == (10, 48, 64 + 4 + 64)
    assert np.abs(clip[:, :, :64] - truth).mean() < 3
    assert np.abs(clip[:, :, 68:] - np.rint(forecast[..., 0] * 255)).mean() < 3
    assert "a &lt;b&gt;" in page
    assert 'aria-label="say &#34;hi&#34;"' in page
    assert "http" not in page  # nothing to load
    assert {"controls", "loop", "muted", "playsinline"} <= set(page.replace(">", " ").split())
    assert 'max="9"' in page  # the slider's last frame


def test_frames_of_players_can_be_seen():
    """On a page that is 688 pixels wide, up to four clips of digits have 160 pixels a side."""
    for count in (1, 2, 3, 4):
        clip = np.zeros((2, 32, 32), np.uint8)
        page = plotting.player({str(number): clip for number in range(count)}).data
        (width,) = map(int, re.findall(r"max-width:(\d+)px", page))
        assert width <= 688
        assert width / count >= 160


def test_player_refuses_clips_of_different_shape():
    with pytest.raises(ValueError, match="clips differ in shape"):
        plotting.player({"a": np.zeros((5, 8, 8), np.uint8), "b": np.zeros((4, 8, 8), np.uint8)})


def test_table():
    table = plotting.table({"copy_last": {"MSE": 0.12345, "note": "x"}, "black": {"MSE": 2.0, "note": "y"}}, "model", 2)
    assert table.data.splitlines() == [
        "| model | MSE | note |",
        "|---|---:|---:|",
        "| copy last | 0.12 | x |",
        "| black | 2.00 | y |",
    ]
    each = plotting.table({"black": {"MSE": 2.0, "PSNR": 3.14159}}, digits={"MSE": 1, "PSNR": 2})
    assert each.data.splitlines()[-1] == "| black | 2.0 | 3.14 |"


def test_curves_may_have_horizontal_axes_of_their_own():
    x = {"short": [1, 2], "long": [1, 5, 9]}
    lines = plotting.curves(x, {"short": [0, 1], "long": [0, 1, 2]}, "x", "y").axes[0].lines
    assert [line.get_xdata().tolist() for line in lines] == list(x.values())


def test_a_long_legend_stands_below_the_lines():
    def below(count):
        figure = plotting.curves([1, 2], {f"{number}": [0, 1] for number in range(count)}, "x", "y")
        figure.canvas.draw()
        (axis,) = figure.axes
        return axis.get_legend().get_window_extent().y1 < axis.xaxis.label.get_window_extent().y0 + 1

    assert not below(4)
    assert below(5)
    assert below(9)


def test_letters_of_curves_can_be_read_on_a_phone():
    """Where a figure is shrunk to 368 pixels, they still have 7."""
    figure = plotting.curves([1, 2], {"conv_lstm": [1, 2], "black": [2, 2]}, "x", "y", "title")
    (axis,) = figure.axes
    texts = [axis.xaxis.label, axis.title, *axis.get_xticklabels(), *axis.get_legend().get_texts()]
    shrunk = 368 / (figure.get_figwidth() * figure.dpi)
    assert min(text.get_fontsize() for text in texts) * figure.dpi / 72 * shrunk >= 7


def test_names_of_points_that_are_close_do_not_meet():
    places = {"conv3d": (1.0, 1.0), "conv_lstm": (1.1, 1.01), "black": (5.0, 5.0)}
    figure = plotting.points(places, "x", "y")
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for one in boxes for other in boxes if one is not other)


def test_a_number_stands_under_its_own_column():
    text = plotting.table({"one": {"a": 1, "b": 2}, "two": {"b": 4, "a": 3}}, digits=0).data
    assert text.splitlines()[2:] == ["| one | 1 | 2 |", "| two | 3 | 4 |"]
    with pytest.raises(ValueError, match="row 'two' has columns .*'c'.*: give all rows the same"):
        plotting.table({"one": {"a": 1}, "two": {"c": 2}})
