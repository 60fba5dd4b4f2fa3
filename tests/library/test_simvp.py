"""SimVP against its authors' own code.

`data/simvp_*.npz` hold weights, an input and an output of OpenSTL's PyTorch modules (Apache-2.0, commit c74deb5), with
random weights. The counts of parameters and operations are the published ones, for ten frames of 64×64 from ten.
"""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from nextframe import diagnostics
from nextframe._utils.keras_layers import all_layers
from nextframe.layers import FoldFrames
from nextframe.models import build
from nextframe.models.heads import HEADS
from nextframe.models.translators import TRANSLATORS

DATA = Path(__file__).parent / "data"
SHAPE = (4, 16, 24, 1)
PUBLISHED = [("incepu", 57_946_113, 19.4e9), ("gsta", 46_769_665, 16.5e9), ("tau", 44_656_001, 16.0e9)]
SMALL = {"filters": 4, "translator_filters": 16, "translator_depth": 2}
# Parts of the authors' network, in the order of our layers
ENCODER = "enc.enc.0.conv.conv enc.enc.0.conv.norm enc.enc.1.conv.conv enc.enc.1.conv.norm"
DECODER = "dec.dec.0.conv.conv.0 dec.dec.0.conv.norm dec.dec.1.conv.conv dec.dec.1.conv.norm dec.readout"
GATE = "block.attn.spatial_gating_unit"
MLP = "block.norm2 block.mlp.fc1 block.mlp.dwconv.dwconv block.mlp.fc2 block.layer_scale_2 reduction"
GATED = (
    f"block.norm1 block.attn.proj_1 {GATE}.conv0 {GATE}.fc.0 {GATE}.conv_spatial {GATE}.fc.2 {GATE}.conv1 "
    f"block.attn.proj_2 block.layer_scale_1 {MLP}"
)
INCEPTION = " ".join(["conv1", *(f"layers.{size}.{part}" for part in ("conv", "norm") for size in range(4))])


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def context():
    return np.random.default_rng(0).random((2, *SHAPE), np.float32)


def forecast(model, context):
    return keras.ops.convert_to_numpy(model(context))


def parts(translator):
    steps, block = ("hid.enc.0", "hid.enc.1"), GATED
    if translator == "incepu":
        steps, block = (*steps, "hid.dec.0", "hid.dec.1"), INCEPTION
    middle = [f"{step}.{part}" for step in steps for part in block.split()]
    return [*ENCODER.split(), *middle, *DECODER.split()]


def as_keras(value, shape):
    """PyTorch's `(out, in, rows, columns)` as Keras has it, for plain and for depthwise convolutions."""
    for order in {4: [(2, 3, 1, 0), (2, 3, 0, 1)], 2: [(1, 0)]}.get(value.ndim, []):
        if value.transpose(order).shape == shape:
            return value.transpose(order)
    return value.reshape(shape)


def load_reference(translator):
    """Our network with the authors' weights, the input, and their output."""
    stored = dict(np.load(DATA / f"simvp_{translator}.npz"))
    size = {"filters": 8, "translator_filters": 16, "translator_depth": 2, "mlp_ratio": 8, "horizon": 4}
    model = build("simvp", SHAPE, translator=translator, **size)
    kinds = ("", ".weight", ".bias", ".running_mean", ".running_var")
    names = [f"weights/{part}{kind}" for part in parts(translator) for kind in kinds]
    values = [stored[name] for name in names if name in stored]
    counted = [name for name in stored if name.startswith("weights/") and "num_batches" not in name]
    assert len(values) == len(counted) == len(model.weights)
    pairs = zip(values, model.weights, strict=True)
    model.set_weights([as_keras(value, tuple(weight.shape)) for value, weight in pairs])
    return model, *(np.moveaxis(stored[name], 2, -1) for name in ("input", "output"))


@pytest.mark.parametrize("translator", TRANSLATORS)
def test_forecasts_equal_the_authors(translator):
    model, context, expected = load_reference(translator)
    found = forecast(model, context)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("translator", "parameters", "operations"), PUBLISHED)
def test_cost_is_the_published_one(translator, parameters, operations):
    """The authors count a multiplication and an addition as one operation, and no running statistics."""
    size = {"filters": 64, "depth": 4, "translator_filters": 512, "translator_depth": 8, "mlp_ratio": 8, "horizon": 10}
    model = build("simvp", (10, 64, 64, 1), translator=translator, **size)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == parameters
    assert diagnostics.forward_flops(model) / 2 == pytest.approx(operations, rel=0.01)


def test_small_by_default():
    model = build("simvp", (10, 32, 32, 1))
    assert model.count_params() < 300_000
    smallest = build("simvp", (10, 32, 32, 1), translator_filters=16, translator_depth=1, mlp_ratio=1)
    assert smallest.count_params() < 60_000


@pytest.mark.parametrize("horizon", [2, 4])
@pytest.mark.parametrize("translator", TRANSLATORS)
def test_several_frames_at_once(translator, horizon, context):
    model = build("simvp", SHAPE, translator=translator, horizon=horizon, **SMALL)
    assert model.output_shape == (None, horizon, *SHAPE[1:])
    assert model.layers[-1].name == "rollout"
    found = forecast(model, context)
    assert found.dtype == np.float32
    assert np.ptp(found, axis=1).max() > 0.01


@pytest.mark.parametrize("horizon", [1, 2])
def test_heads_differ_in_how_they_end_alone(horizon, context):
    linear, residual, sigmoid = (build("simvp", SHAPE, horizon=horizon, head=head, **SMALL) for head in HEADS)
    for model in (residual, sigmoid):
        model.set_weights(linear.get_weights())
    found = forecast(linear, context)
    last = context[:, -1] if horizon == 1 else context[:, -1:]
    np.testing.assert_allclose(forecast(residual, context), last + found, atol=1e-5)
    np.testing.assert_allclose(forecast(sigmoid, context), 1 / (1 + np.exp(-found)), atol=1e-5)


def test_unknown_head_of_several_frames():
    with pytest.raises(ValueError, match="head='softmax': expected one of linear, residual, sigmoid"):
        build("simvp", SHAPE, horizon=2, head="softmax", **SMALL)


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_each_forecast_is_decoded_beside_its_frame(horizon, context):
    """With nothing coming from the middle, forecast k of H sees frame N - H + k, and a single one the last."""
    model = build("simvp", SHAPE, horizon=horizon, **SMALL)
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    assert last.filters == 4 * horizon
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    before = forecast(model, context).reshape(2, horizon, -1)
    for time in range(4):
        changed = context.copy()
        changed[:, time] = 1 - changed[:, time]
        moved = np.abs(forecast(model, changed).reshape(2, horizon, -1) - before).max(axis=(0, 2)) > 1e-4
        assert moved.tolist() == [4 - horizon + step == time for step in range(horizon)]


@pytest.mark.parametrize(("depth", "sides"), [(1, (9, 15)), (3, (10, 6)), (4, (12, 16)), (5, (4, 8))])
def test_any_depth(depth, sides):
    """Every second convolution halves the sides, and the decoder doubles them again."""
    model = build("simvp", (3, *sides, 1), depth=depth, **SMALL)
    assert model.output_shape == (None, *sides, 1)
    grids = {layer.output.shape[1:3] for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D)}
    assert grids == {(sides[0] >> depth // 2, sides[1] >> depth // 2)}
    folded = [layer.layer for layer in model.layers if isinstance(layer, FoldFrames)]
    convolutions = [each for layer in folded for each in all_layers(layer) if isinstance(each, keras.layers.Conv2D)]
    encoder, decoder = convolutions[:depth], convolutions[depth : 2 * depth]
    assert [layer.output.shape for layer in encoder][::-1] == [layer.input.shape for layer in decoder]


def test_the_inner_blocks_of_the_unet_are_joined():
    """Deeper than the reference: the last skip in is the first one out, and the innermost block has none."""
    size = SMALL | {"translator_depth": 3}
    model = build("simvp", SHAPE, translator="incepu", **size)
    blocks = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Add)]
    joins = [layer.input for layer in model.layers if isinstance(layer, keras.layers.Concatenate)]
    assert len(blocks) == 6
    pairs = [(blocks[3], blocks[1]), (blocks[4], blocks[0])]
    assert all(
        given is wanted
        for join, pair in zip(joins, pairs, strict=True)
        for given, wanted in zip(join, pair, strict=True)
    )


@pytest.mark.parametrize(("depth", "sides"), [(2, (9, 16)), (4, (10, 16)), (5, (12, 18)), (7, (20, 12))])
def test_advice_on_sides_works(depth, sides):
    with pytest.raises(ValueError, match=f"{depth=} halves frames of {sides[0]}×{sides[1]}") as caught:
        build("simvp", (3, *sides, 1), depth=depth, **SMALL)
    height, width, other = re.search(r"choose depth=(\d+), .*size=\((\d+), (\d+)\)", str(caught.value)).group(2, 3, 1)
    assert build("simvp", (3, int(height), int(width), 1), depth=depth, **SMALL)
    assert int(other) >= depth - 3
    assert build("simvp", (3, *sides, 1), depth=int(other), **SMALL)


@pytest.mark.parametrize("filters", [2, 6, 12])
def test_groups_divide_any_channels(filters, context):
    """At most eight groups, as published, and fewer where eight do not divide."""
    size = {"filters": filters, "translator_filters": filters + 4, "translator_depth": 2}
    model = build("simvp", SHAPE, translator="incepu", **size)
    grouped = {layer.groups for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert grouped == {2: {1}, 6: {1}, 12: {1, 8, 4}}[filters]
    assert np.isfinite(forecast(model, context)).all()


@pytest.mark.parametrize("translator", TRANSLATORS)
def test_saved_and_loaded(translator, context, tmp_path):
    model = build("simvp", SHAPE, translator=translator, horizon=3, **SMALL)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    expected = forecast(model, context)
    np.testing.assert_allclose(forecast(loaded, context), expected, atol=1e-6)


@pytest.mark.parametrize(("translator", "horizon"), [("incepu", 1), ("gsta", 1), ("tau", 2)])
def test_mixed_precision(translator, horizon, context):
    """The middle computes in 16 bits, the forecast is float32, and weights stay so."""
    whole = build("simvp", SHAPE, translator=translator, horizon=horizon, **SMALL)
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        half = build("simvp", SHAPE, translator=translator, horizon=horizon, **SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(whole.get_weights())
    found, expected = (forecast(model, context) for model in (half, whole))
    assert found.dtype == np.float32
    assert not np.array_equal(found, expected)
    assert np.abs(found - expected).mean() < 0.05 * expected.std()


@pytest.mark.parametrize("translator", TRANSLATORS)
def test_a_step_of_training_moves_every_weight(translator, context, fit_one_batch):
    model = build("simvp", SHAPE, translator=translator, horizon=4, **SMALL | {"translator_depth": 1})
    before = model.get_weights()
    fit_one_batch(model, context, context[:, ::-1], steps=2)
    assert all(not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_gates_and_scales_at_the_start(context):
    """A block begins as nearly nothing (LayerScale), and its large kernel is not near 0, whatever the channels."""
    model = build("simvp", SHAPE, **SMALL)
    depthwise = [layer for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    scales = [layer for layer in depthwise if layer.kernel_size == (1, 1)]
    assert len(scales) == 4
    assert all((layer.get_weights()[0] == np.float32(0.01)).all() for layer in scales)
    for layer in depthwise:
        side = layer.kernel_size[0]
        if side > 1:
            assert layer.get_weights()[0].std() == pytest.approx(2**0.5 / side, rel=0.2)
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in normalizations} == {0.9}  # PyTorch's default, which it calls 0.1
