"""A model that is steered: its batches, its training on rollouts, its rollouts, and how they drift."""

import keras
import numpy as np
import pytest

from nextframe import diagnostics, steering
from nextframe.datasets import paddle_drift, paddle_game
from nextframe.models import build
from nextframe.windows import to_unit

CONTEXT = 3


@pytest.fixture(scope="module")
def episodes():
    return paddle_game.episodes(4, 12, seed=1)


def ramp(count, time, side=2):
    """Episodes in which each frame and each action has a number of its own."""
    numbers = np.arange(count * time, dtype=np.uint8).reshape(count, time)
    return np.broadcast_to(numbers[..., None, None], (count, time, side, side)), numbers[:, :-1].astype(int)


@pytest.mark.parametrize("horizon", [1, 3])
def test_an_action_leads_to_its_target(horizon):
    frames, actions = ramp(3, 9)
    dataset = steering.steered_dataset(frames, actions, CONTEXT, horizon, batch_size=4)
    parts = [(context, action, truth) for (context, action), truth in dataset]
    seen, acted, target = (np.concatenate([np.asarray(each) for each in part]) for part in zip(*parts, strict=True))
    assert acted.dtype == np.int32
    seen, target = (np.rint(255 * frames[..., 0, 0, 0]) for frames in (seen, target))
    assert len(seen) == 3 * (9 - CONTEXT - horizon + 1)
    first = seen[:, 0]
    assert np.array_equal(seen, first[:, None] + np.arange(CONTEXT))
    ahead = np.arange(horizon) + CONTEXT if horizon > 1 else CONTEXT
    assert np.array_equal(target, np.add.outer(first, ahead))
    assert np.array_equal(acted, target - 1)  # the action at the frame before
    assert not ((first % 9) + CONTEXT + horizon > 9).any()  # no window crosses from episode to episode


def test_batches_are_shuffled_by_their_seed():
    orders = []
    for seed in (0, 0, 1):
        dataset = steering.steered_dataset(*ramp(3, 9), CONTEXT, shuffle=True, seed=seed)
        orders.append(np.concatenate([np.asarray(action) for (_, action), _ in dataset]).tolist())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) != orders[0]


def test_rare_moments_come_more_often():
    frames, actions = ramp(3, 9)
    rare = np.zeros((3, 9), bool)
    rare[1, 7] = rare[0, 1] = True  # the second one is never a target
    for horizon, leads in ((1, 1), (2, 2)):  # windows that lead there
        usual, more = (
            [np.asarray(action).reshape(-1, horizon) for (_, action), _ in
             steering.steered_dataset(frames, actions, CONTEXT, horizon, rare=which, share=0.5)]
            for which in (None, rare)
        )  # fmt: skip
        usual, more = np.concatenate(usual), np.concatenate(more)
        assert len(usual) == 3 * (7 - horizon)
        led = (more == 9 + 6).any(axis=1)
        assert led.mean() == pytest.approx(0.5, abs=0.05)
        assert len(np.unique(more[led], axis=0)) == leads
        assert np.array_equal(np.unique(more, axis=0), np.unique(usual, axis=0))


def test_episodes_that_do_not_fit():
    frames, actions = ramp(3, 9)
    with pytest.raises(ValueError, match=r"one action for each frame but the last"):
        steering.steered_dataset(frames, actions[:, :-1], CONTEXT)
    with pytest.raises(ValueError, match=r"episodes have 9 frames; context=7 and horizon=3 need at least 10"):
        steering.steered_dataset(frames, actions, 7, 3)
    for share in (0, 1, 2.0):
        with pytest.raises(ValueError, match=f"share={share}: expected a number between 0 and 1"):
            steering.steered_dataset(frames, actions, CONTEXT, share=share)


def shifter():
    """A model by hand: action 0 keeps the last frame, 1 moves it to the left, 2 to the right; a little dimmer."""
    context, action = keras.Input((CONTEXT, 4, 4, 1)), keras.Input((), dtype="int32")
    last = context[:, -1]
    moved = [last, keras.ops.roll(last, -1, axis=2), keras.ops.roll(last, 1, axis=2)]
    chosen = keras.ops.one_hot(action, 3)[:, None, None, None, :] * keras.ops.stack(moved, axis=-1)
    return keras.Model([context, action], 0.8 * keras.ops.sum(chosen, axis=-1))


def dot(column):
    frame = np.zeros((4, 4, 1), np.float32)
    frame[1, column] = 1
    return frame


def test_a_rollout_obeys_each_action():
    context = np.stack([[dot(0)] * CONTEXT, [dot(3)] * CONTEXT])
    actions = np.array([[2, 2, 0], [1, 0, 1]])
    found = steering.steer(shifter(), context, actions)
    assert np.array_equal(found, [[dot(1), dot(2), dot(2)], [dot(2), dot(2), dot(1)]])
    dimmer = steering.steer(shifter(), context, actions, rounded=False)
    np.testing.assert_allclose(dimmer, found * np.array([0.8, 0.64, 0.512])[:, None, None, None], rtol=1e-5)
    copied = steering.steer(build("copy_last", context.shape[1:]), context, actions)
    assert np.array_equal(copied, context)


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        ([2, 2, 0], r"actions have shape \(3,\); expected \(1, steps\): a row for each context"),
        (np.zeros((1, 0), int), r"actions have shape \(1, 0\)"),
        ([[0.0, 1.7]], "actions have dtype float64; expected whole numbers"),
        ([[0, -1]], "actions are -1 to 0; steerable knows 0 to 2"),
        ([[3]], "actions are 3 to 3; steerable knows 0 to 2"),
    ],
)
def test_actions_that_are_none(actions, named):
    shape = (CONTEXT, 16, 16, 1)
    with pytest.raises(ValueError, match=named):
        steering.steer(build("steerable", shape), np.zeros((1, *shape), np.float32), actions)


def test_contexts_that_do_not_fit_are_not_steered():
    with pytest.raises(ValueError, match="context has dtype uint8"):
        steering.steer(shifter(), np.zeros((1, CONTEXT, 4, 4, 1), np.uint8), [[0]])


@pytest.mark.parametrize("rounded", [False, True])
def test_training_on_rollouts_feeds_back_what_use_does(rounded):
    context, actions = np.stack([[dot(0)] * CONTEXT]), np.array([[2, 0, 1]])
    model = shifter()
    made = np.asarray(steering.unrolled(model, 3, rounded=rounded)([context, actions]))
    used = steering.steer(model, context, actions, rounded=rounded)
    assert made.shape == used.shape
    np.testing.assert_allclose(np.round(made) if rounded else made, used, rtol=1e-5)
    one = steering.unrolled(model, rounded=rounded)([context, actions[:, 0]])
    np.testing.assert_allclose(one, made[:, 0], rtol=1e-5)


def test_noise_is_for_training_alone():
    context, action = np.stack([[dot(0)] * CONTEXT]), np.array([0])
    noisy = steering.unrolled(shifter(), noise=0.3)
    still, shaken = (np.asarray(noisy([context, action], training=training)) for training in (False, True))
    np.testing.assert_allclose(still, 0.8 * context[:, -1], rtol=1e-6)
    assert 0.1 < (shaken - still).std() < 0.4


def test_a_new_network_copies_and_a_trained_one_obeys(episodes):
    frames, actions = episodes
    model = build("steerable", (CONTEXT, 32, 32, 1), filters=8, dilations=(2,))
    context = to_unit(frames[:, :CONTEXT])
    assert np.array_equal(steering.steer(model, context, actions[:, :2]), np.stack([context[:, -1]] * 2, axis=1))
    outputs = [np.asarray(model([context, np.full(4, action, np.int32)])) for action in range(3)]
    assert np.array_equal(outputs[0], outputs[1])  # nothing learned yet
    dataset = steering.steered_dataset(frames, actions, CONTEXT, 2, batch_size=4)
    steering_model = steering.unrolled(model, 2, rounded=True)
    steering_model.compile(keras.optimizers.Adam(1e-2), loss="binary_crossentropy")
    steering_model.fit(dataset, epochs=1, verbose=0, shuffle=False)
    outputs = [np.asarray(model([context, np.full(4, action, np.int32)])) for action in range(3)]
    assert not np.array_equal(outputs[1], outputs[2])  # the model itself has learned


def test_what_a_steerable_network_costs():
    model = build("steerable", (6, 32, 32, 1), filters=4, dilations=(1, 2))
    embedding, first, residual, last = 3 * 24, 9 * 24 * 4 + 4, 9 * 4 * 4 + 4, 9 * 4 * 4 + 4
    assert model.count_params() == embedding + first + 2 * residual + last
    assert diagnostics.forward_flops(model) == 2 * 256 * (9 * 24 * 4 + 3 * 9 * 4 * 4)
    for wrong, message in (
        ({"actions": 0}, "actions=0"),
        ({"filters": 0}, "filters=0"),
        ({"dilations": (1, 0)}, "dilations=0"),
        ({"patch": 3}, "patch=3 does not divide"),
    ):
        with pytest.raises(ValueError, match=message):
            build("steerable", (6, 32, 32, 1), **wrong)


def test_how_far_a_steerable_network_sees():
    """A position for each dilation, and one each for the first and the last convolution."""
    model = build("steerable", (2, 64, 64, 1), filters=4, dilations=(1, 2, 2))
    model.set_weights([(weights.ndim == 4) * np.full_like(weights, 0.1) for weights in model.get_weights()])
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    lit = np.zeros((1, 2, 64, 64, 1), np.float32)
    lit[0, 0, 32, 32] = 1  # in position 16 of 32
    reached = np.argwhere(np.asarray(keras.Model(model.inputs, last.output)([lit, np.array([0])]))[0, ..., 0])
    assert (reached.min(), reached.max()) == (16 - 7, 16 + 7)


def test_the_game_itself_does_not_drift():
    frames, _ = paddle_game.episodes(6, 80, seed=2)
    found = paddle_drift.drift(frames / 255, frames)
    assert found["paddle error"] == [0] * 80
    for name in ("paddle within 1 px", "one ball", "follows the ball"):
        assert found[name] == [1] * 80, name
    for name in ("until the paddle is off", "until the ball is lost"):
        assert found[name] == [80] * 6, name


def test_drift_tells_what_is_off_and_when():
    random = np.random.default_rng(0)
    truth, states = paddle_game.play(paddle_game.State(2, 1, 0, 1, 9), random.integers(0, 3, 20))
    frames = np.stack(
        [paddle_game.render(state._replace(paddle=state.paddle - (now >= 5))) for now, state in enumerate(states)]
    )
    hidden = states[9]._replace(column=6, row=6, paddle=states[9].paddle - 1)
    frames[9] = paddle_game.render(hidden)  # away, but not longer than behind the screen
    frames[15] = np.maximum(frames[15], paddle_game.render(states[15]._replace(column=13)))  # a second ball
    found = paddle_drift.drift(frames[None], truth[None])
    off = [0] * 5 + [2] * 16
    assert found["paddle error"] == off
    assert found["paddle within 1 px"] == [error <= 1 for error in off]
    assert found["until the paddle is off"] == [5]
    assert found["one ball"] == [1] * 15 + [0] * 6
    assert found["follows the ball"] == [1] * 9 + [0] * 12
    assert found["until the ball is lost"] == [9]


def test_a_ball_that_stays_away_is_lost():
    """One frame longer than the screen can hide it; there need be no truth to compare with."""
    truth, _ = paddle_game.play(paddle_game.State(2, 1, 0, 1, 9), np.zeros(9, int))
    hidden = paddle_game.render(paddle_game.State(6, 6, 0, 1, 9))
    frames = truth.copy()
    frames[2:5] = hidden
    assert paddle_drift.keeps_one_ball(frames[None]).all()
    frames[5] = hidden
    assert paddle_drift.keeps_one_ball(frames[None])[0].tolist() == [True] * 5 + [False] * 5
    dark = np.zeros_like(frames)
    assert (paddle_drift.paddle_errors(dark, truth) == 22).all()


def test_a_ball_that_goes_elsewhere_is_one_ball_still():
    truth, states = paddle_game.play(paddle_game.State(2, 1, 0, 1, 9), np.zeros(9, int))
    frames = np.stack([paddle_game.render(state._replace(column=3)) for state in states])
    assert paddle_drift.keeps_one_ball(frames[None]).all()
    assert not paddle_drift.follows_the_ball(frames[None], truth[None]).any()
