"""Every registered model: one call, context in, target out. And what each baseline forecasts."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from nextframe import diagnostics, forecasting, metrics, windows
from nextframe._utils.keras_layers import frames_ahead
from nextframe.datasets.moving_digits import kinds_of_motion, moving_digits, paths
from nextframe.layers.flow_proposals import flow_proposals
from nextframe.models import CLASSIFIERS, MODELS, build, model_functions, patches
from nextframe.models.conv3d import TEMPORAL_POOLINGS
from nextframe.models.heads import HEADS, to_frame, to_rollout
from nextframe.models.on_differences import on_differences
from nextframe.models.translators import TRANSLATORS


@pytest.fixture
def context():
    return np.random.default_rng(0).random((3, 4, 12, 16, 1)).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_context_in_target_out(name, context):
    model = build(name, context.shape[1:])
    assert isinstance(model, keras.Model)
    assert model.name == name
    assert model.output_shape == (None, 12, 16, 1)
    called = keras.ops.convert_to_numpy(model(context))
    assert called.shape == (3, 12, 16, 1)
    assert called.dtype == np.float32
    np.testing.assert_allclose(forecasting.predict_next(model, context), called, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", model_functions())
def test_no_two_weights_share_a_path(name):
    """On PyTorch, Keras keeps a model's parameters by their paths, and never clears the gradient of a lost namesake."""
    frames, size = (5, {"image_size": 224}) if name in CLASSIFIERS else (4, {})
    paths = [weight.path for weight in build(name, (frames, 32, 32, 1), **size).weights]
    assert len(set(paths)) == len(paths)


def forecast(name, context):
    return forecasting.predict_next(build(name, context.shape[1:]), context)


def test_simple_baselines(context):
    assert np.array_equal(forecast("copy_last", context), context[:, -1])
    assert np.array_equal(forecast("black", context), np.zeros_like(context[:, -1]))
    np.testing.assert_allclose(forecast("context_mean", context), context.mean(1), rtol=1e-6)
    expected = context[:, -1] + (context[:, -1] - context[:, -2])
    np.testing.assert_allclose(forecast("linear_extrapolation", context), expected, rtol=1e-5, atol=1e-6)


def test_linear_extrapolation_is_exact_on_a_steady_fade():
    levels = np.linspace(0.1, 0.5, 5, dtype=np.float32)
    context = np.broadcast_to(levels[:4, None, None, None], (4, 8, 8, 1))[None]
    np.testing.assert_allclose(forecast("linear_extrapolation", context), levels[4], rtol=1e-5)


def test_optical_flow_moves_things_on():
    clips = moving_digits(40, 11, digits=1, canvas=48, speed=(1, 2), split="test")
    context, truth = windows.to_unit(clips[:, :10]), windows.to_unit(clips[:, 10])
    assert metrics.skill(truth, forecast("optical_flow", context), context[:, -1]) > 0.7


def square_at(*places, side=4):
    """A context of bright squares of 4 pixels on 32×32, by the rows and columns of their middles, in each frame."""
    frames = np.zeros((1, len(places), 32, 32, 1), np.float32)
    for time, (row, column) in enumerate(places):
        top, left = int(row - side / 2), int(column - side / 2)
        frames[0, time, top : top + side, left : left + side] = 1
    return frames


def middle_of(frame):
    rows, columns = np.indices((32, 32))
    return np.array([(frame[0, ..., 0] * axis).sum() for axis in (rows, columns)]) / frame.sum() + 0.5


@pytest.mark.parametrize(
    ("places", "next_place"),
    [
        (((16, 14), (16, 12), (16, 10)), (16, 8)),  # reaches the wall, which is 8 pixels from the edge
        (((16, 13), (16, 11), (16, 9)), (16, 9)),  # would come to 7, and is mirrored
        (((16, 19), (16, 21), (16, 23)), (16, 23)),  # at the other side
        (((13, 16), (11, 16), (9, 16)), (9, 16)),  # at the top
        (((16, 12), (16, 9), (16, 10)), (16, 13)),  # has just bounced: on as fast as before, the other way
        (((16, 16), (16, 18), (16, 20)), (16, 22)),  # in the middle, as it was
    ],
)
def test_mirrored_flow_comes_back_from_walls(places, next_place):
    assert middle_of(forecast("mirrored_flow", square_at(*places))) == pytest.approx(next_place, abs=0.6)


def test_mirrored_flow_knows_more_than_flow_where_digits_bounce():
    """And no less elsewhere. On clips that choices were not made on."""
    drawn = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5), "split": "test", "seed": 9}
    clips = windows.to_unit(moving_digits(200, 11, **drawn))
    context, truth = clips[:, :10], clips[:, 10]
    kinds = kinds_of_motion(paths(200, 11, **drawn), frame=10, digit_size=16)
    skills = {
        name: {kind: metrics.skill(truth[which], found[which], context[which, -1]) for kind, which in kinds.items()}
        for name in ("optical_flow", "mirrored_flow")
        for found in [forecast(name, context)]
    }
    assert skills["mirrored_flow"]["bounce"] > skills["optical_flow"]["bounce"] + 0.15
    for kind in ("free flight", "overlap"):
        assert skills["mirrored_flow"][kind] == pytest.approx(skills["optical_flow"][kind], abs=0.03)


def test_mirrored_flow_of_two_frames():
    """There is no step before the last one: a bounce ahead is still seen."""
    assert middle_of(forecast("mirrored_flow", square_at((16, 11), (16, 9)))) == pytest.approx((16, 9), abs=0.6)


def test_optical_flow_leaves_still_frames_alone():
    frame = windows.to_unit(moving_digits(1, 1, canvas=32, digit_size=16)[:, 0])
    context = np.repeat(frame[:, None], 3, axis=1)
    np.testing.assert_allclose(forecast("optical_flow", context), frame, atol=0.02)


def test_optical_flow_without_opencv(context, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match="optical flow needs OpenCV: pip install opencv-python-headless"):
        flow_proposals(context[0, ..., 0])


@pytest.mark.parametrize("name", MODELS)
def test_a_baseline_is_a_keras_model_like_any_other(name, context):
    """It can be compiled and evaluated, and be a part of another model."""
    model, truth = build(name, context.shape[1:]), context[:, 0]
    expected = keras.ops.convert_to_numpy(model(context))
    model.compile(loss="mse")
    assert model.evaluate(context, truth, verbose=0) == pytest.approx(metrics.mse(truth, expected).mean(), rel=1e-4)
    inputs = keras.Input(context.shape[1:])
    double = keras.Model(inputs, 2 * model(inputs))
    np.testing.assert_allclose(double(context), 2 * expected, rtol=1e-5, atol=1e-6)


def test_saved_models_load_in_a_process_of_their_own(context, tmp_path):
    """After `import nextframe` alone, which registers layers that it has not imported."""
    expected = {}
    for name in MODELS:
        model = build(name, context.shape[1:])
        model.save(tmp_path / f"{name}.keras")
        expected[name] = keras.ops.convert_to_numpy(model(context))
    np.save(tmp_path / "context.npy", context)
    code = """
import pathlib, keras, nextframe, numpy as np
context = np.load("context.npy")
for path in sorted(pathlib.Path().glob("*.keras")):
    np.save(path.stem, keras.ops.convert_to_numpy(keras.saving.load_model(path, compile=False)(context)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, forecast in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), forecast, atol=1e-6)


def test_frames_too_small_for_optical_flow():
    with pytest.raises(ValueError, match="optical flow needs frames of at least 12×12: use larger frames"):
        build("optical_flow", (4, 11, 20, 1))


def test_unknown_model():
    with pytest.raises(ValueError, match="model='gpt': expected one of copy_last"):
        build("gpt", (4, 8, 8, 1))


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 3), (1, 4, 8, 8, 1)])
@pytest.mark.parametrize("name", MODELS)
def test_bad_context_shape(name, shape):
    with pytest.raises(ValueError, match=r"context_shape=.*: expected \(N, height, width, 1\)"):
        build(name, shape)


@pytest.mark.parametrize("shape", [(None, 32, 32, 1), (4, None, 32, 1), (4, 32, 0, 1), (4, 32.5, 32, 1)])
@pytest.mark.parametrize("name", MODELS)
def test_a_shape_with_holes(name, shape):
    with pytest.raises(ValueError, match=r"context_shape=.*: expected \(N, height, width, 1\) in whole numbers from 1"):
        build(name, shape)


@pytest.mark.parametrize("name", MODELS)
def test_frames_where_a_shape_is_meant(name):
    frames = np.zeros((3, 4, 16, 16, 1), np.float32)
    with pytest.raises(
        ValueError, match=r"context_shape=<array of shape \(3, 4, 16, 16, 1\)>.*contexts.shape"
    ) as caught:
        build(name, frames)
    assert len(str(caught.value)) < 200
    with pytest.raises(ValueError, match=r"context_shape=<array of shape \(4, 16, 16, 1\)>"):
        build(name, frames[0])
    if name == "conv_lstm":
        assert build(name, frames.shape[1:]).input_shape == (None, 4, 16, 16, 1)


@pytest.mark.parametrize("shape", [7, None, "big", [0.0] * 100_000])
def test_what_is_no_shape_is_not_quoted_at_length(shape):
    with pytest.raises(ValueError, match="context_shape=") as caught:
        build("copy_last", shape)
    assert len(str(caught.value)) < 500


def test_arrays_are_quoted_by_their_shape():
    frames = np.zeros((100, 64, 64))
    for size in ({"filters": 4, "patch": frames}, {"cell": frames}, {"head": list(frames)}):
        with pytest.raises(ValueError, match=r"=<.*array of shape .*: expected") as caught:
            build("conv_lstm", (4, 16, 16, 1), **size)
        assert len(str(caught.value)) < 300


def test_channels_first_is_refused_with_its_cure():
    try:
        keras.config.set_image_data_format("channels_first")
        for name in MODELS:
            with pytest.raises(ValueError, match="image_data_format is 'channels_first'; expected 'channels_last'"):
                build(name, (4, 16, 16, 1))
    finally:
        keras.config.set_image_data_format("channels_last")
    assert build("conv_lstm", (4, 16, 16, 1)).output_shape == (None, 16, 16, 1)


@pytest.mark.parametrize(
    "name", ["conv3d", "conv_lstm", "frames_as_channels", "forecaster", "unet", "predrnn", "predformer"]
)
@pytest.mark.parametrize(
    ("sides", "patch"), [((33, 47), 2), ((33, 47), 4), ((18, 16), 4), ((30, 45), 4), ((12, 20), 5)]
)
def test_advice_on_patches_works(name, sides, patch):
    """Each patch and each size that the message names."""
    with pytest.raises(ValueError, match="does not divide|must be multiples") as caught:
        build(name, (4, *sides, 1), patch=patch)
    message = str(caught.value)
    height, width = re.search(r"size=\((\d+), (\d+)\)", message).groups()
    assert build(name, (4, int(height), int(width), 1), patch=patch)
    assert abs(int(height) - sides[0]) <= patch
    assert abs(int(width) - sides[1]) <= patch
    if other := re.search(r"choose patch=(\d+)", message):
        assert build(name, (4, *sides, 1), patch=int(other[1]))
    else:
        assert name in ("forecaster", "unet")  # their sides must be even
        assert sides[0] % 2 or sides[1] % 2
        assert "no other patch fits" in message


@pytest.mark.parametrize("name", ["linear_extrapolation", "optical_flow", "mirrored_flow"])
def test_motion_needs_two_frames(name):
    with pytest.raises(ValueError, match="needs at least 2 frames of context"):
        build(name, (1, 16, 16, 1))


# ---- networks ----


VARIANTS = [
    ("dense_lstm", {"units": 8}),
    ("dense_lstm", {"units": 8, "cell": "gru"}),
    ("frames_as_channels", {"filters": 4, "depth": 3}),
    ("frames_as_channels", {"filters": 4, "depth": 3, "patch": 2}),
    *(("conv3d", {"filters": 4, "depth": 2, "temporal_pooling": pooling}) for pooling in TEMPORAL_POOLINGS),
    ("conv_lstm", {"filters": 4, "depth": 2, "decoder_filters": 8}),
    ("conv_lstm", {"filters": 4, "cell": "gru", "frames_per_step": 2, "decoder_filters": 8}),
    ("conv_then_lstm", {"filters": 4, "units": 8}),
    ("unet", {"filters": 4, "depth": 1}),
    ("unet", {"filters": 4, "depth": 1, "skip": False}),
    ("unet", {"filters": 4, "depth": 1, "pooling": 1, "patch": 2}),
    *(
        ("simvp", {"filters": 4, "translator": translator, "translator_filters": 16, "translator_depth": 1})
        for translator in TRANSLATORS
    ),
    ("predrnn", {"filters": 4, "patch": 2}),
    ("predformer", {"width": 8, "heads": 2, "order": "ts"}),
    ("predformer", {"width": 8, "heads": 2, "order": "full", "patch": 2}),
]


@pytest.mark.parametrize(("name", "size", "head"), [(*each, HEADS[at % 3]) for at, each in enumerate(VARIANTS)])
def test_network_learns(name, size, head, context, fit_one_batch):
    """Every variant fits one batch better than it began."""
    keras.utils.set_random_seed(0)
    model = build(name, context.shape[1:], head=head, **size)
    losses = fit_one_batch(model, context, context[:, 0], steps=30)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(("name", "size"), VARIANTS)
def test_heads_differ_in_how_they_end_alone(name, size, context):
    """With equal weights: a linear forecast, the same added to the last frame, and the same squeezed into 0..1."""
    linear, residual, sigmoid = (build(name, context.shape[1:], head=head, **size) for head in HEADS)
    for model in (residual, sigmoid):
        model.set_weights(linear.get_weights())
    found = keras.ops.convert_to_numpy(linear(context))
    np.testing.assert_allclose(residual(context), context[:, -1] + found, atol=1e-5)
    np.testing.assert_allclose(sigmoid(context), 1 / (1 + np.exp(-found)), atol=1e-5)


def test_residual_head_adds_to_the_last_frame(context):
    model = build("frames_as_channels", context.shape[1:], head="residual")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert np.array_equal(forecasting.predict_next(model, context), context[:, -1])


def test_differences_forecast_a_still_video_exactly(context):
    keras.utils.set_random_seed(0)
    size = {"filters": 4, "depth": 3, "differences": True}
    model = build("frames_as_channels", context.shape[1:], head="residual", **size)
    still = np.repeat(context[:, -1:], 4, axis=1)
    assert np.array_equal(forecasting.predict_next(model, still), still[:, -1])
    assert not np.allclose(forecasting.predict_next(model, context), context[:, -1], atol=1e-3)
    assert model.count_params() == 9 * 3 * 4 + 9 * 4 * 4 + 9 * 4
    with pytest.raises(ValueError, match="needs at least 2 frames of context"):
        build("frames_as_channels", (1, 12, 16, 1), differences=True)


def test_parameters_by_hand():
    """10 frames of 16×16: counted from the layers' definitions."""
    shape, pixels, units = (10, 16, 16, 1), 256, 32
    lstm = 4 * (units * (pixels + units) + units)
    gru = 3 * (units * (pixels + units) + 2 * units)  # Keras's GRU has two biases
    paint = units * pixels + pixels
    assert build("dense_lstm", shape, units=units).count_params() == lstm + paint
    assert build("dense_lstm", shape, units=units, cell="gru").count_params() == gru + paint
    plain = (9 * 10 * 8 + 8) + (9 * 8 * 8 + 8) + (9 * 8 + 1)
    assert build("frames_as_channels", shape, filters=8, depth=3).count_params() == plain
    assert build("frames_as_channels", shape, filters=8, depth=2, patch=2).count_params() == (
        (9 * 40 * 8 + 8) + (9 * 8 * 4 + 4)
    )
    gates = 9 * (16 + 8) * 8 + 8  # 8 filters, patches of 4: one gate's two kernels and its bias
    decoder, size = (
        (9 * 8 * 8 + 8) + (9 * 8 * 16 + 16),
        {"filters": 8, "patch": 4, "decoder_depth": 2, "decoder_filters": 8},
    )
    assert build("conv_lstm", shape, **size).count_params() == 4 * gates + decoder
    pairs = 4 * 9 * 16 * 8  # each gate's kernel reads the patches of a second frame
    assert build("conv_lstm", shape, frames_per_step=2, **size).count_params() == 4 * gates + pairs + decoder
    assert build("conv_lstm", shape, cell="gru", **size).count_params() == 3 * gates + decoder
    lower, upper = (9 * 8 * (7 * inputs + (4 + 3 + 2) * 8) + 2 * 8 * 8 for inputs in (16, 8))  # patches; hidden state
    size = {"filters": 8, "depth": 2, "patch": 4}
    assert build("predrnn", shape, **size).count_params() == lower + upper + 8 * 16
    features = 4 * 4 * 4  # 16×16 halved twice, 4 filters
    stack = (9 * 4 + 4) + (9 * 4 * 4 + 4) + 4 * units * (features + units + 1) + paint
    assert build("conv_then_lstm", shape, filters=4, units=units).count_params() == stack
    near, far, back = 9 * 10 * 4 + 4, 9 * 4 * 8 + 8, 4 * 8 * 4 + 4  # one convolution, the pooled one, scaling up
    for skip, joined in ((True, 8), (False, 4)):
        unet = near + far + back + (9 * joined * 4 + 4) + (9 * 4 + 1)
        assert build("unet", shape, filters=4, depth=1, skip=skip).count_params() == unet
    volume, size = (27 * 8 + 8) + (27 * 8 * 8 + 8), {"filters": 8, "depth": 3, "patch": 1}
    assert build("conv3d", shape, temporal_pooling="last_slice", **size).count_params() == volume + (27 * 8 + 1)
    assert build("conv3d", shape, temporal_pooling="valid_kernel", **size).count_params() == volume + (6 * 9 * 8 + 1)
    assert build("conv3d", shape, temporal_pooling="time_to_channels", **size).count_params() == volume + (
        9 * 10 * 8 + 1
    )


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_patches_are_folded_and_unfolded(patch):
    """Each place's channels are its own square of pixels, and nothing is lost or moved."""
    frames = np.random.default_rng(0).random((2, 3, 8, 12, 1)).astype(np.float32)
    inputs = keras.Input(frames.shape[1:])
    folded = patches.patchify(inputs, patch)
    model = keras.Model(inputs, [folded, patches.unpatchify(folded[:, -1], patch)])
    places, frame = (keras.ops.convert_to_numpy(output) for output in model(frames))
    assert places.shape == (2, 3, 8 // patch, 12 // patch, patch**2)
    square = frames[1, 2, patch : 2 * patch, 2 * patch : 3 * patch, 0]
    assert np.array_equal(places[1, 2, 1, 2], square.ravel())
    assert np.array_equal(frame, frames[:, -1])


def test_frames_are_grouped():
    """Each step holds its own frames, oldest first."""
    frames = np.random.default_rng(0).random((2, 6, 4, 5, 2)).astype(np.float32)
    inputs = keras.Input(frames.shape[1:])
    steps = keras.ops.convert_to_numpy(keras.Model(inputs, patches.group_frames(inputs, 3))(frames))
    assert steps.shape == (2, 2, 4, 5, 6)
    assert np.array_equal(steps[:, 1], np.concatenate([frames[:, time] for time in (3, 4, 5)], axis=-1))


def test_frames_become_channels():
    frames = np.random.default_rng(0).random((2, 3, 4, 5, 2)).astype(np.float32)
    inputs = keras.Input(frames.shape[1:])
    channels = keras.Model(inputs, patches.frames_to_channels(inputs))(frames)
    expected = np.concatenate([frames[:, time] for time in range(3)], axis=-1)
    assert np.array_equal(keras.ops.convert_to_numpy(channels), expected)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("head", HEADS)
def test_a_forecast_at_return_sequences(cell, head, context):
    """One a frame, each from the frames up to its own; and as a forecaster, the last one counts."""
    size = {"filters": 4, "decoder_filters": 8, "cell": cell, "head": head}
    model = build("conv_lstm", context.shape[1:], return_sequences=True, **size)
    steps = keras.ops.convert_to_numpy(model(context))
    assert steps.shape == context.shape
    assert diagnostics.leaks(model, context) == []
    np.testing.assert_allclose(forecasting.predict_next(model, context), steps[:, -1], atol=1e-6)
    shorter = build("conv_lstm", (2, *context.shape[2:]), return_sequences=True, **size)
    shorter.set_weights(model.get_weights())
    np.testing.assert_allclose(keras.ops.convert_to_numpy(shorter(context[:, :2])), steps[:, :2], atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_no_model_sees_what_it_predicts(name):
    video = np.random.default_rng(0).random((1, 6, 12, 16, 1)).astype(np.float32)
    assert diagnostics.leaks(build(name, (4, 12, 16, 1)), video) == []


@pytest.mark.parametrize(
    ("name", "size", "named"),
    [
        ("dense_lstm", {"cell": "rnn"}, "cell='rnn': expected one of lstm, gru"),
        ("dense_lstm", {"head": "softmax"}, "head='softmax': expected one of linear, residual, sigmoid"),
        ("conv_lstm", {"cell": "rnn"}, "cell='rnn': expected one of lstm, gru"),
        (
            "conv_lstm",
            {"frames_per_step": 3},
            "frames_per_step=3 does not divide a context of 4 frames: choose 1 or 2 or 4",
        ),
        (
            "conv_lstm",
            {"frames_per_step": 2, "return_sequences": True},
            "return_sequences with frames_per_step=2: expected 1",
        ),
        (
            "conv3d",
            {"temporal_pooling": "mean"},
            "temporal_pooling='mean': expected one of last_slice, valid_kernel, time_to_channels",
        ),
        ("conv3d", {"temporal_pooling": "valid_kernel", "depth": 4}, "4 frames are too few for depth=4"),
        ("conv3d", {"patch": 3}, "patch=3 does not divide frames of 16×16: choose patch=2, or resize"),
        ("frames_as_channels", {"patch": 0}, "patch=0: expected a whole number, at least 1"),
        ("frames_as_channels", {"depth": 0}, "depth=0: expected a whole number, at least 1"),
        ("conv3d", {"depth": 0}, "depth=0: expected a whole number, at least 1"),
        ("conv_lstm", {"depth": 0}, "depth=0: expected a whole number, at least 1"),
        ("conv_lstm", {"decoder_depth": 0}, "decoder_depth=0: expected a whole number, at least 1"),
        ("unet", {"patch": 0}, "patch=0: expected a whole number, at least 1"),
        ("unet", {"pooling": 3}, "multiples of pooling × patch = 3: resize the frames to 15×15"),
        ("forecaster", {"kernels": "sum"}, "kernels='sum': expected one of free, softmax"),
        ("simvp", {"translator": "gSTA"}, "translator='gSTA': expected one of incepu, gsta, tau"),
        ("simvp", {"filters": 5}, "filters=5: expected an even number, .* choose 4 or 6"),
        ("simvp", {"translator_filters": 1}, "translator_filters=1: expected a whole number, at least 2"),
        ("simvp", {"horizon": 5}, "horizon=5 with a context of 4 frames: .*lower horizon to 4, or show 5 frames"),
        ("simvp", {"depth": 10}, r"depth=10 halves .* 5 times: choose depth=9, or resize the frames to 32×32, as"),
        (
            "predformer",
            {"order": "tt"},
            "order='tt': expected one of ts, st, tst, sts, tsst, stts, fac_ts, fac_st, full",
        ),
        ("predformer", {"heads": 5}, "width=48 cannot be shared by heads=5: choose .* width=50"),
        ("predformer", {"repeats": 0}, "repeats=0: expected a whole number, at least 1"),
        ("predformer", {"expansion": 0}, "expansion=0: expected a whole number, at least 1"),
        ("predformer", {"patch": 3}, "patch=3 does not divide frames of 16×16: choose patch=2, or resize"),
        ("predformer", {"horizon": 0}, "horizon=0: expected a whole number, at least 1"),
        (
            "predformer",
            {"horizon": 5},
            "horizon=5 is more than the 4 frames of context.*: choose horizon=4, or horizon=1",
        ),
        ("mirrored_flow", {"turns_at": 0.0}, r"turns_at=0.0, apart=0.5: expected both above 0"),
    ],
)
def test_bad_size(name, size, named):
    with pytest.raises(ValueError, match=named):
        build(name, (4, 16, 16, 1), **size)


@pytest.mark.parametrize("reach", [0, 3])
def test_forecaster_starts_as_copying(reach):
    """Until it has learned to, it moves and corrects nothing."""
    context = np.random.default_rng(0).random((2, 6, 16, 16, 1)).astype(np.float32)
    forecast = build("forecaster", (6, 16, 16, 1), max_displacement=reach).predict(context, verbose=0)
    np.testing.assert_allclose(forecast, context[:, -1], atol=1e-6)


@pytest.mark.parametrize("patch", [1, 2])
def test_forecaster_moves_by_the_shift_that_it_is_told(patch):
    from nextframe.models.forecaster import apply_kernels

    frame = np.random.default_rng(0).random((1, 8, 8, 1)).astype(np.float32)
    motion = np.zeros((1, 8 // patch, 8 // patch, 9), np.float32)
    motion[..., 3] = 0.75  # from the pixel at its left
    motion[..., 1] = 0.25  # from the pixel above
    inputs = keras.Input((8, 8, 1)), keras.Input(motion.shape[1:])
    model = keras.Model(inputs, patches.unpatchify(apply_kernels(*inputs, 1, patch), patch))
    left, above = np.zeros((2, 8, 8, 1), np.float32)
    left[:, 1:], above[1:] = frame[0, :, :-1], frame[0, :-1]
    assert model.predict([frame, motion], verbose=0)[0] == pytest.approx(0.75 * left + 0.25 * above, abs=1e-6)


def test_forecaster_reads_the_last_frames():
    rng = np.random.default_rng(0)
    model = build("forecaster", (6, 16, 16, 1), frames=3, filters=4, deep_filters=4)
    model.set_weights([rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    reach = diagnostics.temporal_receptive_field(model, rng.random((1, 6, 16, 16, 1)))
    assert (reach > 0).tolist() == [False, False, False, True, True, True]


def test_forecaster_without_motion_has_no_weights_for_it():
    model, whole = build("forecaster", (6, 16, 16, 1), max_displacement=0), build("forecaster", (6, 16, 16, 1))
    assert whole.count_params() - model.count_params() == 49 * (48 + 1)


def test_forecaster_that_only_moves_makes_nothing_brighter_or_darker():
    """With any weights: a mean of pixels lies between them, which the free kernels and the correction need not."""
    rng = np.random.default_rng(0)
    context = 0.25 + 0.5 * rng.random((4, 6, 16, 16, 1), np.float32)
    context[:, :, :3] = context[:, :, -3:] = context[:, :, :, :3] = context[:, :, :, -3:] = 0.25
    extremes = {}
    for kernels, correction in (("softmax", False), ("free", False), ("softmax", True)):
        size = {"filters": 8, "deep_filters": 8, "kernels": kernels, "correction": correction}
        model = build("forecaster", context.shape[1:], **size)
        model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
        inside = model.predict(context, verbose=0)[:, 3:-3, 3:-3]  # beyond the frame it is black
        extremes[kernels, correction] = inside.min() > 0.2499 and inside.max() < 0.7501
    assert extremes == {("softmax", False): True, ("free", False): False, ("softmax", True): False}


def test_forecaster_that_does_not_look_from_far():
    """No convolution is left at half the places."""
    model, whole = build("forecaster", (6, 16, 16, 1), deep_blocks=0), build("forecaster", (6, 16, 16, 1))
    assert model.count_params() < whole.count_params()
    sides = {layer.output.shape[1] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert sides == {8}


def test_forecaster_needs_sides_that_it_can_halve():
    with pytest.raises(ValueError, match="multiples of 2 × patch = 4"):
        build("forecaster", (6, 18, 16, 1))


@pytest.mark.parametrize("name", ["dense_lstm", "conv3d", "time_distributed"])
def test_any_network_on_differences_forecasts_a_still_video_as_still(name, context):
    network = build(name, context.shape[1:], head="linear")
    on_changes = on_differences(network)
    assert on_changes.count_params() == network.count_params()
    still = np.repeat(context[:, -1:], context.shape[1], axis=1)
    np.testing.assert_allclose(on_changes.predict(still, verbose=0), still[:, -1], atol=1e-6)
    # twice the contrast of what changes is, to the network, twice what it reads: the last frame is not seen
    forecast = on_changes.predict(context, verbose=0)
    assert not np.allclose(forecast, context[:, -1])
    brighter = on_changes.predict(context + np.float32(0.25), verbose=0)
    np.testing.assert_allclose(brighter, forecast + 0.25, atol=1e-4)


def test_on_differences_adds_what_the_network_says_of_the_scaled_differences(context):
    network = build("linear_extrapolation", context.shape[1:])
    forecast = on_differences(network, gain=3.0).predict(context, verbose=0)
    np.testing.assert_allclose(forecast, network.predict(context, verbose=0), atol=1e-5)


@pytest.mark.parametrize("horizon", [2, 4])
def test_several_frames_ahead_on_differences(context, horizon, straight_on):
    """What the network says of the scaled differences is added to the last frame, for each frame ahead."""
    model = straight_on(context.shape[1:], horizon)
    on_changes = on_differences(model, gain=3.0)
    np.testing.assert_allclose(on_changes.predict(context, verbose=0), model.predict(context, verbose=0), atol=1e-5)
    assert frames_ahead(on_changes) == horizon
    assert on_changes.output_names == ["rollout"]
    expected = 2 * context[:, -1] - context[:, -2]
    np.testing.assert_allclose(forecasting.predict_next(on_changes, context), expected, atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_heads_of_several_frames(context, head):
    """Each frame ends as one frame would."""
    frames = np.random.default_rng(1).normal(size=(3, 5, 12, 16, 1)).astype(np.float32)
    inputs = keras.Input(context.shape[1:]), keras.Input(frames.shape[1:])
    several = keras.Model(inputs, to_rollout(*inputs, head))
    one = keras.Model(inputs, to_frame(inputs[0], inputs[1][:, 4], head))
    found = several.predict([context, frames], verbose=0)
    np.testing.assert_allclose(found[:, 4], one.predict([context, frames], verbose=0), atol=1e-6)
    assert frames_ahead(several) == 5
    only = keras.Model(inputs, to_rollout(inputs[0], inputs[1][:, 4:], head))
    assert np.array_equal(only.predict([context, frames], verbose=0), one.predict([context, frames], verbose=0))
    assert frames_ahead(one) is frames_ahead(only) is None
    with pytest.raises(ValueError, match="head='softmax': expected one of"):
        to_rollout(*inputs, "softmax")


def test_on_differences_needs_one_forecast(context):
    every = build("conv_lstm", context.shape[1:], return_sequences=True)
    with pytest.raises(ValueError, match="build it with return_sequences=False"):
        on_differences(every)
