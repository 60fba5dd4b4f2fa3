"""One-step forecasts and rollouts."""

import keras
import numpy as np
import pytest

from nextframe import forecasting
from nextframe.models import build


@pytest.fixture
def context():
    return np.random.default_rng(0).random((3, 4, 8, 8, 1)).astype(np.float32)


def test_rollout_feeds_forecasts_back(context):
    model = build("context_mean", context.shape[1:])
    frames = context
    for step in range(5):
        frames = np.concatenate([frames, frames[:, step:].mean(1, keepdims=True)], axis=1)
    np.testing.assert_allclose(forecasting.rollout(model, context, 5), frames[:, 4:], rtol=1e-5)


def test_rollout_never_sees_the_truth(context):
    """The same context gives the same rollout, however it came to be followed."""
    model = build("linear_extrapolation", context.shape[1:])
    long = forecasting.rollout(model, context, 6)
    assert np.array_equal(forecasting.rollout(model, context, 3), long[:, :3])


def test_rollout_is_clipped_unless_told_otherwise(context):
    model = build("linear_extrapolation", context.shape[1:])
    clipped = forecasting.rollout(model, context, 4)
    assert clipped.min() >= 0
    assert clipped.max() <= 1
    assert np.abs(forecasting.rollout(model, context, 4, clip=False)).max() > 1


def test_what_is_fed_back_is_clipped(context):
    """Frames of 1.5 less the last one: 0, then 1.5, and 0.5 after the 1 that a screen can show."""
    inputs = keras.Input(context.shape[1:])
    model = keras.Model(inputs, 1.5 - inputs[:, -1])
    for clip, levels in ((True, [1, 0.5, 1]), (False, [1.5, 0, 1.5])):
        forecast = forecasting.rollout(model, np.zeros_like(context), 3, clip=clip)
        assert forecast[0, :, 0, 0, 0].tolist() == levels


def test_batches_do_not_change_the_forecast(context):
    model = build("context_mean", context.shape[1:])
    assert np.array_equal(
        forecasting.predict_next(model, context, batch_size=1), forecasting.predict_next(model, context)
    )


def test_many_models_in_a_row_are_quiet(context, capfd):
    for _ in range(8):
        forecasting.predict_next(build("copy_last", context.shape[1:]), context)
    assert "retracing" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("shape", [(3, 5, 8, 8, 1), (3, 4, 8, 9, 1), (4, 8, 8, 1)])
def test_context_of_another_shape(shape):
    model = build("copy_last", (4, 8, 8, 1))
    with pytest.raises(ValueError, match=r"copy_last was built for \(batch, 4, 8, 8, 1\)") as caught:
        forecasting.predict_next(model, np.zeros(shape, np.float32))
    assert str(shape) in str(caught.value)


def test_bytes_and_empty_batches(context):
    model = build("copy_last", context.shape[1:])
    with pytest.raises(ValueError, match="dtype uint8; expected floats in 0..1: use nextframe.windows.to_unit"):
        forecasting.predict_next(model, np.zeros((3, 4, 8, 8, 1), np.uint8))
    with pytest.raises(ValueError, match="empty batch: expected at least one context"):
        forecasting.predict_next(model, context[:0])


@pytest.mark.parametrize("horizon", [0, -1, 2.5, 2.0])
def test_horizon_below_one(context, horizon):
    with pytest.raises(ValueError, match=f"horizon={horizon}: expected a whole number, at least 1"):
        forecasting.rollout(build("black", context.shape[1:]), context, horizon)


def test_any_keras_model_will_do(context):
    inputs = keras.Input(context.shape[1:])
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, padding="same")(inputs[:, -1]))
    assert forecasting.rollout(model, context, 2).shape == (3, 2, 8, 8, 1)


def test_a_forecast_for_every_frame_of_any_size(context):
    """Of a model that makes one after each frame, the last one counts; sizes that it leaves open are any."""
    inputs = keras.Input((None, None, None, 1))
    model = keras.Model(inputs, 1 - inputs)
    np.testing.assert_allclose(forecasting.predict_next(model, context), 1 - context[:, -1], atol=1e-6)


def test_forecasts_along_a_video_are_those_of_its_windows():
    video = np.random.default_rng(0).random((2, 9, 8, 8, 1)).astype(np.float32)
    model = build("context_mean", (4, 8, 8, 1))
    along = forecasting.predict_along(model, video)
    assert along.shape == (2, 5, 8, 8, 1)
    for start in range(5):
        np.testing.assert_allclose(along[:, start], video[:, start : start + 4].mean(1), rtol=1e-6)


def test_video_too_short_to_forecast_along(context):
    with pytest.raises(ValueError, match=r"videos have shape \(3, 4, 8, 8, 1\): expected .* longer than 4 frames"):
        forecasting.predict_along(build("copy_last", (4, 8, 8, 1)), context)
