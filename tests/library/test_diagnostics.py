"""Probes, each asked of a model whose answer is known by construction."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from nextframe import diagnostics, forecasting, metrics
from nextframe.benchmark import tasks
from nextframe.datasets import memory_tasks
from nextframe.datasets.moving_digits import moving_digits
from nextframe.layers import CausalConv3D, ConvGRU2D, FoldFrames, SpatiotemporalLSTM2D
from nextframe.models import build
from nextframe.windows import sliding_windows, to_unit

SHAPE = (6, 24, 24, 1)


@pytest.fixture(scope="module")
def context():
    return to_unit(moving_digits(4, 6, canvas=24, digit_size=16, seed=2))


def model_of(function, shape=SHAPE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, function(inputs))


# ---- cost ----


def test_flops_by_hand():
    """Two for each product, from the layers' definitions."""
    conv = model_of(layers.Conv2D(8, 5, padding="same"), (24, 20, 3))
    assert diagnostics.forward_flops(conv) == 2 * 24 * 20 * 8 * 5 * 5 * 3
    strided = model_of(layers.Conv2D(8, 3, strides=2, padding="same"), (24, 20, 4))
    assert diagnostics.forward_flops(strided) == 2 * 12 * 10 * 8 * 3 * 3 * 4
    grouped = model_of(layers.Conv2D(8, 3, padding="same", groups=2), (24, 20, 4))
    assert diagnostics.forward_flops(grouped) == 2 * 24 * 20 * 8 * 3 * 3 * 2
    volume = model_of(layers.Conv3D(8, (3, 5, 5)), (10, 24, 20, 2))
    assert diagnostics.forward_flops(volume) == 2 * 8 * 20 * 16 * 8 * 3 * 5 * 5 * 2
    causal = model_of(CausalConv3D(8, 3), (10, 24, 20, 2))
    assert diagnostics.forward_flops(causal) == 2 * 10 * 24 * 20 * 8 * 27 * 2
    dense = model_of(layers.Dense(7), (10, 5))
    assert diagnostics.forward_flops(dense) == 2 * 10 * 5 * 7
    lstm = model_of(layers.LSTM(16), (10, 5))
    assert diagnostics.forward_flops(lstm) == 2 * 10 * 4 * (5 * 16 + 16 * 16)
    gru = model_of(layers.GRU(16), (10, 5))
    assert diagnostics.forward_flops(gru) == 2 * 10 * 3 * (5 * 16 + 16 * 16)
    recurrent = model_of(layers.ConvLSTM2D(16, 3, padding="same"), (10, 24, 20, 2))
    assert diagnostics.forward_flops(recurrent) == 2 * 10 * 4 * 24 * 20 * 16 * 9 * (2 + 16)
    gru = model_of(ConvGRU2D(16, 3, padding="same"), (10, 24, 20, 2))
    assert diagnostics.forward_flops(gru) == 2 * 10 * 3 * 24 * 20 * 16 * 9 * (2 + 16)
    products = 9 * 16 * (7 * 2 + (4 + 3 + 2) * 16) + 2 * 16 * 16  # input, hidden state, second memory, both of them
    two_memories = model_of(SpatiotemporalLSTM2D(16, 3, padding="same", return_sequences=True), (10, 24, 20, 2))
    assert diagnostics.forward_flops(two_memories) == 2 * 10 * 24 * 20 * products
    strided = model_of(SpatiotemporalLSTM2D(16, 3, strides=2, padding="same"), (10, 24, 20, 2))
    assert diagnostics.forward_flops(strided) == 2 * 10 * 12 * 10 * products
    transposed = model_of(layers.Conv2DTranspose(8, 3, strides=2, padding="same"), (12, 10, 4))
    assert diagnostics.forward_flops(transposed) == 2 * 12 * 10 * 4 * 9 * 8
    depthwise = model_of(layers.DepthwiseConv2D(3, padding="same"), (24, 20, 4))
    assert diagnostics.forward_flops(depthwise) == 2 * 24 * 20 * 4 * 9
    frames = model_of(layers.TimeDistributed(layers.Conv2D(8, 3, padding="same")), (10, 24, 20, 2))
    assert diagnostics.forward_flops(frames) == 10 * 2 * 24 * 20 * 8 * 9 * 2
    folded = model_of(FoldFrames(layers.Conv2D(8, 3, padding="same")), (10, 24, 20, 2))
    assert diagnostics.forward_flops(folded) == diagnostics.forward_flops(frames)


@pytest.mark.parametrize("layer", [layers.Conv2D, layers.Conv3D, layers.ConvLSTM2D, ConvGRU2D, SpatiotemporalLSTM2D])
def test_flops_do_not_depend_on_where_channels_stand(layer):
    recurrent = layer not in (layers.Conv2D, layers.Conv3D)
    time, space = (5,) * recurrent, (24, 20) if layer is not layers.Conv3D else (5, 24, 20)
    last = layer(8, 3, padding="same", data_format="channels_last")
    first = layer(8, 3, padding="same", data_format="channels_first")
    expected = diagnostics.forward_flops(model_of(last, (*time, *space, 3)))
    assert diagnostics.forward_flops(model_of(first, (*time, 3, *space))) == expected > 0


def test_flops_of_attention_by_hand():
    """Four matrices for each token, and two products of each token with all that it sees."""
    width, heads, size, times, places = 12, 3, 5, 10, 24
    tokens, matrices = times * places, 4 * width * heads * size
    for axes, seen in ((1, times), (2, places), ((1, 2), times * places), (None, times * places)):
        attend = layers.MultiHeadAttention(heads, size, attention_axes=axes)
        model = model_of(lambda x, attend=attend: attend(x, x), (times, places, width))
        assert diagnostics.forward_flops(model) == 2 * tokens * (matrices + 2 * seen * heads * size)
    query, value, key = keras.Input((6, 8)), keras.Input((9, 7)), keras.Input((9, 5))
    attend = layers.MultiHeadAttention(heads, size, value_dim=4, output_shape=2, use_bias=False)
    across = keras.Model([query, value, key], attend(query, value, key))
    of_query, of_value = 6 * heads * (8 * size + 4 * 2), 9 * heads * (7 * 4 + 5 * size)
    assert diagnostics.forward_flops(across) == 2 * (of_query + of_value + 6 * 9 * heads * (size + 4))


def test_flops_add_up_over_layers_and_nested_models():
    inner = model_of(layers.Conv2D(8, 3, padding="same"), (24, 20, 3))
    outer = model_of(lambda x: layers.Dense(4)(layers.BatchNormalization()(inner(x))), (24, 20, 3))
    assert diagnostics.forward_flops(outer) == 2 * 24 * 20 * (8 * 9 * 3 + 8 * 4)
    assert diagnostics.training_flops(outer) == 3 * diagnostics.forward_flops(outer)


def test_flops_of_a_layer_count_at_each_call():
    """Of this model alone, each at its own size; but not those of a batch of zeros, which all forecasts share."""
    shared = layers.Conv2D(3, 3, padding="same", use_bias=False)
    model_of(shared, (48, 48, 3))
    twice = model_of(lambda x: shared(shared(x)[:, ::2, ::2]), (24, 20, 3))
    each = 2 * 9 * 3 * 3
    assert diagnostics.forward_flops(twice) == each * (24 * 20 + 12 * 10)
    nested = model_of(lambda x: twice(twice(x)[:, :1, :1] + x), (24, 20, 3))
    assert diagnostics.forward_flops(nested) == 2 * diagnostics.forward_flops(twice)
    constant = model_of(lambda x: shared(x) + shared(ops.zeros_like(ops.take(x, [0], axis=0))), (24, 20, 3))
    assert diagnostics.forward_flops(constant) == each * 24 * 20
    inputs = keras.Input(batch_shape=(4, 24, 20, 3))
    assert diagnostics.forward_flops(keras.Model(inputs, shared(inputs))) == each * 24 * 20
    in_a_row = keras.Sequential([keras.Input((24, 20, 3)), layers.Conv2D(3, 3, padding="same"), twice])
    assert diagnostics.forward_flops(in_a_row) == each * (2 * 24 * 20 + 12 * 10)


def test_flops_of_baselines_are_none():
    assert diagnostics.forward_flops(build("copy_last", SHAPE)) == 0


def test_a_layer_that_cannot_be_counted_is_named():
    with pytest.raises(ValueError, match="how many operations SeparableConv1D .* takes"):
        diagnostics.forward_flops(model_of(layers.SeparableConv1D(4, 3), (5, 2)))


@pytest.mark.skipif(sys.platform != "linux", reason="read from Linux's /proc")
def test_memory_grows_with_the_weights():
    """1024 units on 48×48 frames: 16 M weights, held with their gradients and two moments of Adam."""
    small = diagnostics.peak_training_memory("dense_lstm", (2, 48, 48, 1), 1, units=16)
    large = diagnostics.peak_training_memory("dense_lstm", (2, 48, 48, 1), 1, units=1024)
    weights = build("dense_lstm", (2, 48, 48, 1), units=1024).count_params() * 4 / 1e6
    assert 3 * weights < large - small < 8 * weights


def test_memory_of_a_step_that_fails():
    with pytest.raises(RuntimeError, match="one training step of nothing failed: ValueError: model='nothing'"):
        diagnostics.peak_training_memory("nothing", SHAPE)


def test_memory_of_a_step_that_is_killed(monkeypatch):
    """The system kills without a word what asks for too much memory."""
    killed = subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(RuntimeError, match="one training step of dense_lstm failed: exit status -9"):
        diagnostics.peak_training_memory("dense_lstm", SHAPE)


def stacked(cell, shape, sizes, *arguments, **options):
    """A model of recurrent layers, one on the other."""

    def read(x):
        for size in sizes:
            # zeros, since an orthogonal matrix of this size takes long to make
            x = cell(size, *arguments, return_sequences=True, recurrent_initializer="zeros", **options)(x)
        return x

    return model_of(read, shape)


def test_fc_lstm_is_as_large_as_published():
    """Shi et al. (2015), table 1: FC-LSTM-2048-2048 on 64×64, 142,667,776 parameters."""
    encoder = stacked(layers.LSTM, (10, 4096), (2048, 2048))
    forecaster = stacked(layers.LSTM, (10, 1), (2048, 2048))  # of the state alone; Keras wants an input
    decoder = model_of(layers.Dense(4096), (2048,))
    ours = sum(model.count_params() for model in (encoder, forecaster, decoder))
    an_input, peepholes = 4 * 2048, 4 * 3 * 2048  # which Keras's cells lack: three for each unit of four layers
    assert ours - an_input + peepholes == 142_667_776
    # two operations for each weight of a matrix and frame
    matrices = sum(int(np.prod(weight.shape)) for weight in encoder.weights if len(weight.shape) == 2)
    assert diagnostics.forward_flops(encoder) == 2 * 10 * matrices


def test_conv_lstm_is_as_large_as_published():
    """Shi et al. (2015), table 1: ConvLSTM 128-64-64, kernels of 5, on 4×4 patches of 64×64: 7,585,296 parameters."""
    grid = (10, 16, 16)
    encoder = stacked(layers.ConvLSTM2D, (*grid, 16), (128, 64, 64), 5, padding="same")
    forecaster = stacked(layers.ConvLSTM2D, (*grid, 1), (64, 64, 128), 5, padding="same")
    decoder = model_of(layers.Conv2D(16, 1), (16, 16, 128 + 64 + 64))
    ours = sum(model.count_params() for model in (encoder, forecaster, decoder))
    an_input = 4 * 64 * 5 * 5  # the forecaster reads nothing but the encoder's state; Keras wants an input
    peepholes = 2 * 3 * (128 + 64 + 64)  # which Keras's cells lack
    assert ours - an_input + peepholes == 7_585_296


def test_conv_lstm_takes_as_many_operations_as_published():
    """Tan et al. (2023), OpenSTL: ConvLSTM-S takes 56.8 G for 19 frames; there a product and its sum are one."""
    model = stacked(layers.ConvLSTM2D, (19, 16, 16, 16), (128, 128, 128, 128), 5, padding="same")
    assert round(diagnostics.forward_flops(model) / 2 / 1e9, 1) == 56.8


# ---- space ----


@pytest.mark.parametrize("shift", [0, 1, 8])
def test_a_convolution_shifts_with_its_input(context, shift):
    keras.utils.set_random_seed(0)
    model = build("frames_as_channels", SHAPE, filters=4, depth=2)
    assert diagnostics.shift_error(model, context, shift, margin=10) < 1e-5


def test_a_model_bound_to_places_does_not(context):
    places = to_unit(np.arange(24 * 24, dtype=np.uint32).reshape(24, 24).astype(np.uint8))
    model = model_of(lambda x: x[:, -1] * places)
    assert diagnostics.shift_error(model, context, 0) == 0
    assert diagnostics.shift_error(model, context, 3) > 0.1
    default, narrow, as_wide = (diagnostics.shift_error(model, context, -3, margin) for margin in (None, 2, 3))
    assert default == as_wide != narrow


def test_margins_do_not_count_at_all(context):
    """Neither their errors nor their light: what lies in them may be anything."""
    places = np.random.default_rng(0).random((24, 24, 1), np.float32)
    model = model_of(lambda x: x[:, -1] * places)
    brighter = context.copy()
    brighter[:, :, :8] = brighter[:, :, -8:] = 1
    error = diagnostics.shift_error(model, context, 3, margin=8)
    assert diagnostics.shift_error(model, brighter, 3, margin=8) == pytest.approx(error)


def test_a_stride_is_felt_off_its_grid(context):
    def pool(x):
        return layers.UpSampling2D(4)(layers.AveragePooling2D(4)(x[:, -1]))

    model = model_of(pool)
    assert diagnostics.shift_error(model, context, 4, margin=8) < 1e-6
    assert diagnostics.shift_error(model, context, 2, margin=8) > 0.05


def test_margin_that_leaves_nothing(context):
    with pytest.raises(ValueError, match="margin=12 leaves nothing of frames of 24×24: lower it"):
        diagnostics.shift_error(build("copy_last", SHAPE), context, 12)
    with pytest.raises(ValueError, match="margin=5 leaves nothing of frames of 24×10: lower it"):
        diagnostics.shift_error(build("copy_last", (6, 24, 10, 1)), context[:, :, :, :10], 5)


# ---- time ----


def test_receptive_field_of_known_models(context):
    copy = diagnostics.temporal_receptive_field(build("copy_last", SHAPE), context)
    assert copy[-1] == pytest.approx(24, rel=0.05)  # √(24 × 24), the norm of as many normal numbers
    assert not copy[:-1].any()
    mean = diagnostics.temporal_receptive_field(build("context_mean", SHAPE), context)
    np.testing.assert_allclose(mean, copy[-1] / 6, rtol=1e-5)
    line = diagnostics.temporal_receptive_field(build("linear_extrapolation", SHAPE), context)
    np.testing.assert_allclose(line[-2:], [copy[-1], 2 * copy[-1]], rtol=1e-5)
    assert not line[:-2].any()
    black = diagnostics.temporal_receptive_field(build("black", SHAPE), context)
    assert not black.any()


def test_optical_flow_has_no_gradient_to_look_at(context):
    nested = keras.Sequential([keras.Input(SHAPE), build("optical_flow", SHAPE)])
    for model in (build("optical_flow", SHAPE), nested):
        with pytest.raises(ValueError, match="uses optical flow, which has no gradient: change frames"):
            diagnostics.temporal_receptive_field(model, context)


def test_receptive_field_is_the_euclidean_norm():
    """3 and 4 for two pixels of a frame make 5."""
    model = model_of(lambda x: 3 * x[:, 0, :, :1] + 4 * x[:, 0, :, 1:] + x[:, 1, :, :1], (2, 1, 2, 1))
    older, newer = diagnostics.temporal_receptive_field(model, np.zeros((3, 2, 1, 2, 1)))
    assert older == pytest.approx(5 * newer)


def test_receptive_field_of_stacked_convolutions(context):
    """Two causal kernels of 3 reach back over five frames."""
    keras.utils.set_random_seed(0)
    model = build("conv3d", SHAPE, filters=4, depth=2, temporal_pooling="last_slice")
    reach = diagnostics.temporal_receptive_field(model, context)
    assert (reach > 0).tolist() == [False, True, True, True, True, True]


def test_order(context):
    assert diagnostics.order_sensitivity(build("context_mean", SHAPE), context)["shuffled"] < 1e-6
    assert diagnostics.order_sensitivity(build("copy_last", SHAPE), context)["reversed"] > 0.1


@pytest.mark.parametrize("seed", [0, 3])  # one that draws the order as it was, and one that does not
def test_shuffling_two_frames_is_reversing_them(context, seed):
    """Whatever the seed draws: an order that stays as it was would tell nothing."""
    found = diagnostics.order_sensitivity(build("copy_last", (2, *SHAPE[1:])), context[:, :2], seed)
    older, last = context[:, 0], context[:, 1]
    change = np.linalg.norm(older - last) / np.linalg.norm(last)
    assert found == pytest.approx({"reversed": change, "shuffled": change}, rel=1e-5)


# ---- memory ----


def test_blinking_repeats_and_cannot_be_known_sooner():
    clips = memory_tasks.blinking_clips(400, 12, period=5)
    assert np.array_equal(clips[:, 5:], clips[:, :-5])
    lit = clips[:, :, 8, 8] / 255
    for back in (1, 2, 3, 4):
        assert abs(np.corrcoef(lit[:, -1], lit[:, -1 - back])[0, 1]) < 0.2
    assert clips[:, :, 0, 0].max() == 0


def test_hidden_object_goes_on_where_it_was_going():
    clips = memory_tasks.hidden_clips(50, 9, hidden=4)
    assert (clips[:, 4:8] == 128).all()
    seen = clips[:, [0, 1, 2, 3, 8]]
    assert (seen.sum((2, 3), dtype=int) == 255 * 16).all()
    centres = (seen / (255 * 16) * np.arange(16)).sum((2, 3))
    speed = (centres[:, 3] - centres[:, 0]) / 3
    assert np.abs(centres[:, 4] - (centres[:, 3] + 5 * speed)).max() <= 2.5  # whole pixels


def test_memory_tasks_are_solved_by_a_model_that_remembers():
    """Looking `period` frames back is perfect; copying is not."""
    contexts, targets = memory_tasks.as_windows(memory_tasks.blinking_clips(100, 11, period=4), context=10)
    assert contexts.shape == (100, 10, 16, 16, 1)
    assert np.array_equal(contexts[:, -4], targets)
    assert metrics.skill(targets, contexts[:, -4], contexts[:, -1]) == 1


def test_hidden_for_too_long():
    with pytest.raises(ValueError, match="hidden=7: expected 0 to 6, so that two frames show the motion"):
        memory_tasks.hidden_clips(2, 9, hidden=7)


# ---- leaks ----


def frames_to_frames(layer):
    return model_of(layer, (5, 8, 8, 1))


def test_leaks_are_found_where_they_are():
    keras.utils.set_random_seed(0)
    video = np.random.default_rng(0).random((2, 5, 8, 8, 1)).astype(np.float32)
    assert diagnostics.leaks(frames_to_frames(CausalConv3D(1, 3)), video) == []
    padded = frames_to_frames(layers.Conv3D(1, 3, padding="same"))
    assert diagnostics.leaks(padded, video) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    recurrent = frames_to_frames(layers.ConvLSTM2D(1, 3, padding="same", return_sequences=True))
    assert diagnostics.leaks(recurrent, video) == []
    backward = frames_to_frames(lambda x: ops.flip(x, axis=1))
    assert diagnostics.leaks(backward, video) == [(0, 4), (1, 3)]


def test_leaks_of_a_model_that_reads_windows(monkeypatch):
    """Cut right there is none; cut one frame too late, each context holds its own target."""
    video = np.random.default_rng(0).random((2, 7, 8, 8, 1)).astype(np.float32)
    model = build("context_mean", (3, 8, 8, 1))
    assert diagnostics.leaks(model, video) == []
    honest = forecasting.predict_along
    module = sys.modules["nextframe.diagnostics.leaks"]  # the package's attribute is the function
    monkeypatch.setattr(
        module, "predict_along", lambda model, video, **options: honest(model, np.roll(video, -1, axis=1), **options)
    )
    assert diagnostics.leaks(model, video)[:3] == [(2, 3), (3, 4), (4, 5)]


@pytest.mark.parametrize("horizon", [2, 4])
def test_a_model_of_several_frames_ahead_does_not_leak(horizon, straight_on):
    """Its second forecast is not made after the second frame, also where it makes as many as it reads."""
    video = np.random.default_rng(0).random((2, 6, 8, 8, 1)).astype(np.float32)
    assert diagnostics.leaks(straight_on((4, 8, 8, 1), horizon), video) == []
    with pytest.raises(ValueError, match=r"longer than 4 frames"):
        diagnostics.leaks(straight_on((4, 8, 8, 1), horizon), video[:, :4])


def test_diagnostics_of_a_model_of_several_frames_ahead(context, straight_on):
    """Of its first frame, but for the receptive field: all that it forecasts counts there."""
    model, one = straight_on(SHAPE, 3), build("linear_extrapolation", SHAPE)
    assert diagnostics.shift_error(model, context, 2) == pytest.approx(diagnostics.shift_error(one, context, 2))
    assert diagnostics.order_sensitivity(model, context) == pytest.approx(diagnostics.order_sensitivity(one, context))
    reach = diagnostics.temporal_receptive_field(model, context)
    assert not reach[:-2].any()
    # of a random projection: √(1² + 2² + 3²) and √(2² + 3² + 4²) times 24, about
    np.testing.assert_allclose(reach[-2:], 24 * np.sqrt([14, 29]), rtol=0.05)


def test_leaks_need_one_forecast_a_frame():
    with pytest.raises(ValueError, match="makes 3 forecasts of 5 frames: expected one forecast a frame, or one in all"):
        diagnostics.leaks(frames_to_frames(lambda x: x[:, ::2]), np.zeros((1, 5, 8, 8, 1), np.float32))


def test_memory_is_learned_by_a_network_that_sees_the_whole_period():
    learned = diagnostics.memory_network("frames_as_channels", 2, steps=240, context=4, filters=8, depth=2)
    assert diagnostics.memory_of(learned, 2) > 0.9


def test_memory_is_1_for_the_frame_that_decided_and_0_for_the_mean():
    shape = (6, 16, 16, 1)
    assert diagnostics.memory_of(model_of(lambda x: 2 * x[:, -4], shape), 4) == 1  # clipped, as a screen would
    _, targets = memory_tasks.as_windows(memory_tasks.memory_clips("blinking", 4, 6, "test"), 6)
    mean = model_of(lambda x: 0 * x[:, -1] + targets.mean(axis=0), shape)
    assert diagnostics.memory_of(mean, 4) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("task", memory_tasks.MEMORY_TASKS)
def test_copying_remembers_nothing(task):
    copying = diagnostics.memory_network("frames_as_channels", 4, 2, task, context=8, filters=2, depth=1)
    assert diagnostics.memory_of(copying, 4, task) < 0.1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"task": "maze", "back": 2}, "task='maze': expected one of blinking, hidden"),
        ({"back": 0}, "back=0: expected a whole number, at least 1"),
        ({"back": 9}, "back=9 is too far for a context of 10 frames: expected at most 8"),
    ],
)
def test_bad_memory_task(arguments, named):
    with pytest.raises(ValueError, match=named):
        diagnostics.memory_network("dense_lstm", steps=2, context=10, **arguments)


def test_planted_leaks_in_the_data_are_found():
    """A target that is a frame of its context; and windows that were shuffled before they were split."""
    clip = moving_digits(1, 40, canvas=24, digit_size=16, seed=2)[0]
    contexts, targets = sliding_windows(clip, 4)
    contexts, targets = to_unit(contexts), to_unit(targets[:, 0])
    last = contexts[:, -1]
    assert diagnostics.data_leaks(contexts, last, [])["in its context"] == 1
    half = np.concatenate([targets[:18], last[18:]])
    assert diagnostics.data_leaks(contexts, half, [])["in its context"] == 0.5
    found = diagnostics.data_leaks(contexts[30:], targets[30:], [clip[:30]])
    assert found == {"in its context": 0, "in training": 0}  # split in time
    order = np.random.default_rng(0).permutation(36)
    tested = order[30:]
    trained_on = [clip[start : start + 5] for start in order[:30]]
    assert diagnostics.data_leaks(contexts[tested], targets[tested], trained_on)["in training"] > 0.9


def test_windows_in_which_nothing_moves_are_no_leak():
    still = np.full((3, 4, 8, 8, 1), 7, np.uint8)
    assert diagnostics.data_leaks(still, still[:, 0], [still[0, ..., 0]]) == {"in its context": 0, "in training": 0}
    blinks = np.array(still)
    blinks[0, 1] = 9  # it is still at the end, and the target was seen before
    found = diagnostics.data_leaks(blinks, still[:, 0], [])
    assert found == {"in its context": 1, "in training": 0}


def test_one_target_for_each_context():
    with pytest.raises(ValueError, match="expected one target for each context"):
        diagnostics.data_leaks(np.zeros((3, 4, 8, 8, 1)), np.zeros((2, 8, 8, 1)), [])


@pytest.mark.parametrize("types", [(np.uint8, np.float32), (np.float64, np.float64)])
def test_frames_whose_bytes_would_equal_no_others_are_refused(types):
    context, target = np.zeros((3, 4, 8, 8, 1), types[0]), np.zeros((3, 8, 8, 1), types[1])
    named = f"{types[0].__name__} and targets {types[1].__name__}: expected both uint8, or"
    with pytest.raises(ValueError, match=named):
        diagnostics.data_leaks(context, target, [])


@pytest.mark.parametrize("trained_on", ["bytes", "floats"])
@pytest.mark.parametrize("tested_on", ["bytes", "floats"])
def test_a_leak_is_found_whatever_type_the_clips_have(trained_on, tested_on):
    clip = moving_digits(1, 6, canvas=24, digit_size=16)[0]
    tested = clip if tested_on == "bytes" else to_unit(clip)
    context, target = tested[:4], tested[4:5]
    seen = [clip if trained_on == "bytes" else to_unit(clip)[..., 0]]
    assert diagnostics.data_leaks(context[None], target, seen) == {"in its context": 0, "in training": 1}


def test_the_books_digits_do_not_leak():
    task = tasks.digits_32(training=100)
    clips = [*task.training_clips, *task.validation_clips]
    assert diagnostics.data_leaks(task.context, task.truth, clips) == {"in its context": 0, "in training": 0}


# ---- what a layer's numbers still tell ----


def spots(count, seed):
    """A bright spot in each picture, `(count, 8, 8, 1)`, and its row and column."""
    places = np.random.default_rng(seed).integers(0, 8, (count, 2))
    pictures = np.zeros((count, 8, 8, 1), np.float32)
    pictures[np.arange(count), *places.T] = 1
    return pictures, places


def test_a_readout_finds_what_is_there_and_not_what_was_pooled_away():
    (known, places), (new, asked) = spots(400, 0), spots(100, 1)
    middle = np.abs(places.mean(axis=0) - asked).mean()
    read = diagnostics.linear_readout(known, places, new)
    assert read.shape == (100, 2)
    assert np.abs(read - asked).mean() < 0.2 < 1.5 < middle
    largest = [pictures.max(axis=(1, 2)) for pictures in (known, new)]  # 1, wherever the spot is
    assert np.allclose(diagnostics.linear_readout(largest[0], places, largest[1]), places.mean(axis=0))


def test_a_readout_is_ridge_regression():
    rng = np.random.default_rng(0)
    known, answers, new = rng.normal(3, 2, (50, 2, 3)), rng.normal(size=(50, 2)), rng.normal(size=(7, 2, 3))
    x, mean = known.reshape(50, 6), answers.mean(axis=0)
    scaled, others = ((y - x.mean(axis=0)) / x.std() for y in (x, new.reshape(7, 6)))
    weights = np.linalg.solve(scaled.T @ scaled + 0.1 * 6 * np.eye(6), scaled.T @ (answers - mean))
    assert np.allclose(diagnostics.linear_readout(known, answers, new), others @ weights + mean)


@pytest.mark.parametrize(("answers", "new"), [((4, 2), (3, 6)), ((5, 2), (3, 7))])
def test_a_readout_of_other_numbers_is_refused(answers, new):
    with pytest.raises(ValueError, match="expected one answer for each of the first"):
        diagnostics.linear_readout(np.zeros((5, 6)), np.zeros(answers), np.zeros(new))
