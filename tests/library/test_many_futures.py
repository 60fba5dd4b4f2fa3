"""Models that hold several futures possible: what they learn of a law that is known, and what is drawn from them."""

import keras
import numpy as np
import pytest

from nextframe import forecasting, sampling, training, windows
from nextframe.models import PROBABILISTIC, build
from nextframe.objectives import ALL, ODDS, Objective, check_loss

SHAPE = (3, 8, 8, 1)
SMALL = {
    "many_futures": {"futures": 2, "filters": 8, "blocks": 1, "deep_blocks": 0},
    "flow_matching": {"filters": 8, "blocks": 1, "deep_blocks": 0, "steps": 3},
    "quantile_bands": {"filters": 8, "depth": 2, "quantiles": (0.25, 0.75)},
}
RIGHT = 0.7  # odds that the square of `jumps` goes there


def network(name, **size):
    keras.utils.set_random_seed(0)
    return build(name, SHAPE, **SMALL.get(name, {}) | size)


def jumps(count, seed=0):
    """A square in the middle, which jumps to the left or to the right in the last frame."""
    right = np.random.default_rng(seed).random(count) < RIGHT
    clips = np.zeros((count, 4, 8, 8), np.uint8)
    clips[:, :3, 3:5, 3:5] = 255
    clips[right, 3, 3:5, 5:7] = clips[~right, 3, 3:5, 1:3] = 255
    return clips


def fit(model, clips, **options):
    train = windows.window_dataset(clips, 3, shuffle=True, horizon=options.get("rollout", 1))
    validation = windows.window_dataset(clips[:50], 3, horizon=options.get("rollout", 1))
    options = {"steps": 120, "rounds": 2, "learning_rate": 0.02, "progress": False} | options
    return training.fit(model, train, validation, **options)


def sides(frames):
    """How bright the left and the right place are, `(..., 2)`."""
    return np.stack([frames[..., 3:5, at : at + 2, 0].mean(axis=(-2, -1)) for at in (1, 5)], axis=-1)


def test_futures_are_drawn_as_often_as_they_come():
    """Each is one of the two, sharp, and as likely as in the clips, within what the numbers of draws allow."""
    model = network("many_futures")
    fit(model, jumps(600), loss="multiple_choice", steps=200)
    context = windows.to_unit(jumps(400)[:, :3])
    left, right = sides(sampling.sample_next(model, context, seed=0)).T
    assert ((right > 0.8) & (left < 0.2) | (left > 0.8) & (right < 0.2)).all()
    assert (right > left).mean() == pytest.approx(RIGHT, abs=0.1)
    odds = model.predict(context[:1], verbose=0)["odds"]
    assert odds.sum() == pytest.approx(1)
    assert odds.max() == pytest.approx(RIGHT, abs=0.07)


def test_the_mean_of_all_futures_is_what_a_squared_error_learns():
    model = network("forecaster", filters=8, blocks=1, deep_blocks=0)
    fit(model, jumps(600))
    found = sides(forecasting.predict_next(model, windows.to_unit(jumps(1)[:, :3])))
    assert found[0] == pytest.approx([1 - RIGHT, RIGHT], abs=0.12)


def test_flow_matching_draws_both_futures():
    model = network("flow_matching", filters=16)
    history = fit(model, jumps(600), loss="flow_matching", steps=250)
    assert history[-1]["validation"] < history[0]["validation"]
    left, right = sides(sampling.sample_next(model, windows.to_unit(jumps(400)[:, :3]), seed=0)).T
    assert (right > left).mean() == pytest.approx(RIGHT, abs=0.15)
    assert (np.abs(right - left) > 0.5).mean() > 0.55  # and less often something between them
    mean = sides(forecasting.predict_next(model.get_layer("forecaster"), windows.to_unit(jumps(1)[:, :3])))
    assert mean[0] == pytest.approx([1 - RIGHT, RIGHT], abs=0.15)  # what its path begins with


def test_the_last_step_of_a_flow_goes_to_where_the_denoiser_sees_the_frame():
    """Before training it sees the last frame, whatever the noise."""
    model = network("flow_matching")
    context = windows.to_unit(jumps(4)[:, :3])
    np.testing.assert_allclose(sampling.sample_next(model, context, seed=3), context[:, -1], atol=0.01)


def test_bands_hold_the_share_that_they_are_for():
    """Of clips whose last frame has a brightness between 0 and 1, all alike."""
    light = np.random.default_rng(0).integers(0, 256, 800)
    clips = np.broadcast_to(light[:, None, None, None], (800, 4, 8, 8)).astype(np.uint8)
    clips[:, :3] = 128
    model = network("quantile_bands", quantiles=(0.1, 0.5, 0.9))
    fit(model, clips, loss="pinball", steps=200)
    made = model.predict(windows.to_unit(clips[:1, :3]), verbose=0)
    assert [made[f"quantile {odds}"].mean() for odds in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.5, 0.9], abs=0.08)


def test_no_quantile_lies_above_a_higher_one():
    model = network("quantile_bands", quantiles=(0.1, 0.2, 0.9))
    model.set_weights([np.random.default_rng(0).normal(size=each.shape) for each in model.get_weights()])
    low, middle, high = model.predict(np.random.default_rng(1).random((2, *SHAPE), np.float32), verbose=0).values()
    assert (low <= middle).all()
    assert (middle <= high).all()


@pytest.mark.parametrize("name", PROBABILISTIC)
def test_a_saved_model_is_the_model(name, tmp_path):
    model = network(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    given = context if name != "flow_matching" else {"context": context, "noise": context[:, 0]}
    pairs = zip(*(keras.tree.flatten(each.predict(given, verbose=0)) for each in (model, loaded)), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


@pytest.mark.parametrize("name", PROBABILISTIC)
def test_bad_context_shape(name):
    with pytest.raises(ValueError, match=r"context_shape=.*: expected \(N, height, width, 1\)"):
        build(name, (4, 8, 8, 3))


@pytest.mark.parametrize(
    ("name", "size", "named"),
    [
        ("many_futures", {"futures": 0}, "futures=0"),
        ("many_futures", {"max_displacement": 0}, "max_displacement=0"),
        ("many_futures", {"kernels": "round"}, "kernels='round'"),
        ("flow_matching", {"steps": 0}, "steps=0"),
        ("quantile_bands", {"quantiles": (0.5, 0.5)}, "rising order"),
        ("quantile_bands", {"quantiles": (0.5, 1.0)}, "below 1"),
        ("quantile_bands", {"quantiles": ()}, "one or more"),
        ("quantile_bands", {"depth": 0}, "depth=0"),
    ],
)
def test_bad_size(name, size, named):
    with pytest.raises(ValueError, match=named):
        network(name, **size)


# ---- drawing ----


def flipping(odds=0.3):
    """Of two futures, the last frame's negative comes with these odds, and the frame itself else."""
    context = keras.Input(SHAPE)
    last = context[:, -1]
    futures = keras.layers.Activation("linear", name="futures")(keras.ops.stack([1 - last, last], axis=1))
    even = keras.ops.ones_like(last[:, 0, :1, 0])
    both = keras.ops.concatenate([odds * even, (1 - odds) * even], axis=1)
    chances = keras.layers.Activation("linear", name="odds")(both)
    return keras.Model(context, {"futures": futures, "odds": chances}, name="flipping")


def test_each_future_has_its_own_past():
    """Each frame is the one before, or its negative, which comes as often as its odds say."""
    context = np.random.default_rng(0).random((30, *SHAPE), np.float32)
    drawn = sampling.sample_rollout(flipping(), context, horizon=5, samples=20, seed=0)
    assert drawn.shape == (30, 20, 5, 8, 8, 1)
    before = np.concatenate([np.broadcast_to(context[:, None, -1:], drawn[:, :, :1].shape), drawn[:, :, :-1]], axis=2)
    stays, flips = (np.isclose(drawn, frames, atol=1e-5).all(axis=(-3, -2, -1)) for frames in (before, 1 - before))
    assert (stays ^ flips).all()
    assert flips.mean() == pytest.approx(0.3, abs=0.03)
    for ahead in range(5):  # whatever was drawn before
        assert flips[:, :, ahead].mean() == pytest.approx(0.3, abs=0.07)


def test_a_seed_gives_its_draws_again():
    context = np.random.default_rng(0).random((40, *SHAPE), np.float32)
    for model in (flipping(), network("flow_matching")):
        model.set_weights([np.random.default_rng(5).normal(size=each.shape) for each in model.get_weights()])
        one, again, other = (sampling.sample_next(model, context, seed) for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)
    assert one.dtype == np.float32


def test_a_model_of_one_forecast_has_one_future():
    context = np.random.default_rng(0).random((5, *SHAPE), np.float32)
    model = network("frames_as_channels")
    drawn = sampling.sample_rollout(model, context, horizon=3, samples=2, seed=0)
    expected = forecasting.rollout(model, context, 3)
    np.testing.assert_allclose(drawn, np.stack([expected, expected], axis=1), atol=1e-5)


def test_more_contexts_than_are_drawn_at_once(monkeypatch):
    context = np.random.default_rng(0).random((7, *SHAPE), np.float32)
    whole = sampling.sample_next(flipping(), context, seed=0)
    monkeypatch.setattr(sampling, "_AT_ONCE", 3)
    assert np.array_equal(sampling.sample_next(flipping(), context, seed=0), whole)


def test_what_cannot_be_drawn_from_is_explained():
    context = np.zeros((2, *SHAPE), np.float32)
    with pytest.raises(ValueError, match="quantile_bands makes bands"):
        sampling.sample_next(network("quantile_bands"), context, seed=0)
    with pytest.raises(ValueError, match="predrnn makes several frames at once"):
        sampling.sample_next(build("predrnn", SHAPE, filters=4, horizon=2, patch=2), context, seed=0)
    with pytest.raises(ValueError, match="flow_matching was built for"):
        sampling.sample_next(network("flow_matching"), context[:, :2], seed=0)
    with pytest.raises(ValueError, match="divide by 255"):
        sampling.sample_next(flipping(), 255 + context, seed=0)
    for horizon, samples in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="expected a whole number, at least 1"):
            sampling.sample_rollout(flipping(), context, horizon, samples, seed=0)


def kernels_of(model, context):
    """What the softmax makes: `(batch, rows, columns, futures, shifts)`."""
    (found,) = [step.output for step in model.operations if len(getattr(step.output, "shape", ())) == 5
                and step.output.shape[-1] == 49 and "softmax" in step.name]  # fmt: skip
    return keras.Model(model.input, found).predict(context, verbose=0)


def test_sharper_kernels_are_powers_of_what_they_were():
    """Those of the softmax, made to add up to 1; the odds and the network that they came from stay as they are."""
    model = network("many_futures")
    model.set_weights([np.random.default_rng(5).normal(size=each.shape, scale=0.3) for each in model.get_weights()])
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    before, made = kernels_of(model, context), model.predict(context, verbose=0)
    sharp = sampling.sharpened(model, 1.5)
    expected = before**1.5 / (before**1.5).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(kernels_of(sharp, context), expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(sharp.predict(context, verbose=0)["odds"], made["odds"], rtol=1e-5)
    assert np.array_equal(model.predict(context, verbose=0)["futures"], made["futures"])


def test_what_cannot_be_sharpened_is_explained():
    with pytest.raises(ValueError, match="flow_matching has no softmax kernels for several futures"):
        sampling.sharpened(network("flow_matching"), 1.5)
    with pytest.raises(ValueError, match="many_futures has no softmax kernels"):  # free ones do not sum to 1
        sampling.sharpened(network("many_futures", kernels="free"), 1.5)
    with pytest.raises(ValueError, match="by=0: expected a number above 0"):
        sampling.sharpened(network("many_futures"), 0)


# ---- training ----


def test_multiple_choice_by_hand():
    """The truth is nearest to the second future of one example and to the first of the other."""
    context = np.zeros((2, *SHAPE), np.float32)
    context[:, -1] = 0.25
    truth = np.stack([np.full((8, 8, 1), value, np.float32) for value in (0.35, 0.65)])  # futures are 0.75 and 0.25
    loss = float(Objective(flipping(), "multiple_choice").compute_loss(context, truth))
    errors = np.array([[0.4**2, 0.1**2], [0.1**2, 0.4**2]])
    expected = errors.min(axis=1) + ALL * errors.mean(axis=1) - ODDS * np.log([0.7, 0.3])
    assert loss == pytest.approx(expected.mean(), rel=1e-4)


def test_a_rollout_goes_on_with_the_nearest_future():
    """It goes from 0.2 to 0.8 and back: then each frame has a future that is all right."""
    context = np.full((1, *SHAPE), 0.2, np.float32)
    truth = np.stack([np.full((1, 8, 8, 1), value, np.float32) for value in (0.8, 0.2, 0.2)], axis=1)
    loss = float(Objective(flipping(), "multiple_choice", rollout=3).compute_loss(context, truth))
    surprise = -np.log([0.3, 0.3, 0.7]).mean()
    assert loss == pytest.approx(ALL * 0.6**2 / 2 + ODDS * surprise, rel=1e-3)


def test_a_rollout_reads_its_own_forecasts():
    context = keras.Input(SHAPE)
    halves = keras.Model(context, context[:, -1] / 2)
    frames = np.ones((1, *SHAPE), np.float32)
    truth = np.zeros((1, 3, 8, 8, 1), np.float32)
    loss = float(Objective(halves, "mse", rollout=3).compute_loss(frames, truth))
    assert loss == pytest.approx(np.mean([1 / 4, 1 / 16, 1 / 64]), rel=1e-5)


def test_noise_is_on_the_context_in_training_alone():
    copy, frames = network("copy_last"), np.full((64, *SHAPE), 0.5, np.float32)
    objective = Objective(copy, "mse", context_noise=0.3)
    assert float(objective.compute_loss(frames, frames[:, -1], training=False)) == 0
    # the standard deviation is drawn evenly up to 0.3, and its square is 0.3² ÷ 3 in the mean
    losses = [float(objective.compute_loss(frames, frames[:, -1])) for _ in range(20)]
    assert np.mean(losses) == pytest.approx(0.03, rel=0.1)


def test_what_a_network_adds_to_its_loss_counts():
    context = keras.Input(SHAPE)
    options = {"use_bias": False, "kernel_initializer": "ones", "kernel_regularizer": keras.regularizers.L2(0.5)}
    same = keras.Model(context, keras.layers.Conv2D(1, 1, **options)(context[:, -1]))
    frames = np.zeros((2, *SHAPE), np.float32)
    assert float(Objective(same, "mse", rollout=2).compute_loss(frames, frames[:, :2])) == pytest.approx(0.5)


def test_weights_count_in_the_loss():
    copy, frames = network("copy_last"), np.zeros((2, *SHAPE), np.float32)
    truth = np.stack([np.full((8, 8, 1), value, np.float32) for value in (1, 2)])
    weight = np.array([3, 0.5], np.float32).reshape(2, 1, 1)
    loss = Objective(copy, "mse", context_noise=0.1).compute_loss(frames, truth, sample_weight=weight, training=False)
    assert float(loss) == pytest.approx((3 * 1 + 0.5 * 4) / 2)


def test_a_loss_that_does_not_fit_is_named_with_the_one_that_does():
    clips = jumps(10)
    for name, loss in {"many_futures": "multiple_choice", "flow_matching": "flow_matching"}.items():
        with pytest.raises(ValueError, match=f"loss='mse' does not fit what {name} makes: train it with loss='{loss}'"):
            fit(network(name), clips)
    with pytest.raises(ValueError, match="train it with loss='pinball'"):
        check_loss(network("quantile_bands"), "multiple_choice")
    with pytest.raises(ValueError, match="frames_as_channels, which makes one forecast: train it with loss='mse'"):
        fit(network("frames_as_channels"), clips, loss="pinball")


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("flow_matching", {"loss": "flow_matching", "rollout": 2}, "leave rollout at 1"),
        ("frames_as_channels", {"rollout": 0}, "rollout=0"),
        ("frames_as_channels", {"context_noise": -1}, "context_noise=-1: expected 0 or more"),
    ],
)
def test_bad_conditions(name, options, named):
    with pytest.raises(ValueError, match=named):
        Objective(network(name), **{"loss": "mse"} | options)


def test_targets_that_are_not_as_many_as_the_rollout():
    clips = np.repeat(jumps(10), 2, axis=1)
    one = windows.window_dataset(clips, 3)
    with pytest.raises(ValueError, match="give window_dataset horizon=3, or train with rollout=1"):
        training.fit(network("frames_as_channels"), one, one, steps=2, rounds=1, rollout=3)
