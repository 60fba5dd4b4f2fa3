"""One-step forecasts and rollouts."""

import re

import keras
import numpy as np
import pytest

from nextframe import diagnostics, forecasting
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
    with pytest.raises(ValueError, match=r"model=<array of shape .*>: expected a keras.Model, and the context after"):
        forecasting.predict_next(context, model)
    with pytest.raises(ValueError, match=r"model=<array of shape .*>: expected a keras.Model, and the videos after"):
        forecasting.predict_along(context, model)
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


@pytest.mark.parametrize(
    ("low", "high", "cure"),
    [
        (0, 255, "divide by 255, as in context / 255"),
        (-32, 70, "(context - low) / (high - low)"),
        (-1, 1, "(context - low) / (high - low)"),
        (-2, 255.5, "divide by 255 and limit the rest: nextframe.metrics.clip_to_unit(context / 255)"),
    ],
)
@pytest.mark.parametrize("function", [forecasting.predict_next, forecasting.predict_along, forecasting.rollout])
def test_floats_of_another_scale_are_refused(context, low, high, cure, function):
    model = build("copy_last", (3 if function is forecasting.predict_along else 4, *context.shape[2:]))
    options = (1,) if function is forecasting.rollout else ()
    stretched = low + (high - low) * (context - context.min()) / np.ptp(context)
    with pytest.raises(ValueError, match=f"context has values .*{high:g}; expected 0..1: {re.escape(cure)}"):
        function(model, stretched, *options)
    cures = (stretched / 255, (stretched - low) / (high - low), np.clip(stretched / 255, 0, 1))
    follow = cures[0] if "as in" in cure else cures[2] if "clip" in cure else cures[1]
    assert np.isfinite(function(model, follow.astype(np.float32), *options)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_contexts_with_holes_are_refused(context, value):
    context[0, 1, 2, 3] = value
    with pytest.raises(ValueError, match="context holds NaN or infinite values; .*: fill or drop"):
        forecasting.predict_next(build("copy_last", context.shape[1:]), context)


def test_forecasts_that_stray_may_be_fed_back(context):
    """A little outside 0..1 is what linear heads do; the check of a range is of what comes in, and can be left out."""
    model = build("linear_extrapolation", context.shape[1:])
    assert forecasting.predict_next(model, context * 1.9 - 0.45).shape == (3, 8, 8, 1)
    assert np.abs(forecasting.rollout(model, context, 8, clip=False)).max() > 3
    assert forecasting.predict_next(model, 9 * context, check_range=False).shape == (3, 8, 8, 1)


def test_a_list_of_contexts(context):
    with pytest.raises(ValueError, match=r"context=<list of 3, the first <array of shape .*np.stack"):
        forecasting.predict_next(build("copy_last", context.shape[1:]), list(context))


def test_a_model_of_other_inputs(context):
    inputs = keras.Input((8, 8, 1))
    with pytest.raises(ValueError, match=r"was built for \(batch, 8, 8, 1\)"):
        forecasting.predict_next(keras.Model(inputs, inputs + 0), context)


@pytest.mark.parametrize("name", ["many_futures", "quantile_bands", "flow_matching", "steerable"])
@pytest.mark.parametrize(
    "function",
    [
        forecasting.predict_next,
        lambda *given: forecasting.rollout(*given, 2),
        forecasting.predict_along,
        diagnostics.leaks,
    ],
)
def test_a_model_that_makes_no_single_forecast(name, function):
    shape = (4, 16, 16, 1)
    with pytest.raises(ValueError, match=f"{name} makes no single forecast of a context alone: use .*sample_rollout"):
        function(build(name, shape), np.zeros((2, *shape), np.float32))


# ---- several frames ahead ----


def test_the_next_frame_is_the_first_of_several(context, straight_on):
    """Also with as many as in the context, and of a model inside another one."""
    expected = 2 * context[:, -1] - context[:, -2]
    video = np.random.default_rng(1).random((2, 7, 8, 8, 1)).astype(np.float32)
    for horizon in (2, 4):
        model = straight_on(context.shape[1:], horizon)
        inputs = keras.Input(context.shape[1:])
        nested = keras.Model(inputs, model(inputs))
        doubled = keras.Model(inputs, 2 * model(inputs))
        np.testing.assert_allclose(forecasting.predict_next(model, context), expected, atol=1e-6)
        np.testing.assert_allclose(forecasting.predict_next(nested, context), expected, atol=1e-6)
        np.testing.assert_allclose(forecasting.predict_next(doubled, context), 2 * expected, atol=1e-6)
        along = forecasting.predict_along(model, video)
        np.testing.assert_allclose(along, 2 * video[:, 3:-1] - video[:, 2:-2], atol=1e-6)


@pytest.mark.parametrize("ahead", [1, 2, 3, 4, 6, 9])  # shorter and longer than the context, and than the rollout
def test_a_rollout_takes_all_frames_of_a_model_that_makes_several(context, ahead, straight_on):
    """Of one that goes straight on, however many it makes at once."""
    model = straight_on(context.shape[1:], ahead)
    expected = forecasting.rollout(build("linear_extrapolation", context.shape[1:]), context, 7, clip=False)
    found = forecasting.rollout(model, context, 7, clip=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_model_of_several_frames_is_asked_as_seldom_as_can_be(context, straight_on, monkeypatch):
    model, seen = straight_on(context.shape[1:], 3), []
    predict = model.predict_on_batch
    monkeypatch.setattr(model, "predict_on_batch", lambda frames: seen.append(frames) or predict(frames))
    forecast = forecasting.rollout(model, context, 7)
    assert forecast.shape == (3, 7, 8, 8, 1)
    assert forecast.min() == 0
    assert forecast.max() == 1
    assert len(seen) == 3
    expected = np.concatenate([context[:, -1:], forecast[:, :3]], axis=1)  # clipped before it is fed back
    assert np.array_equal(seen[1], expected)


def test_frames_that_may_be_anything_are_refused(context, straight_on):
    """Three of four: neither the next frame, nor one after each."""
    model = straight_on(context.shape[1:], 3, name="frames")
    with pytest.raises(ValueError, match='straight_on makes 3 frames of 4: .* a layer named "rollout"'):
        forecasting.predict_next(model, context)
    with pytest.raises(ValueError, match="straight_on makes 3 frames of 4"):
        forecasting.rollout(model, context, 3)
    inputs = keras.Input(context.shape[1:])
    cured = keras.Model(inputs, keras.layers.Activation("linear", name="rollout")(model(inputs)))
    assert forecasting.rollout(cured, context, 3).shape == (3, 3, 8, 8, 1)


def test_a_model_of_several_frames_is_saved_as_one(context, straight_on, tmp_path):
    model = straight_on(context.shape[1:], 4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(forecasting.rollout(loaded, context, 5), forecasting.rollout(model, context, 5))
