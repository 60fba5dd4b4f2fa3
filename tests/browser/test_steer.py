"""The game of the page "Try it", and the network that has learned it."""

import numpy as np
import pytest
from live_page import PAGE

from nextframe.datasets import paddle_game

EPISODE = """async ([state, actions]) => {
    const { render, step } = await import(new URL("../live/paddleGame.js", location.href));
    const frames = [render(state)];
    for (const action of actions) frames.push(render(state = step(state, action)));
    return frames.map((frame) => frame.join(""));
}"""
MEASURES = """async (frames) => {
    const { ballCentre, numberOfBalls, paddleColumn } = await import(new URL("../live/gameMeasures.js", location.href));
    return frames.map((pixels) => {
        const frame = Float32Array.from(pixels, Number);
        const ball = ballCentre(frame);
        return [paddleColumn(frame), numberOfBalls(frame), ball && ball.row, ball && ball.column];
    });
}"""


def in_letters(frames):
    """Frames of 0 and 1 as a text each, which the browser takes far faster than lists."""
    return ["".join(map(str, frame.astype(int).ravel())) for frame in frames]


@pytest.fixture(scope="module")
def episode():
    """A game of a thousand frames: its first state, the keys, and the frames."""
    first = state = paddle_game.serve(np.random.default_rng(0))
    actions = []
    for time in range(1000):
        off = state.column + state.across - state.paddle - time // 100 % 3  # hit with each part, and missed
        actions.append((2 if off > 0 else 1 if off < 0 else 0) if time % 300 < 250 else 1)
        state = paddle_game.step(state, actions[-1])
    frames, states = paddle_game.play(first, np.array(actions))
    assert {state.across for state in states} == {-1, 0, 1}
    assert max(state.row for state in states) == paddle_game.BOTTOM
    return first, actions, frames


def test_the_game_is_that_of_python(open_page, episode):
    page = open_page(PAGE)
    state, actions, frames = episode
    here = page.evaluate(EPISODE, [state._asdict(), actions])
    assert here == in_letters(frames > 0)


def test_frames_are_measured_as_in_python(open_page, episode):
    page = open_page(PAGE)
    random = np.random.default_rng(1)
    true = episode[2][:100] > 0
    damaged = true ^ (random.random(true.shape) < random.choice([0.005, 0.05], (100, 1, 1)))
    frames = np.concatenate([true, damaged, np.zeros_like(true[:1])]).astype("float32")
    here = np.array(page.evaluate(MEASURES, in_letters(frames)), float)
    there = [paddle_game.paddle_columns(frames), paddle_game.number_of_balls(frames), paddle_game.ball_centres(frames)]
    np.testing.assert_allclose(here, np.column_stack(there))
