"""Layers of our own, tested the way Keras tests its layers."""

import keras
import numpy as np
import pytest

from nextframe.layers import CausalConv3D, ConvGRU2D, FoldFrames, SinusoidalPositions


@pytest.fixture
def video():
    return np.random.default_rng(0).random((2, 6, 5, 7, 3)).astype(np.float32)


def output(layer, video):
    return keras.ops.convert_to_numpy(layer(video))


@pytest.mark.parametrize("kernel_size", [1, 2, 3, (3, 1, 5)])
@pytest.mark.parametrize("dilation_rate", [1, (2, 1, 1)])
def test_length_is_kept(video, kernel_size, dilation_rate):
    layer = CausalConv3D(4, kernel_size, dilation_rate=dilation_rate)
    assert output(layer, video).shape == (2, 6, 5, 7, 4)
    assert layer.compute_output_shape((None, 6, 5, 7, 3)) == (None, 6, 5, 7, 4)


@pytest.mark.parametrize("dilation_rate", [1, 2])
def test_no_output_sees_a_later_frame(video, dilation_rate):
    layer = CausalConv3D(4, 3, dilation_rate=(dilation_rate, 1, 1))
    before = output(layer, video)
    changed = video.copy()
    changed[:, 3] += 1
    moved = np.abs(output(layer, changed) - before).max((0, 2, 3, 4)) > 1e-6
    assert moved.tolist() == [t >= 3 and (t - 3) in (0, dilation_rate, 2 * dilation_rate) for t in range(6)]


def test_equals_a_padded_keras_convolution(video):
    layer = CausalConv3D(4, 3)
    expected = keras.layers.Conv3D(4, 3)
    padded = np.pad(video, [(0, 0), (2, 0), (1, 1), (1, 1), (0, 0)])
    expected.build(padded.shape)
    layer.build(video.shape)
    expected.set_weights(layer.get_weights())
    np.testing.assert_allclose(output(layer, video), output(expected, padded), atol=1e-5)


def test_config_round_trip(video):
    layer = CausalConv3D(4, (3, 1, 1), activation="relu", use_bias=False)
    again = CausalConv3D.from_config(layer.get_config())
    again.build(video.shape)
    layer.build(video.shape)
    again.set_weights(layer.get_weights())
    assert np.array_equal(output(again, video), output(layer, video))


@pytest.mark.parametrize("bad", [{"padding": "same"}, {"strides": 2}, {"data_format": "channels_first"}])
def test_arguments_that_would_not_be_causal(bad):
    with pytest.raises(ValueError, match="CausalConv3D keeps the length of every axis; leave it out"):
        CausalConv3D(4, 3, **bad)


# ---- ConvGRU2D ----


def correlate(picture, kernel):
    """A convolution with `padding="same"`: `(rows, columns, in)`, `(3, 3, in, out)` → `(rows, columns, out)`."""
    rows, columns, _ = picture.shape
    padded = np.pad(picture, [(1, 1), (1, 1), (0, 0)])
    return sum(padded[r : r + rows, c : c + columns] @ kernel[r, c] for r in range(3) for c in range(3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("reset_after", [False, True])
def test_conv_gru_equals_its_formulas_in_numpy(video, reset_after):
    keras.utils.set_random_seed(0)
    layer = ConvGRU2D(4, 3, padding="same", return_sequences=True, reset_after=reset_after)
    layer.build(video.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.3, weight.shape) for weight in layer.get_weights()])
    kernel, recurrent, bias = layer.get_weights()
    given, own = (bias[0], bias[1]) if reset_after else (bias, np.zeros(12))
    W, V, Q = np.split(kernel, 3, axis=-1)
    U, T, R = np.split(recurrent, 3, axis=-1)
    for clip, memories in zip(video, output(layer, video), strict=True):
        h = np.zeros((5, 7, 4))
        for frame, memory in zip(clip, memories, strict=True):
            update = sigmoid(correlate(frame, W) + given[:4] + correlate(h, U) + own[:4])
            reset = sigmoid(correlate(frame, V) + given[4:8] + correlate(h, T) + own[4:8])
            past = reset * (correlate(h, R) + own[8:]) if reset_after else correlate(reset * h, R)
            h = update * h + (1 - update) * np.tanh(correlate(frame, Q) + given[8:] + past)
            np.testing.assert_allclose(memory, h, atol=1e-5)


def test_conv_gru_on_one_pixel_is_a_gru(video):
    """With frames of one pixel and kernels of one, nothing is left of space."""
    pixels = video[:, :, :1, :1]
    for reset_after in (False, True):
        layer, gru = ConvGRU2D(4, 1, reset_after=reset_after), keras.layers.GRU(4, reset_after=reset_after)
        layer.build(pixels.shape)
        gru.build(pixels[:, :, 0, 0].shape)
        weights = layer.get_weights()
        gru.set_weights([weights[0][0, 0], weights[1][0, 0], weights[2]])
        np.testing.assert_allclose(output(layer, pixels)[:, 0, 0], output(gru, pixels[:, :, 0, 0]), atol=1e-6)


def shapes(outputs):
    return [tuple(part.shape) for part in (outputs if isinstance(outputs, list | tuple) else [outputs])]


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "same"},
        {"strides": 2},
        {"strides": (1, 2), "padding": "same"},
        {"dilation_rate": 2, "padding": "same"},
        {"kernel_size": (1, 3)},
        {"unroll": True, "go_backwards": True},
        {"use_bias": False, "reset_after": True},
        {"dropout": 0.3, "recurrent_dropout": 0.2},
    ],
)
def test_conv_gru_has_the_shapes_of_keras_conv_lstm(video, options, return_sequences, return_state):
    options = {"filters": 4, "kernel_size": 3} | options
    options |= {"return_sequences": return_sequences, "return_state": return_state}
    ours = ConvGRU2D(**options)
    of_gru_alone = {"reset_after", "unroll"}
    theirs = keras.layers.ConvLSTM2D(**{name: value for name, value in options.items() if name not in of_gru_alone})
    expected = shapes(theirs(video))
    assert shapes(ours(video, training=True)) == expected[: 1 + return_state]
    symbolic = ours(keras.Input(video.shape[1:]))
    assert [shape[1:] for shape in shapes(symbolic)] == [shape[1:] for shape in expected[: 1 + return_state]]
    again = ConvGRU2D.from_config(ours.get_config())
    again.build(video.shape)
    again.set_weights(ours.get_weights())
    assert shapes(again(video)) == shapes(ours(video))
    first, second = (keras.tree.flatten(layer(video))[0] for layer in (ours, again))
    assert np.array_equal(keras.ops.convert_to_numpy(first), keras.ops.convert_to_numpy(second))


def test_conv_gru_has_three_quarters_of_the_weights():
    gru, lstm = ConvGRU2D(8, 3), keras.layers.ConvLSTM2D(8, 3)
    for layer in (gru, lstm):
        layer.build((None, 6, 5, 7, 3))
    assert gru.count_params() == 3 * lstm.count_params() / 4


def test_conv_gru_ignores_masked_frames(video):
    layer = ConvGRU2D(4, 3, padding="same", unroll=keras.backend.backend() == "jax")
    mask = np.array([[True] * 4 + [False] * 2, [True] * 6])
    masked = keras.ops.convert_to_numpy(layer(video, mask=mask))
    np.testing.assert_allclose(masked[:1], output(layer, video[:1, :4]), atol=1e-6)
    np.testing.assert_allclose(masked[1:], output(layer, video[1:]), atol=1e-6)


def test_stateful_conv_gru_goes_on_where_it_stopped(video):
    layer = ConvGRU2D(4, 3, padding="same", stateful=True)
    layer.build(video[:, :3].shape)
    whole = ConvGRU2D(4, 3, padding="same")
    whole.build(video.shape)
    whole.set_weights(layer.get_weights())
    layer(video[:, :3])
    np.testing.assert_allclose(output(layer, video[:, 3:]), output(whole, video), atol=1e-6)
    layer.reset_state()
    np.testing.assert_allclose(output(layer, video[:, :3]), output(whole, video[:, :3]), atol=1e-6)


def test_conv_gru_takes_an_initial_memory(video):
    layer = ConvGRU2D(4, 3, padding="same", return_state=True)
    _, memory = layer(video[:, :3])
    resumed, _ = layer(video[:, 3:], initial_state=[memory])
    whole, _ = layer(video)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(resumed), keras.ops.convert_to_numpy(whole), atol=1e-6)


def test_conv_gru_drops_out_in_training_only(video):
    layer = ConvGRU2D(4, 3, padding="same", dropout=0.5, recurrent_dropout=0.5, seed=1)
    still = output(layer, video)
    assert np.array_equal(output(layer, video), still)
    first = keras.ops.convert_to_numpy(layer(video, training=True))
    assert not np.allclose(first, still, atol=1e-3)
    assert not np.allclose(keras.ops.convert_to_numpy(layer(video, training=True)), first, atol=1e-3)


def test_conv_gru_regularizes_and_constrains(video):
    layer = ConvGRU2D(
        4,
        3,
        kernel_regularizer="l1",
        recurrent_regularizer="l2",
        bias_regularizer="l2",
        activity_regularizer="l2",
        kernel_constraint="non_neg",
        recurrent_constraint="non_neg",
        bias_constraint="non_neg",
    )
    layer(video)
    assert len(layer.losses) == 4
    assert all(weight.constraint is not None for weight in layer.trainable_weights)


def test_conv_gru_is_trained_saved_and_loaded(video, fit_one_batch, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(video.shape[1:])
    x = ConvGRU2D(4, 3, padding="same", return_sequences=True)(inputs)
    model = keras.Model(inputs, ConvGRU2D(1, 3, padding="same", activation="linear")(x))
    target = video[:, -1, ..., :1]
    losses = fit_one_batch(model, video, target, steps=40, learning_rate=0.02)
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded(video), model(video))


def test_conv_gru_with_channels_first(video):
    """Shapes only: TensorFlow cannot convolve channels first on a CPU."""
    layer = ConvGRU2D(4, 3, data_format="channels_first", return_sequences=True, return_state=True)
    assert layer.compute_output_shape((2, 6, 3, 5, 7)) == ((2, 6, 4, 3, 5), (2, 4, 3, 5))
    layer.build((2, 6, 3, 5, 7))
    assert layer.cell.kernel.shape == (3, 3, 3, 12)


@pytest.mark.parametrize(
    ("arguments", "shape", "named"),
    [
        ({"strides": 2, "dilation_rate": 2}, None, "dilation_rate"),
        ({"padding": "half"}, None, "padding"),
        ({"kernel_size": 0}, None, "kernel_size"),
        ({"filters": -1}, None, "-1"),
        ({}, (2, 6, None, 7, 3), "ConvGRU2D needs to know rows, columns and channels"),
        ({}, (2, 6, 5, 7, None), "ConvGRU2D needs to know rows, columns and channels"),
    ],
)
def test_bad_conv_gru(arguments, shape, named):
    with pytest.raises(ValueError, match=named):
        ConvGRU2D(**({"filters": 4, "kernel_size": 3} | arguments)).build(shape or (2, 6, 5, 7, 3))


@pytest.mark.parametrize("frames", [1, 4])
def test_fold_frames_is_time_distributed(frames):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization()])
    inputs = np.random.default_rng(0).random((2, frames, 8, 8, 2), np.float32)
    folded = FoldFrames(network)(inputs)
    assert np.array_equal(folded, keras.layers.TimeDistributed(network)(inputs))
    assert folded.shape == (2, frames, 6, 6, 3)


def test_fold_frames_comes_back_from_a_file(tmp_path):
    inputs = keras.Input((4, 8, 8, 1))
    model = keras.Model(inputs, FoldFrames(keras.layers.Conv2D(2, 3))(inputs))
    model.save(tmp_path / "model.keras")
    context = np.random.default_rng(0).random((1, 4, 8, 8, 1), np.float32)
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras")(context), model(context))


def test_fold_frames_wants_frames():
    with pytest.raises(ValueError, match=r"shape \(2, 3\): expected \(batch, frames, ...\)"):
        FoldFrames(keras.layers.Dense(1)).build((2, 3))


# ---- positions ----


def test_waves_by_hand():
    """Tokens are numbered through rows and columns; pairs of channels share a rate, each slower than the one before."""
    found = output(SinusoidalPositions(), np.zeros((2, 3, 4, 5), np.float32))
    assert found.shape == (2, 3, 4, 5)
    assert np.array_equal(found[0], found[1])
    for row, column in ((0, 0), (0, 3), (2, 1)):
        number = 4 * row + column
        slower = number / 10_000 ** (2 / 5), number / 10_000 ** (4 / 5)
        waves = [np.sin(number), np.cos(number), np.sin(slower[0]), np.cos(slower[0]), np.sin(slower[1])]
        np.testing.assert_allclose(found[0, row, column], waves, atol=1e-6)


def test_waves_are_added_and_have_no_weights(video):
    layer = SinusoidalPositions()
    np.testing.assert_allclose(output(layer, video) - video, output(layer, np.zeros_like(video)), atol=1e-6)
    assert layer.weights == []
    assert layer.compute_output_shape((None, 6, 3)) == (None, 6, 3)
    half = SinusoidalPositions(dtype="float16")(video)
    assert keras.backend.standardize_dtype(half.dtype) == "float16"


@pytest.mark.parametrize("shape", [(4,), (None, 8), (None, None, 8), (None, 4, None)])
def test_waves_need_to_know_their_tokens(shape):
    with pytest.raises(ValueError, match=r"expected \(batch, tokens, channels\), or more axes of tokens"):
        SinusoidalPositions().build(shape)
