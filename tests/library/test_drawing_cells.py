"""Drawings of one step of a recurrent layer, and of cells step by step: what is drawn is what the layer computes."""

import functools
import re
from pathlib import Path

import keras
import matplotlib
import numpy as np
import pytest
from keras import layers
from PIL import ImageFont

from nextframe import drawing
from nextframe.layers import ConvGRU2D, SpatiotemporalLSTM2D
from nextframe.models import build

SHAPE = (6, 16, 16, 1)


@functools.cache
def built(name, **change):
    return build(name, SHAPE, **change)


def text_of(page):
    """What a reader reads, without styles and tags."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL))


def boxes_with_names(page):
    """Those of a cell that have weights of their own: two lines or more, a name and what it does."""
    return re.findall(r'<rect [^>]*class="(?:gate|squash)"/><text[^>]*>[^<]+</text><text', page)


def in_lines(shape):
    """As below a state, in lines."""
    rows_and_columns, channels = shape[:2], shape[2:]
    return "×".join(f"{size:,}" for size in rows_and_columns) + "".join(f" ×{size:,}" for size in channels)


# ---- one step of a recurrent layer ----

TWO_MEMORIES = "7 × (3 × 3 × ({} + 8) × 8 + {}) + 3 × 3 × 16 × 8 + 16 × 8"
CELLS = [
    ("dense_lstm", {"units": 24}, "4 × ((256 + 24) × 24 + 24)"),
    ("dense_lstm", {"cell": "gru"}, "3 × ((256 + 256) × 256 + 512)"),
    ("conv_lstm", {"filters": 8}, "4 × (3 × 3 × (4 + 8) × 8 + 8)"),
    ("conv_lstm", {"cell": "gru", "kernel_size": 5}, "3 × (5 × 5 × (4 + 16) × 16 + 16)"),
]


@pytest.mark.parametrize(("name", "change", "formula"), CELLS)
def test_a_cell_shows_the_layers_own_numbers(name, change, formula):
    (layer,) = [each for each in built(name, **change).layers if isinstance(each, layers.RNN)]
    page = drawing.cell(layer).data
    assert f"{formula} = {layer.count_params():,} parameters" in text_of(page)
    assert eval(formula.replace("×", "*").replace(",", "")) == layer.count_params()
    gates = 4 if type(layer).__name__.endswith(("LSTM", "LSTM2D")) else 3
    assert len(boxes_with_names(page)) == gates
    read, state = layer.input.shape[2:], layer.output.shape[-1 if name == "dense_lstm" else -3 :]
    assert f" {'×'.join(f'{size:,}' for size in read)} " in text_of(page)
    assert f" {in_lines(state)} " in text_of(page)
    assert "http" not in page


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_cell_with_two_memories(use_bias):
    """As a layer, and as a cell that is called step by step."""
    frames = keras.Input((3, 8, 8, 2))
    layer = SpatiotemporalLSTM2D(8, 3, padding="same", use_bias=use_bias)
    layer(frames)
    page = drawing.cell(layer).data
    formula = TWO_MEMORIES.format(2, 8 if use_bias else 0)
    assert f"{formula} = {layer.count_params():,} parameters" in text_of(page)
    assert eval(formula.replace("×", "*")) == layer.count_params()
    assert len(boxes_with_names(page)) == 8
    assert 'class="wire memory"' in page
    assert "8×8 ×8" in text_of(page)
    assert "8×8×2" in text_of(page)


def test_a_cell_with_two_memories_that_is_called_step_by_step():
    cells = [each for each in built("predrnn", filters=8).layers if hasattr(each, "state_size")]
    for cell, channels in zip(cells, (16, 8), strict=True):
        page = drawing.cell(cell).data
        assert f"{TWO_MEMORIES.format(channels, 0)} = {cell.count_params():,} parameters" in text_of(page)
        assert f"4×4×{channels}" in text_of(page)  # what it reads


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_cell_is_drawn_as_the_layer_that_calls_it(kind):
    layer = getattr(layers, kind)(5)
    layer(keras.Input((3, 7)))
    ours, its = (text_of(drawing.cell(each).data) for each in (layer, layer.cell))
    assert its == ours.replace(f"the {kind}.", f"the {kind}Cell.")


def test_a_cell_of_no_recurrent_layer():
    with pytest.raises(ValueError, match="layer='Dense'"):
        drawing.cell(built("dense_lstm").layers[3])


# ---- where a GRU's reset gate acts ----


def by_hand(layer, x, h, reset_after):
    """One step of a GRU, with the reset gate after the product with the candidate's weights, or before."""
    w, u, *bias = layer.get_weights()
    of_x, of_h = bias[0].reshape(-1, w.shape[-1])[[0, -1]] if bias else np.zeros((2, w.shape[-1]))
    of_h = of_h if bias and bias[0].ndim == 2 else np.zeros_like(of_h)
    wz, wr, wg = np.split(x @ w + of_x, 3, axis=-1)
    uz, ur, ug = np.split(h @ u + of_h, 3, axis=-1)
    z, r = (1 / (1 + np.exp(-a)) for a in (wz + uz, wr + ur))
    units = h.shape[-1]
    after = r * ug if reset_after else (r * h) @ u[:, 2 * units :] + of_h[2 * units :]
    return z * h + (1 - z) * np.tanh(wg + after)


def acts_after(layer):
    """Whether a built layer computes as the equation says in which the reset gate acts after the product."""
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    x, h = rng.normal(size=(2, 1, 4))
    found = keras.ops.convert_to_numpy(layer(x[None].astype("float32"), initial_state=h.astype("float32")))
    equal = [np.allclose(found, by_hand(layer, x, h, after), atol=1e-4) for after in (True, False)]
    assert sum(equal) == 1
    return equal[0]


def into(page, target):
    """The boxes and points of a drawing from which arrows lead to one of them; "" for a line that branches."""
    places = {}
    for x, y, width, height, name in re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*/><text[^>]*>(.*?)</text>', page
    ):
        places[name] = (float(x), float(y), float(x) + float(width), float(y) + float(height))
    for x, y, sign in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="9.5"[^>]*/><text[^>]*>(.*?)</text>', page):
        places[f"{sign} {x} {y}"] = (float(x) - 9.5, float(y) - 9.5, float(x) + 9.5, float(y) + 9.5)

    def at(x, y):
        near = [n for n, (a, b, c, d) in places.items() if a - 1.5 <= x <= c + 1.5 and b - 1.5 <= y <= d + 1.5]
        return near[0] if near else ""

    found = []
    for way in re.findall(r'<path d="(M[^"]*)" marker-end', page):
        x, y = begin = tuple(float(number) for number in re.match(r"M([\d.]+) ([\d.]+)", way).groups())
        for direction, number in re.findall(r"([HV])([\d.]+)", way):
            x, y = (float(number), y) if direction == "H" else (x, float(number))
        if at(x, y) == target:
            found.append(at(*begin))
    return sorted(found)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_reset_gate_is_drawn_where_the_layer_has_it(reset_after, use_bias):
    layer = layers.GRU(4, reset_after=reset_after, use_bias=use_bias)
    layer(keras.Input((1, 4)))
    assert acts_after(layer) == reset_after
    for drawn in (layer, layer.cell):
        page = drawing.cell(drawn).data
        (product,) = (name for name in into(page, "candidate") if name)  # and x, from its line
        assert product.startswith("×")
        assert into(page, product) == (["U", "reset"] if reset_after else ["", "reset"])
        assert into(page, "U") == ([""] if reset_after else [])  # the last h
        assert ("box U" in text_of(page)) == reset_after
        assert ("its weights U make of the last h" in page) == reset_after


def test_the_convolutional_gru_is_drawn_as_it_computes():
    for reset_after in (True, False):
        layer = ConvGRU2D(4, 3, padding="same", reset_after=reset_after)
        layer(keras.Input((2, 8, 8, 1)))
        assert ("box U" in text_of(drawing.cell(layer).data)) == reset_after


# ---- how large the text is, and whether it fits ----

PHONE = 340  # pixels in width that a drawing has on a phone
LEAST = 11  # pixels of the smallest text that can be read there


@functools.cache
def all_drawings():
    """Every kind of drawing, with the largest data of the book."""
    frames, vectors = keras.Input((3, 64, 64, 8)), keras.Input((10, 4096))
    kinds = [layers.LSTM(1024), layers.GRU(1024), layers.GRU(1024, reset_after=False)]
    kinds += [layers.ConvLSTM2D(64, 3, padding="same"), ConvGRU2D(64, 3, padding="same")]
    kinds += [SpatiotemporalLSTM2D(64, 3, padding="same")]
    pages = {}
    for number, layer in enumerate(kinds):
        layer(frames if "2D" in type(layer).__name__ else vectors)
        pages[f"{type(layer).__name__}, {number}"] = drawing.cell(layer).data
    pages |= {f"unrolled, {last}": drawing.unrolled(built("predrnn"), last).data for last in (1, 3, 6)}
    return pages | {name: drawing.network(built(name)).data for name in ("forecaster", "many_futures")}


def width_on_a_phone(page):
    """In pixels, of a drawing; and how many of its own units these are."""
    units, style = re.search(r'<svg viewBox="0 0 ([\d.]+) [^>]*?(style="[^"]*")? role="img"', page).groups()
    least, most = re.findall(r"(?:min|max)-width: (\d+)px", style or "") or (0, 1e9)
    return min(max(PHONE, float(least)), float(most)), float(units)


def font_sizes(page):
    """In pixels on a phone, for each rule of a drawing's style."""
    sizes = re.findall(r"font-size: ([\d.]+)(px|rem)", re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1])
    pixels, units = (PHONE, PHONE) if "nextframe-network" in page else width_on_a_phone(page)
    return [float(size) * (16 if unit == "rem" else pixels / units) for size, unit in sizes]


def test_text_can_be_read_on_a_phone():
    for name, page in all_drawings().items():
        assert min(font_sizes(page)) >= LEAST, name
        assert not re.search(r"<t\w+[^>]*font-size", page), name  # sizes are in the style, where they were read


def test_what_fits_a_phone_does_not_scroll():
    """Wider drawings scroll, so that they stay legible."""
    drawn = {name: width_on_a_phone(page)[0] for name, page in all_drawings().items() if "network" not in page}
    assert [name for name, width in drawn.items() if width > PHONE] == ["unrolled, 6"]
    assert "overflow-x: auto" in all_drawings()["unrolled, 6"]


def test_names_fit_their_boxes():
    """In the widest of the fonts that a page may fall back to."""
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), 13)
    for drawn, page in all_drawings().items():
        for width, texts in re.findall(
            r'<rect [^>]*width="([\d.]+)"[^>]*/>((?:<text[^>]*class="in"[^>]*>[^<]*</text>)+)', page
        ):
            for name in re.findall(r">([^<]+)</text>", texts):
                assert font.getlength(name) <= float(width) - 4, (drawn, name)


def test_shapes_keep_to_their_column():
    """What stands beside a cell is no wider than the column outside its frame, twice 26 units."""
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), 13)
    for drawn, page in all_drawings().items():
        for x, name in re.findall(r'<text x="(26|366)" y="[^"]*">([^<]+)</text>', page):
            assert font.getlength(name) <= 52, (drawn, x, name)


# ---- cells that are called step by step ----


def wires(page, kind):
    """Where the lines of a kind begin and end."""
    lines = re.findall(rf'<path class="wire {kind}" d="M([\d.]+) ([\d.]+)(.*?)"', page)
    ends = []
    for x, y, way in lines:
        across, up = re.findall(r"H([\d.]+)", way), re.findall(r"V([\d.]+)", way)
        ends.append((float(x), float(y), float((across or [x])[-1]), float((up or [y])[-1])))
    return ends


@pytest.mark.parametrize(("depth", "last"), [(2, 3), (3, 2), (2, 6)])
def test_unrolled_cells(depth, last):
    page = drawing.unrolled(built("predrnn", depth=depth), last).data
    assert len(re.findall('class="cell"', page)) == depth * last
    own = wires(page, "state")
    assert len(own) == depth * (last - 1)
    assert all(y == to_y and to_x > x for x, y, to_x, to_y in own)  # on in time, in its own layer
    shared = wires(page, "memory")
    climbs = [(x, y, to_x, to_y) for x, y, to_x, to_y in shared if x == to_x]
    assert len(climbs) == (depth - 1) * last
    assert all(to_y < y for _, y, _, to_y in climbs)
    falls = [line for line in shared if line not in climbs]
    assert len(falls) == last - 1
    assert all(to_x > x and to_y > y for x, y, to_x, to_y in falls)  # from the top to the bottom of the next step
    assert f"The last {last} of 6 steps." in text_of(page)
    assert "http" not in page


def test_unrolled_cells_that_share_nothing():
    """Two ConvLSTMs in a row: nothing goes from the top of a step to the bottom of the next one."""
    frames = keras.Input((3, 8, 8, 1))
    cells = [keras.layers.LSTMCell(4) for _ in range(2)]
    vectors = keras.layers.Reshape((3, 64))(frames)
    zeros = keras.ops.zeros_like(vectors[:, 0, :4])
    states = [[zeros, zeros], [zeros, zeros]]
    for step in range(3):
        x = vectors[:, step]
        for layer, cell in enumerate(cells):
            x, states[layer] = cell(x, states[layer])
    page = drawing.unrolled(keras.Model(frames, x)).data
    assert len(wires(page, "state")) == 4
    assert not wires(page, "memory")


def test_unrolled_without_cells():
    with pytest.raises(ValueError, match="conv3d calls no recurrent cell step by step: draw it with drawing.network"):
        drawing.unrolled(built("conv3d"))
