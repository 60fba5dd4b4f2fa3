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
from nextframe.drawing.network import _lanes
from nextframe.models import build
from nextframe.models.frames_as_channels import frames_as_channels
from nextframe.models.on_differences import on_differences
from nextframe.models.registry import CLASSIFIERS, NETWORKS, PROBABILISTIC, STEERABLE

SHAPE = (6, 16, 16, 1)
DENOISER = "denoiser"  # the network within flow matching
DRAWN = [*(network.__name__ for network in NETWORKS), *PROBABILISTIC, DENOISER, *STEERABLE]
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
    "many_futures": [{"futures": 3}, {"filters": 16}, {"kernels": "free"}, {"correction": False}],
    "flow_matching": [{"steps": 2}, {"filters": 16}],
    DENOISER: [{"filters": 16}, {"frames": 3}],
    "quantile_bands": [{"quantiles": (0.1, 0.9)}, {"filters": 16}, {"depth": 4}],
    "steerable": [{"actions": 5}, {"dilations": (1, 2)}],
}


@functools.cache
def built(name, **change):
    if name == DENOISER:
        return build("flow_matching", SHAPE, **change).get_layer(DENOISER)
    return build(name, SHAPE, **change)


def text_of(page):
    """What a reader reads, without styles and tags."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL))


def drawn_parameters(page):
    return [int(number.replace(",", "")) for number in re.findall(r'<div class="parameters">([\d,]+)', page)]


def drawn_stages(model):
    return [(stage.name, stage.repeats, stage.inputs) for stage in stages(model)]


def outputs(model):
    """The shapes of several outputs, by their names."""
    return {name: each.shape[1:] for name, each in model.output.items()} if isinstance(model.output, dict) else {}


@pytest.mark.parametrize("name", [*DRAWN, *CLASSIFIERS])
def test_every_weight_and_operation_is_in_one_stage(name):
    model = built(name, **({"feature_layer": "block1"} if name in CLASSIFIERS else {}))
    found = stages(model)
    assert sum(stage.parameters for stage in found) == model.count_params()
    assert sum(stage.flops for stage in found) == forward_flops(model)
    weights = [id(weight) for stage in found for layer in stage.layers for weight in layer.weights]
    assert sorted(weights) == sorted(id(weight) for weight in model.weights)
    assert found[0].shape == SHAPE
    assert {stage.output: stage.shape for stage in found if stage.output} == outputs(model)
    assert model.outputs[-1].shape[1:] == found[-1].shape
    begins = [number for number, stage in enumerate(found) if not stage.inputs]
    assert len(begins) == len(model.inputs)
    assert all(max(stage.inputs) < number for number, stage in enumerate(found) if number not in begins)
    read = {number for stage in found for number in stage.inputs}
    loose = {number for number, stage in enumerate(found) if not stage.output and number < len(found) - 1} - read
    assert not loose


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
    for output, shape in outputs(model).items():
        assert f"{' × '.join(f'{size:,}' for size in shape)} the output “{output}”" in text_of(page)


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
        ("frames → channels", 1, (0,)),
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
        ("the last 5 frames: 2×2 pixels and frames → channels", 1, (0,)),
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
        ("frames_as_channels", {"differences": True}, "differences from the last frame, frames → channels"),
        ("frames_as_channels", {"head": "residual"}, "3×3, 1 filter, then add the last frame"),
        ("frames_as_channels", {"patch": 4}, "4×4 pixels and frames → channels"),
        ("conv3d", {"temporal_pooling": "last_slice"}, "the last step: channels → 2×2 pixels"),
        ("conv_lstm", {}, "the last step"),
        ("conv_then_lstm", {}, "1×3×3, 16 filters, stride 2, ReLU"),
        ("time_distributed", {}, "efficientnet lite0, on each frame, frozen, BatchNormalization"),
        ("grid_hybrid", {}, "2 frames → one step"),
        ("conv3d", {}, "time → channels"),
        (
            "flow_unet",
            {},
            "channels → 2×2 pixels, softmax, join, differences from the last frame, weighted sum, add the last frame",
        ),
        ("simvp", {}, "3×3, 8 filters, GroupNormalization, SiLU, on each frame"),
        ("predformer", {}, "rows and columns → tokens"),
        ("predformer", {}, "the last step: tokens → rows and columns"),
        ("predformer", {}, "LayerNormalization, MultiHeadAttention 4 heads over time"),
        ("predformer", {}, "LayerNormalization, MultiHeadAttention 4 heads over space"),
        ("predformer", {"order": "full"}, "LayerNormalization, MultiHeadAttention 4 heads over time and space"),
        ("predformer", {}, "LayerNormalization, Dense 192 units, Dense 192 units, product, Dense 48 units"),
        (
            "many_futures",
            {},
            "softmax, weighted sum of the last frame, channels → 4×4 pixels, channels → 2×2 pixels, add",
        ),
        ("many_futures", {"correction": False}, "softmax, weighted sum of the last frame, channels → 4×4 pixels"),
        (DENOISER, {}, "softmax, weighted sum of the last frame, add"),
        ("flow_matching", {}, "difference, add"),
        ("quantile_bands", {}, "softplus, add"),
        ("steerable", {}, "channels → 2×2 pixels, add the last frame"),
    ],
)
def test_words(name, change, words):
    model = built(name, **change)
    assert words in [part for stage in stages(model) for part in (stage.name, stage.detail)]


@pytest.mark.parametrize("side", [8, 9])
def test_a_reshaping_is_read_from_its_axes_and_not_from_its_sizes(side):
    """As many frames as rows, or a third of them: what moves where is said all the same."""
    context = keras.Input((side, side, side, 1))
    changes = context[..., 0]
    turned = keras.ops.transpose(changes[:, :3], (0, 2, 3, 1))
    assert stages(keras.Model(context, turned))[-1].name == "frames → channels"
    turned = keras.ops.transpose(changes, (0, 2, 3, 1))
    assert stages(keras.Model(context, turned))[-1].name == "frames → channels"
    maps = keras.Input((side, side, 4))
    unfolded = layers.Reshape((2 * side, 2 * side, 1))(
        layers.Permute((1, 3, 2, 4))(layers.Reshape((side, side, 2, 2))(maps))
    )
    assert stages(keras.Model(maps, unfolded))[-1].name == "channels → 2×2 pixels"
    mixed = layers.Reshape((2 * side, 2 * side, 1))(layers.Dense(4)(maps))
    assert stages(keras.Model(maps, mixed))[-1].name == "Dense"  # as large, and no such squares


def named_parts(layer):
    """A layer and what is inside, but for networks whose name stands for them."""
    numbered = re.fullmatch(r"(functional|sequential)(_\d+)?", layer.name)
    inside = [layer.layer] if hasattr(layer, "layer") else []
    if isinstance(layer, keras.Model):
        inside = layer.layers if numbered else []
    return [layer, *(part for each in inside for part in named_parts(each))]


@pytest.mark.parametrize("name", DRAWN)
def test_normalisations_are_named_in_their_stage(name):
    for change in [{}, *CHANGES.get(name, [])]:
        for stage in stages(built(name, **change)):
            kinds = {type(part).__name__ for layer in stage.layers for part in named_parts(layer)}
            missing = {
                kind for kind in kinds if kind.endswith("Normalization") and kind not in stage.name + stage.detail
            }
            assert not missing, f"{stage.name}, {stage.detail}"


def test_what_two_layers_read_is_not_changed_by_one_of_them():
    """A normalisation within a residual block is no part of the stage before, which the sum reads as it was."""
    vectors = keras.Input((4, 8))
    x = layers.Dense(8)(vectors)
    x = x + layers.Dense(8)(layers.LayerNormalization()(x))
    found = stages(keras.Model(vectors, x))
    assert [(stage.name, stage.detail) for stage in found[1:]] == [
        ("Dense", "8 units"),
        ("residual block", "LayerNormalization, Dense 8 units"),
    ]


def test_a_residual_block_names_the_normalisation_after_its_layers():
    frame = keras.Input((8, 8, 4))
    x = first = layers.Conv2D(4, 1)(frame)
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    assert stages(keras.Model(frame, first + x))[-1].detail == "Conv2D 3×3 with BatchNormalization ×2"


def test_a_sum_that_goes_on_in_two_ways_is_a_stage():
    """Each quantile adds to the one below it, which is an output as well."""
    assert drawn_stages(built("quantile_bands", quantiles=(0.2, 0.4, 0.6, 0.8)))[3:] == [
        ("Conv2D", 1, (2,)),
        ("channels → 2×2 pixels", 1, (3,)),
        ("Conv2D", 1, (2,)),
        ("softplus, add", 1, (5, 3)),
        ("channels → 2×2 pixels", 1, (6,)),
        ("Conv2D", 1, (2,)),
        ("softplus, add", 1, (8, 6)),
        ("channels → 2×2 pixels", 1, (9,)),
        ("Conv2D", 1, (2,)),
        ("softplus, add, channels → 2×2 pixels", 1, (11, 9)),
    ]


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


class Mine(keras.Model):
    """A model that is a class, with weights that it keeps itself."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inside = layers.Conv2D(1, 3, padding="same")

    def call(self, context):
        return self.inside(context[:, -1])


def test_a_class_is_refused_and_what_the_error_advises_works():
    mine = Mine(name="mine")
    with pytest.raises(
        ValueError, match=r"mine is a class of its own, .*keras.Model\(x, mine.call\(x\)\), with x = keras.Input"
    ):
        drawing.network(mine)
    x = keras.Input(SHAPE)
    model = keras.Model(x, mine.call(x))
    assert [stage.name for stage in stages(model)] == ["input", "the last frame", "Conv2D"]
    assert sum(drawn_parameters(drawing.network(model).data)) == model.count_params() == 10


def test_a_sequential_model_without_shapes_is_refused_and_what_the_error_advises_works():
    model = keras.Sequential([layers.Dense(1)], name="mine")
    with pytest.raises(ValueError, match=r"mine has no shapes yet: begin it with keras.Input"):
        drawing.network(model)
    model(np.zeros((1, 3)))  # "or call it once"
    begun = keras.Sequential([keras.Input((3,)), layers.Dense(1)], name="mine")
    assert [stage.name for stage in stages(model)] == [stage.name for stage in stages(begun)] == ["input", "Dense"]


def test_several_outputs_have_their_names():
    """Their keys, or their numbers; and a stage that gives one is not merged into what follows it."""
    frame = keras.Input((8, 8, 1))
    first = layers.Conv2D(4, 3, padding="same")(frame)
    second = layers.Conv2D(4, 3, padding="same")(layers.Conv2D(4, 3, padding="same")(first))
    found = stages(keras.Model(frame, {"near": first, "far": second}))
    assert [(stage.name, stage.repeats, stage.output) for stage in found[1:]] == [
        ("Conv2D", 1, "near"),
        ("Conv2D", 2, "far"),
    ]
    assert [stage.output for stage in stages(keras.Model(frame, [first, second]))] == ["", "1", "2"]
    assert [stage.output for stage in stages(keras.Model(frame, [second]))] == ["", ""]


@pytest.mark.parametrize(("name", "frames"), [("many_futures", 4), ("quantile_bands", 5)])
def test_several_outputs_show_their_frames(name, frames):
    context = np.random.default_rng(0).random((1, *SHAPE)).astype(np.float32)
    assert drawing.network(built(name), context).data.count("data:image/png") == SHAPE[0] + frames


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
    lanes = _lanes(found)
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
