"""PredRNN and its layer: against the field's own code, Keras's ConvLSTM2D, and the formulas in NumPy.

`data/predrnn.npz` and `data/spatiotemporal_lstm_cell.npz` hold random weights, random inputs and what OpenSTL's modules
(PyTorch, commit c74deb5) made of them, channels first: numbers, and none of its code.
"""

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest

from nextframe import diagnostics, forecasting, training, windows
from nextframe.datasets.moving_digits import moving_digits
from nextframe.layers import SpatiotemporalLSTM2D, SpatiotemporalLSTM2DCell
from nextframe.models import build
from nextframe.models.heads import HEADS

DATA = Path(__file__).parent / "data"
PUBLISHED = {"filters": 128, "depth": 4, "kernel_size": 5, "patch": 4}
SMALL = {"filters": 4, "depth": 2, "patch": 2}


@pytest.fixture
def video():
    return np.random.default_rng(0).random((2, 6, 5, 7, 3)).astype(np.float32)


def output(layer, *arguments, **options):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, layer(*arguments, **options))


def published(name):
    """The arrays of a file, and a function from a module's name to our weights of its cell, in their order."""
    with np.load(DATA / f"{name}.npz") as stored:
        arrays = dict(stored)

    def kernel(path):
        return arrays[f"weights/{path}.weight"].transpose(2, 3, 1, 0)  # PyTorch: (out, in, rows, columns)

    def cell_weights(prefix=""):
        gates = np.split(kernel(f"{prefix}conv_x.0"), 7, axis=-1)  # there the output gate comes last
        others = [f"{prefix}conv_{name}" for name in ("h.0", "m.0", "o.0", "last")]
        return [np.concatenate([*gates[:3], gates[6], *gates[3:6]], axis=-1), *map(kernel, others)]

    return arrays, kernel, cell_weights


def channels_last(array):
    return np.moveaxis(array, -3, -1)


# ---- the layer ----


def test_the_layer_gives_what_the_fields_own_code_gives():
    arrays, _, cell_weights = published("spatiotemporal_lstm_cell")
    options = {"return_sequences": True, "return_state": True}
    layer = SpatiotemporalLSTM2D(8, 5, padding="same", use_bias=False, **options)
    layer.build((None, *channels_last(arrays["input"]).shape[1:]))
    layer.set_weights(cell_weights())
    hidden, last, cell, memory = output(layer, channels_last(arrays["input"]))
    np.testing.assert_allclose(hidden, channels_last(arrays["hidden"]), atol=2e-6)
    np.testing.assert_allclose(last, hidden[:, -1])
    np.testing.assert_allclose(cell, channels_last(arrays["cell"]), atol=4e-6)
    np.testing.assert_allclose(memory, channels_last(arrays["memory"]), atol=4e-6)


def correlate(picture, kernel):
    """A convolution with `padding="same"`: `(rows, columns, in)`, `(side, side, in, out)` → `(rows, columns, out)`."""
    side = len(kernel)
    rows, columns, _ = picture.shape
    padded = np.pad(picture, [(side // 2, side // 2)] * 2 + [(0, 0)])
    return sum(padded[r : r + rows, c : c + columns] @ kernel[r, c] for r in range(side) for c in range(side))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_layer_equals_its_formulas_in_numpy(video):
    layer = SpatiotemporalLSTM2D(4, 3, padding="same", return_sequences=True)
    layer.build(video.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.3, weight.shape) for weight in layer.get_weights()])
    kernel, recurrent, of_memory, out, mixing, bias = layer.get_weights()
    for clip, states in zip(video, output(layer, video), strict=True):
        h, c, m = np.zeros((3, 5, 7, 4))
        for frame, state in zip(clip, states, strict=True):
            x = np.split(correlate(frame, kernel) + bias, 7, axis=-1)
            of_h = np.split(correlate(h, recurrent), 4, axis=-1)
            of_m = np.split(correlate(m, of_memory), 3, axis=-1)
            c = sigmoid(x[1] + of_h[1]) * c + sigmoid(x[0] + of_h[0]) * np.tanh(x[2] + of_h[2])
            m = sigmoid(x[5] + of_m[1]) * m + sigmoid(x[4] + of_m[0]) * np.tanh(x[6] + of_m[2])
            both = np.concatenate([c, m], axis=-1)
            h = sigmoid(x[3] + of_h[3] + correlate(both, out)) * np.tanh(correlate(both, mixing))
            np.testing.assert_allclose(state, h, atol=1e-5)


@pytest.mark.parametrize("options", [{"padding": "same"}, {"strides": 2}, {"dilation_rate": 2, "padding": "same"}])
def test_without_its_second_memory_it_is_a_conv_lstm(video, options):
    """The frame's first three gates and the output gate, and kernels of zeros where the second memory would speak."""
    conv_lstm = keras.layers.ConvLSTM2D(4, 3, return_sequences=True, bias_initializer="glorot_normal", **options)
    expected = output(conv_lstm, video)
    kernel, recurrent, bias = conv_lstm.get_weights()
    layer = SpatiotemporalLSTM2D(4, 3, return_sequences=True, **options)
    layer.build(video.shape)
    weights = layer.get_weights()
    weights[0][..., :16], weights[1][:], weights[5][:16] = kernel, recurrent, bias
    weights[3][:] = 0
    weights[4][0, 0] = np.eye(8, 4)
    layer.set_weights(weights)
    np.testing.assert_allclose(output(layer, video), expected, atol=1e-6)


def test_forget_gates_begin_with_one():
    """As an initial bias that is learned, or for good where there are no biases."""
    black = np.zeros((1, 1, 3, 3, 2), np.float32)
    ones = [np.ones((1, 3, 3, 4), np.float32)] * 3
    for use_bias in (True, False):
        for unit_forget_bias, kept in ((True, sigmoid(1)), (False, 0.5)):
            layer = SpatiotemporalLSTM2D(
                4,
                3,
                padding="same",
                use_bias=use_bias,
                unit_forget_bias=unit_forget_bias,
                recurrent_initializer="zeros",
                return_state=True,
            )
            *_, cell, memory = output(layer, black, initial_state=ones)
            np.testing.assert_allclose(cell, kept, atol=1e-6)
            np.testing.assert_allclose(memory, kept, atol=1e-6)
            if use_bias:
                gates = np.split(layer.get_weights()[-1], 7)
                assert [gate.tolist() for gate in gates] == [
                    [float(unit_forget_bias and number in (1, 5))] * 4 for number in range(7)
                ]
    drawn = SpatiotemporalLSTM2D(4, 3, bias_initializer="glorot_normal")
    drawn.build(black.shape)
    assert (drawn.get_weights()[-1] != 0).all()


def test_it_takes_the_arguments_of_keras_conv_lstm_in_their_order():
    ours, theirs = (
        list(inspect.signature(layer.__init__).parameters) for layer in (SpatiotemporalLSTM2D, keras.layers.ConvLSTM2D)
    )
    assert [name for name in ours if name != "unroll"] == theirs
    defaults = [
        {name: each.default for name, each in inspect.signature(layer.__init__).parameters.items() if name != "unroll"}
        for layer in (SpatiotemporalLSTM2D, keras.layers.ConvLSTM2D)
    ]
    assert defaults[0] == defaults[1]


def shapes(outputs):
    return [tuple(part.shape) for part in (outputs if isinstance(outputs, list | tuple) else [outputs])]


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "same"},
        {"strides": (1, 2), "padding": "same"},
        {"dilation_rate": 2, "padding": "same"},
        {"kernel_size": (1, 3)},
        {"go_backwards": True},
        {"use_bias": False, "dropout": 0.3, "recurrent_dropout": 0.2, "seed": 5},
        {"unit_forget_bias": False, "activation": "relu", "activity_regularizer": "l2"},
    ],
)
def test_shapes_and_config_are_those_of_keras_conv_lstm(video, options, return_sequences, return_state):
    """With one state more."""
    options = {"filters": 4, "kernel_size": 3} | options
    options |= {"return_sequences": return_sequences, "return_state": return_state}
    ours, theirs = SpatiotemporalLSTM2D(**options), keras.layers.ConvLSTM2D(**options)
    expected = shapes(theirs(video))
    expected += expected[-1:] * return_state
    assert shapes(ours(video, training=True)) == expected
    assert [shape[1:] for shape in shapes(ours(keras.Input(video.shape[1:])))] == [shape[1:] for shape in expected]
    given = {"activity_regularizer": None} | ours.get_config()
    assert given | {"name": theirs.name} == theirs.get_config()
    again = SpatiotemporalLSTM2D.from_config(given)
    assert {"activity_regularizer": None} | again.get_config() == given
    again.build(video.shape)
    again.set_weights(ours.get_weights())
    for first, second in zip(*(keras.tree.flatten(output(layer, video)) for layer in (ours, again)), strict=True):
        assert np.array_equal(first, second)


def test_masked_frames_are_ignored(video):
    options = {"padding": "same", "unroll": keras.backend.backend() == "jax", "return_state": True}
    layer = SpatiotemporalLSTM2D(4, 3, **options)
    mask = np.array([[True] * 4 + [False] * 2, [True] * 6])
    masked = output(layer, video, mask=mask)
    for found, short, whole in zip(masked, output(layer, video[:1, :4]), output(layer, video[1:]), strict=True):
        np.testing.assert_allclose(found[:1], short, atol=1e-6)
        np.testing.assert_allclose(found[1:], whole, atol=1e-6)


def test_a_mask_goes_on_to_the_next_layer(video):
    """Frames of zeros at the end, as for a batch of clips of different lengths."""
    if keras.backend.backend() == "jax":
        pytest.skip("a mask needs unroll=True there, in Keras's layers too")
    video[0, 4:] = 0
    flat = keras.Input((6, 5 * 7 * 3))
    marked = keras.layers.Masking()(flat)
    reshaped = keras.layers.TimeDistributed(keras.layers.Reshape((5, 7, 3)))(marked)
    layers = [SpatiotemporalLSTM2D(4, 3, return_sequences=each) for each in (True, False)]
    model = keras.Model(flat, layers[1](layers[0](reshaped)))
    found = model.predict(video.reshape(2, 6, -1), verbose=0)
    np.testing.assert_allclose(found[:1], output(layers[1], layers[0](video[:1, :4])), atol=1e-6)


def test_it_goes_on_where_it_stopped(video):
    """With the states handed on by its caller, or kept in the layer."""
    layer = SpatiotemporalLSTM2D(4, 3, padding="same", return_state=True)
    _, *states = layer(video[:, :3])
    resumed, whole = output(layer, video[:, 3:], initial_state=states), output(layer, video)
    for found, expected in zip(resumed, whole, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    stateful = SpatiotemporalLSTM2D(4, 3, padding="same", stateful=True)
    stateful.build(video[:, :3].shape)
    stateful.set_weights(layer.get_weights())
    stateful(video[:, :3])
    np.testing.assert_allclose(output(stateful, video[:, 3:]), whole[0], atol=1e-6)
    stateful.reset_state()
    np.testing.assert_allclose(output(stateful, video[:, :3]), output(layer, video[:, :3])[0], atol=1e-6)


def test_it_drops_out_in_training_only(video):
    for dropout in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        layer = SpatiotemporalLSTM2D(4, 3, padding="same", seed=1, **dropout)
        still = output(layer, video)
        assert np.array_equal(output(layer, video), still)
        first = output(layer, video, training=True)
        assert not np.allclose(first, still, atol=1e-3)
        assert not np.allclose(output(layer, video, training=True), first, atol=1e-3)


def test_it_regularizes_and_constrains(video):
    kinds = {"kernel": "l1", "recurrent": "l2", "bias": "l2", "activity": "l2"}
    constrained = {f"{name}_constraint": "non_neg" for name in ("kernel", "recurrent", "bias")}
    layer = SpatiotemporalLSTM2D(4, 3, **{f"{name}_regularizer": kind for name, kind in kinds.items()}, **constrained)
    layer(video)
    assert len(layer.losses) == 1 + 4 + 1 + 1  # the kernel for inputs, four for states, biases, the output
    assert all(weight.constraint is not None for weight in layer.trainable_weights)


def test_half_precision(video):
    """Computes in 16 bits, keeps its weights in 32, and comes out close."""
    whole = SpatiotemporalLSTM2D(4, 3, return_state=True)
    half = SpatiotemporalLSTM2D(4, 3, return_state=True, dtype="mixed_float16")
    expected = output(whole, video)
    half.build(video.shape)
    half.set_weights(whole.get_weights())
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in half.weights} == {"float32"}
    assert half.cell.compute_dtype == "float16"
    for found, wanted in zip(half(video), expected, strict=True):
        assert keras.backend.standardize_dtype(found.dtype) == "float16"
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), wanted, atol=5e-3)


def test_it_is_trained_saved_and_loaded(video, fit_one_batch, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(video.shape[1:])
    x = SpatiotemporalLSTM2D(4, 3, padding="same", return_sequences=True)(inputs)
    model = keras.Model(inputs, SpatiotemporalLSTM2D(1, 3, padding="same", activation="linear")(x))
    target = video[:, -1, ..., :1]
    losses = fit_one_batch(model, video, target, steps=40, learning_rate=0.02)
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded(video), model(video))


def test_channels_first():
    """Shapes only: TensorFlow cannot convolve channels first on a CPU."""
    options = {"data_format": "channels_first", "return_sequences": True, "return_state": True}
    layer = SpatiotemporalLSTM2D(4, 3, **options)
    state = (2, 4, 3, 5)
    assert layer.compute_output_shape((2, 6, 3, 5, 7)) == ((2, 6, 4, 3, 5), state, state, state)
    layer.build((2, 6, 3, 5, 7))
    assert layer.cell.kernel.shape == (3, 3, 3, 28)
    assert shapes(layer.get_initial_state(2)) == [state] * 3
    if keras.backend.backend() != "tensorflow":
        frames = np.random.default_rng(0).random((2, 6, 3, 5, 7)).astype(np.float32)
        last = SpatiotemporalLSTM2D(4, 3, return_sequences=True, return_state=True)
        last.build((2, 6, 5, 7, 3))
        last.set_weights(layer.get_weights())
        for found, expected in zip(output(layer, frames), output(last, channels_last(frames)), strict=True):
            np.testing.assert_allclose(channels_last(found), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "shape", "named"),
    [
        ({"strides": 2, "dilation_rate": 2}, None, "dilation_rate"),
        ({"padding": "half"}, None, "padding"),
        ({"kernel_size": 0}, None, "kernel_size"),
        ({"filters": -1}, None, "-1"),
        ({}, (2, 6, None, 7, 3), "SpatiotemporalLSTM2D needs to know rows, columns and channels"),
        ({}, (2, 6, 5, 7, None), "SpatiotemporalLSTM2D needs to know rows, columns and channels"),
    ],
)
def test_bad_arguments(arguments, shape, named):
    with pytest.raises(ValueError, match=named):
        SpatiotemporalLSTM2D(**({"filters": 4, "kernel_size": 3} | arguments)).build(shape or (2, 6, 5, 7, 3))


# ---- the network ----


def to_frames(patches):
    """Patches of 2 as channels, `(batch, time, 4, rows, columns)`, to frames `(batch, time, 2 rows, 2 columns, 1)`."""
    batch, time, _, rows, columns = patches.shape
    squares = patches.reshape(batch, time, 2, 2, rows, columns).transpose(0, 1, 4, 2, 5, 3)
    return squares.reshape(batch, time, 2 * rows, 2 * columns, 1)


@pytest.fixture(scope="module")
def of_the_field():
    """A context of four frames, forecasts of frames 1 to 6, the network's size, and its weights."""
    arrays, kernel, cell_weights = published("predrnn")
    weights = [*cell_weights("cell_list.0."), *cell_weights("cell_list.1."), kernel("conv_last")]
    forecasts = arrays["output"].transpose(0, 1, 4, 2, 3)
    return to_frames(arrays["input"]), to_frames(forecasts), {"filters": 8, "kernel_size": 5, "patch": 2}, weights


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_forecast_is_that_of_the_fields_own_code(frames, of_the_field):
    context, forecasts, size, weights = of_the_field
    model = build("predrnn", (frames, *context.shape[2:]), **size)
    model.set_weights(weights)
    found = forecasting.predict_next(model, context[:, :frames])
    np.testing.assert_allclose(found, forecasts[:, frames - 1], atol=2e-6)


def test_forecasts_of_several_frames_are_those_of_the_fields_own_code(of_the_field):
    context, forecasts, size, weights = of_the_field
    model = build("predrnn", context.shape[1:], horizon=3, **size)
    model.set_weights(weights)
    found = forecasting.rollout(model, context, 3, clip=False)
    np.testing.assert_allclose(found, forecasts[:, 3:], atol=2e-6)


def test_it_is_as_large_and_as_costly_as_published():
    """23.8 M weights; 115.9 G for ten frames after ten, of which a product and its sum are one there."""
    model = build("predrnn", (10, 64, 64, 1), horizon=10, **PUBLISHED)
    assert model.count_params() == 23_838_720
    operations = diagnostics.forward_flops(model) / 2
    each_step = 16 * 16 * (model.count_params() - 128 * 16)
    assert operations == 19 * each_step + 10 * 16 * 16 * 128 * 16  # no frame is made of what the context shows
    assert operations == pytest.approx(115.95e9, rel=1e-3)


def test_sizes_go_from_small_to_published():
    assert 40_000 < build("predrnn", (10, 32, 32, 1), filters=12).count_params() < 60_000
    assert 100_000 < build("predrnn", (10, 32, 32, 1)).count_params() < 200_000


def test_one_layer_is_the_recurrent_layer():
    """Its memory comes back to it at the next step, as in the layer."""
    context = np.random.default_rng(0).random((2, 5, 8, 12, 1)).astype(np.float32)
    model = build("predrnn", context.shape[1:], filters=4, depth=1, patch=1)
    layer = SpatiotemporalLSTM2D(4, 3, padding="same", use_bias=False)
    layer.build(context.shape)
    layer.set_weights(model.get_weights()[:-1])
    expected = output(layer, context) @ model.get_weights()[-1][0, 0]
    np.testing.assert_allclose(model.predict(context, verbose=0), expected, atol=1e-5)


def test_the_second_memory_climbs_and_comes_back():
    """All that is left of a layer's output is what the second memory brings along from below, and back from the top."""
    context = np.random.default_rng(0).random((1, 3, 4, 4, 1)).astype(np.float32)
    model = build("predrnn", context.shape[1:], filters=2, depth=3, kernel_size=1, patch=1)
    weights = [np.zeros_like(weight) for weight in model.get_weights()]
    weights[0][..., 2 * 6 :] = 1  # the lowest layer alone looks at the frame, for its candidate of the second memory
    weights[5 * 2 + 4][0, 0, 2:] = np.eye(2)  # the top one alone speaks, and of the second memory
    weights[-1][:] = 1
    model.set_weights(weights)
    memory, keep = np.zeros((1, 4, 4, 1)), sigmoid(1)
    for frame in np.moveaxis(context, 1, 0):
        memory = (keep * memory + 0.5 * np.tanh(frame)) * keep**2  # the lowest layer adds, and each keeps a part
    expected = 2 * 0.5 * np.tanh(memory)  # two channels, behind an output gate that is half open
    np.testing.assert_allclose(model.predict(context, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_it_reads_its_own_forecasts(head):
    """The second frame ahead is the next frame of a context that holds the first one."""
    context = np.random.default_rng(0).random((2, 4, 8, 12, 1)).astype(np.float32)
    several = build("predrnn", context.shape[1:], horizon=3, head=head, **SMALL)
    assert several.output_shape == (None, 3, 8, 12, 1)
    assert several.output_names == ["rollout"]
    found = output(several, context)
    for ahead in range(3):
        seen = np.concatenate([context, found[:, :ahead]], axis=1)
        one = build("predrnn", seen.shape[1:], head=head, **SMALL)
        one.set_weights(several.get_weights())
        np.testing.assert_allclose(output(one, seen), found[:, ahead], atol=1e-5)
        assert one.output_shape == (None, 8, 12, 1)
        assert one.output_names == ["forecast"]


def test_it_learns_several_frames_ahead(tmp_path):
    """Trained on all of them; saved, loaded and used as one that forecasts several."""
    clips = moving_digits(40, 8, digits=1, canvas=16, digit_size=10)
    dataset = windows.window_dataset(clips, 4, horizon=4, batch_size=10)
    keras.utils.set_random_seed(0)
    model = build("predrnn", (4, 16, 16, 1), horizon=4, filters=8, patch=4)
    history = training.fit(model, dataset, dataset, steps=40, rounds=4, learning_rate=1e-2, progress=False)
    assert history[-1]["validation"] < 0.9 * history[0]["validation"]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    context = windows.to_unit(clips[:3, :4])
    expected = forecasting.rollout(model, context, 6)
    np.testing.assert_allclose(forecasting.rollout(loaded, context, 6), expected, atol=1e-6)
    assert diagnostics.leaks(loaded, windows.to_unit(clips[:1])) == []


@pytest.mark.parametrize("horizon", [1, 2])
def test_mixed_precision(horizon):
    """The network computes in 16 bits, and its forecast has 32."""
    context = np.random.default_rng(0).random((2, 4, 8, 12, 1)).astype(np.float32)
    whole = build("predrnn", context.shape[1:], horizon=horizon, **SMALL)
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = build("predrnn", context.shape[1:], horizon=horizon, **SMALL)
    finally:
        keras.config.set_dtype_policy(policy)
    half.set_weights(whole.get_weights())
    cells = [layer for layer in half.layers if isinstance(layer, SpatiotemporalLSTM2DCell)]
    assert [cell.compute_dtype for cell in cells] == ["float16"] * 2
    found = half.predict(context, verbose=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole.predict(context, verbose=0), atol=5e-3)


def test_a_training_step_of_several_frames_is_measured():
    assert diagnostics.peak_training_memory("predrnn", (3, 16, 16, 1), 2, horizon=2, **SMALL) > 0


@pytest.mark.parametrize(
    ("size", "named"),
    [
        ({"filters": 0}, "filters=0: expected a whole number, at least 1"),
        ({"depth": 0}, "depth=0: expected a whole number, at least 1"),
        ({"depth": 1.5}, "depth=1.5: expected a whole number, at least 1"),
        ({"kernel_size": 0}, "kernel_size=0: expected a whole number, at least 1"),
        ({"horizon": 0}, "horizon=0: expected a whole number, at least 1"),
        ({"patch": 3}, "patch=3 does not divide frames of 16×16: choose patch=2, or resize"),
        ({"head": "softmax"}, "head='softmax': expected one of linear, residual, sigmoid"),
    ],
)
def test_bad_sizes(size, named):
    with pytest.raises(ValueError, match=named):
        build("predrnn", (4, 16, 16, 1), **size)
