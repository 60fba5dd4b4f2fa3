"""Drawings of networks, and the stages that they show: what is drawn is what was built."""

import functools
import re

import keras
import numpy as np
import pytest
from keras import layers

from nextframe import drawing
from nextframe._utils.glyphs import glyph
from nextframe.diagnostics import forward_flops, stages
from nextframe.layers import SpatiotemporalLSTM2D
from nextframe.models import build
from nextframe.models.frames_as_channels import frames_as_channels
from nextframe.models.on_differences import on_differences
from nextframe.models.registry import CLASSIFIERS, NETWORKS

SHAPE = (6, 16, 16, 1)
DRAWN = [network.__name__ for network in NETWORKS]
# Each entry changes something that a reader of the drawing should see: a size, or one layer more
CHANGES = {
    "dense_lstm": [{"units": 128}, {"cell": "gru"}],
    "frames_as_channels": [{"filters": 16}, {"depth": 7}, {"differences": True}],
    "unet": [{"filters": 16}, {"depth": 3}, {"skip": False}],
    "conv3d": [{"filters": 8}, {"depth": 3}, {"temporal_pooling": "last_slice"}],
    "conv_lstm": [{"filters": 8}, {"depth": 2}, {"cell": "gru"}],
    "conv_then_lstm": [{"filters": 8}],
    "time_distributed": [{"feature_layer": "block2"}, {"trainable": True}],
    "stacked_hybrid": [{"pooling": 1}],
    "grid_hybrid": [{"frames_per_step": 3}],
    "forecaster": [{"filters": 32}, {"blocks": 5}, {"deep_blocks": 2}, {"frames": 3}],
    "flow_unet": [{"filters": 32}],
    "simvp": [{"filters": 16}, {"depth": 4}, {"translator": "tau"}, {"translator": "incepu"}, {"mlp_ratio": 8}],
    "predrnn": [{"filters": 16}, {"depth": 3}, {"kernel_size": 5}],
    "predformer": [{"width": 32}, {"heads": 2}, {"order": "stts"}, {"order": "full", "repeats": 4}],
}


@functools.cache
def built(name, **change):
    return build(name, SHAPE, **change)


def text_of(page):
    """What a reader reads, without styles and tags."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL))


def drawn_parameters(page):
    return [int(number.replace(",", "")) for number in re.findall(r'<div class="parameters">([\d,]+)', page)]


def drawn_stages(model):
    return [(stage.name, stage.repeats, stage.inputs) for stage in stages(model)]


@pytest.mark.parametrize("name", [*DRAWN, *CLASSIFIERS])
def test_every_weight_and_operation_is_in_one_stage(name):
    model = built(name, **({"feature_layer": "block1"} if name in CLASSIFIERS else {}))
    found = stages(model)
    assert sum(stage.parameters for stage in found) == model.count_params()
    assert sum(stage.flops for stage in found) == forward_flops(model)
    weights = [id(weight) for stage in found for layer in stage.layers for weight in layer.weights]
    assert sorted(weights) == sorted(id(weight) for weight in model.weights)
    assert found[0].shape == SHAPE
    assert found[-1].shape == model.output_shape[1:]
    assert all(max(stage.inputs) < number for number, stage in enumerate(found) if number)
    read = {number for stage in found for number in stage.inputs}
    assert read == set(range(len(found) - 1))  # nothing hangs loose


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_adds_up(name):
    model = built(name)
    page = drawing.network(model).data
    assert sum(drawn_parameters(page)) == model.count_params()
    assert f"{model.count_params():,} parameters" in text_of(page)
    assert f"{forward_flops(model) / 1e6:,.1f} million operations" in text_of(page)
    shares = [float(share) for share in re.findall(r'class="bar" style="width:([\d.]+)%', page)]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))
    for stage in stages(model):
        assert " × ".join(f"{size:,}" for size in stage.shape) in page


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name in DRAWN for change in CHANGES.get(name, [])], ids=str
)
def test_another_network_is_another_drawing(name, change):
    model = built(name, **change)
    page = drawing.network(model).data
    assert text_of(page) != text_of(drawing.network(built(name)).data)
    assert sum(drawn_parameters(page)) == model.count_params()


def test_the_same_network_is_the_same_drawing():
    """Whatever was built before, whose layers take names: a page stores a drawing, and CI compares it."""
    pages = [drawing.network(build("forecaster", SHAPE)).data for _ in range(2)]
    assert pages[0] == pages[1]


def test_alike_layers_are_drawn_once():
    assert drawn_stages(built("frames_as_channels", depth=7)) == [
        ("context", 1, ()),
        ("time → channels", 1, (0,)),
        ("Conv2D", 6, (1,)),
        ("Conv2D", 1, (2,)),
    ]
    assert "Conv2D ×6" in text_of(drawing.network(built("frames_as_channels", depth=7)).data)


def test_layers_that_differ_are_drawn_apart():
    """By size, by activation, or because something else reads what is between them."""
    frame = keras.Input((8, 8, 1))
    x = first = layers.Conv2D(4, 3, padding="same")(frame)
    x = layers.Conv2D(4, 5, padding="same")(x)
    x = between = layers.Conv2D(4, 5, padding="same", activation="relu")(x)
    x = layers.Conv2D(4, 5, padding="same", activation="relu")(x)
    x = layers.Concatenate()([first, between, x])
    found = stages(keras.Model(frame, x))
    assert [(stage.name, stage.repeats) for stage in found[1:]] == [("Conv2D", 1)] * 4 + [("join", 1)]
    assert found[-1].inputs == (1, 3, 4)


def test_a_forecaster_in_stages():
    assert drawn_stages(built("forecaster")) == [
        ("context", 1, ()),
        ("the last 5 frames: 2×2 pixels and time → channels", 1, (0,)),
        ("Conv2D", 1, (1,)),
        ("residual block", 1, (2,)),
        ("Conv2D", 1, (3,)),
        ("residual block", 1, (4,)),
        ("Conv2DTranspose", 1, (5, 3)),
        ("residual block", 3, (6,)),
        ("Conv2D", 1, (7,)),
        ("Conv2D", 1, (7,)),
        ("weighted sum of the last frame, add", 1, (8, 0, 9)),
        ("channels → 2×2 pixels", 1, (10,)),
    ]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("dense_lstm", {}, "each frame → a vector"),
        ("dense_lstm", {"head": "residual"}, "vector → frame, add the last frame"),
        ("dense_lstm", {"head": "sigmoid"}, "sigmoid"),
        ("frames_as_channels", {"differences": True}, "differences from the last frame, time → channels"),
        ("frames_as_channels", {"head": "residual"}, "3×3, 1 filter, then add the last frame"),
        ("frames_as_channels", {"patch": 4}, "4×4 pixels and time → channels"),
        ("conv3d", {"temporal_pooling": "last_slice"}, "the last step: channels → 2×2 pixels"),
        ("conv_lstm", {}, "the last step"),
        ("conv_then_lstm", {}, "1×3×3, 16 filters, stride 2, ReLU"),
        ("time_distributed", {}, "efficientnet lite0, on each frame, frozen, BatchNormalization"),
        ("grid_hybrid", {}, "2 frames → one step"),
        ("flow_unet", {}, "join, differences from the last frame, softmax, weighted sum, add"),
        ("predformer", {}, "rows and columns → places"),
        ("predformer", {}, "the last step: places → rows and columns"),
        ("predformer", {}, "MultiHeadAttention 4 heads over time"),
        ("predformer", {}, "MultiHeadAttention 4 heads over space"),
        ("predformer", {"order": "full"}, "MultiHeadAttention 4 heads over time and space"),
        ("predformer", {}, "Dense 192 units, Dense 192 units, product, Dense 48 units"),
    ],
)
def test_words(name, change, words):
    model = built(name, **change)
    assert words in [part for stage in stages(model) for part in (stage.name, stage.detail)]


def test_attention_is_drawn_in_its_order():
    found = [
        stage.detail.split()[-1] for stage in stages(built("predformer", order="tst")) if "Attention" in stage.detail
    ]
    assert found == ["time", "space", "time"]


def test_a_shared_network_is_counted_once():
    network = frames_as_channels(SHAPE)
    model = on_differences(network)
    found = stages(model)
    assert sum(stage.parameters for stage in found) == network.count_params()
    assert [stage.name for stage in found].count("frames as channels") == 2


def test_a_cell_that_is_called_step_by_step_is_drawn_once():
    """With the operations of all its steps."""
    model = built("predrnn")
    assert drawn_stages(model) == [
        ("context", 1, ()),
        ("4×4 pixels → channels", 1, (0,)),
        ("zeros", 1, (0,)),
        ("SpatiotemporalLSTM2DCell", 1, (1, 2)),
        ("SpatiotemporalLSTM2DCell", 1, (3, 2)),
        ("Conv2D", 1, (4,)),
        ("channels → 4×4 pixels", 1, (5,)),
    ]
    lower = stages(model)[3]
    assert lower.flops == SHAPE[0] * 2 * lower.parameters * 4 * 4


def test_sequential():
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(5)])
    assert [stage.shape for stage in stages(model)] == [(8, 8, 2), (6, 6, 3), (108,), (5,)]
    assert sum(drawn_parameters(drawing.network(model).data)) == model.count_params()


def test_other_models_are_refused():
    class Mine(keras.Model):
        def call(self, context):
            return context[:, -1]

    for model in (Mine(name="mine"), keras.Sequential([layers.Dense(1)], name="mine")):
        with pytest.raises(ValueError, match="mine is no functional model with one output: build it as"):
            drawing.network(model)


# ---- how it looks ----


def test_a_drawing_can_be_read_without_seeing_it():
    page = drawing.network(built("unet")).data
    assert 'aria-label="unet: 102,657 parameters' in page
    assert page.count("<li") == len(stages(built("unet")))
    assert "Reads step 3 (Conv2D) and step 6 (Conv2DTranspose)." in page
    assert "http" not in page
    assert "<script" not in page


def test_frames_are_pictures_where_there_are_some():
    context = np.random.default_rng(0).random((1, *SHAPE)).astype(np.float32)
    model = built("dense_lstm")
    assert drawing.network(model, context).data.count("data:image/png") == SHAPE[0] + 1
    assert "data:image" not in drawing.network(model).data


@pytest.mark.parametrize("name", DRAWN)
def test_lines_that_pass_one_another_have_lanes_of_their_own(name):
    found = stages(built(name))
    lanes = drawing._lanes(found)
    assert set(lanes) == {(a, b) for b, stage in enumerate(found) for a in stage.inputs if b - a > 1}
    for (start, end), lane in lanes.items():
        for (other, last), its in lanes.items():
            if start != other and start < last and other < end:
                assert lane != its


def test_time_is_a_row_of_slabs_and_channels_make_them_thick():
    thin, thick = (glyph((32, 32, channels), 32).parts[0] for channels in (1, 64))
    assert thin["thick"] < thick["thick"]
    assert thin["high"] == thick["high"] == 2 * glyph((16, 16, 1), 32).parts[0]["high"]
    row = glyph((10, 32, 32, 1), 32)
    assert [part["x"] for part in row.parts] == sorted({part["x"] for part in row.parts})
    assert len(row.parts) == 10


def test_vectors_are_bars_as_high_as_the_frame_that_they_were():
    frame, vector, shorter = glyph((32, 32, 1), 32), glyph((1024,), 32), glyph((256,), 32)
    assert vector.height == pytest.approx(frame.parts[0]["high"], abs=6)
    assert shorter.height == pytest.approx(vector.height / 2, abs=6)
    assert glyph((10, 1024), 32).width > 5 * vector.width


@pytest.mark.parametrize("shape", [(34, 64, 64, 1), (20, 16, 16, 64), (1, 1, 1280), (40, 1024), (2, 8, 300, 4)])
def test_a_glyph_fits_its_column(shape):
    drawn = glyph(shape, max(shape[-3:-1], default=32))
    assert 0 < drawn.width <= 133
    assert 0 < drawn.height <= 100


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
    assert len(re.findall(r'height="35" rx="5"', page)) == gates
    read, state = layer.input.shape[2:], layer.output.shape[-1 if name == "dense_lstm" else -3 :]
    for shape in (read, state):
        assert f">{'×'.join(f'{size:,}' for size in shape)}<" in page
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
    assert len(re.findall(r'height="35" rx="5"', page)) == 8
    assert 'class="wire memory"' in page
    assert ">8×8×8<" in page
    assert ">8×8×2<" in page


def test_a_cell_with_two_memories_that_is_called_step_by_step():
    cells = [each for each in built("predrnn", filters=8).layers if hasattr(each, "state_size")]
    for cell, channels in zip(cells, (16, 8), strict=True):
        page = drawing.cell(cell).data
        assert f"{TWO_MEMORIES.format(channels, 0)} = {cell.count_params():,} parameters" in text_of(page)
        assert f">4×4×{channels}<" in page  # what it reads


def test_a_cell_of_no_recurrent_layer():
    with pytest.raises(ValueError, match="layer='Dense'"):
        drawing.cell(built("dense_lstm").layers[3])


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


def test_a_network_of_two_inputs():
    """The action is one number, and its embedding joins the frames, which the drawing names as what is read."""
    model = build("steerable", (6, 32, 32, 1), filters=4, dilations=(1, 2))
    found = stages(model)
    assert [stage.name for stage in found[:3]] == ["context", "action", "Embedding"]
    assert found[3].inputs == (0, 2)
    assert sum(stage.parameters for stage in found) == model.count_params()
    page = drawing.network(model).data
    assert "one number" in page
    assert "step 1 (context) and step 3 (Embedding)" in page
