"""The paddle game: its rules, its recorded episodes, and what is measured in its frames."""

import numpy as np
import pytest

from nextframe.datasets import paddle_game
from nextframe.datasets.paddle_game import State, ball_centres, number_of_balls, paddle_columns


@pytest.fixture(scope="module")
def games():
    """Frames and states of many games."""
    played = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        played.append(paddle_game.play(paddle_game.serve(random), random.integers(0, 3, 250)))
    return np.stack([frames for frames, _ in played]), [states for _, states in played]


def test_the_paddle_obeys_and_stops_at_the_walls():
    state = State(15, 5, 0, 1, 2)
    at = []
    for action in (0, 1, 1, 2):
        state = paddle_game.step(state, action)
        at.append(state.paddle)
    assert at == [2, 1, 1, 2]
    assert paddle_game.step(State(15, 5, 0, 1, 23), 2).paddle == 23
    with pytest.raises(ValueError, match=r"action=3: expected 0 \(stay\), 1 \(left\) or 2 \(right\)"):
        paddle_game.step(state, 3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State(5, 5, 2, 1, 9), (7, 6, 2, 1)),  # free flight
        (State(2, 5, -2, 1, 9), (2, 6, 2, 1)),  # column 0 is the wall's: a pixel to go, and one back
        (State(28, 5, 2, -1, 9), (28, 4, -2, -1)),
        (State(5, 1, 1, -1, 9), (6, 2, 1, 1)),
        (State(5, 30, 1, 1, 9), (6, 29, 1, -1)),  # the floor
        (State(5, 28, 1, -1, 3), (6, 27, 1, -1)),  # from below, through the paddle
        (State(11, 26, 1, 1, 9), (12, 25, 0, -1)),  # the paddle's middle
        (State(8, 26, 0, 1, 9), (8, 25, -2, -1)),  # its left edge
        (State(13, 26, 1, 1, 9), (14, 25, 1, -1)),
        (State(7, 26, 0, 1, 9), (7, 27, 0, 1)),  # a pixel beside it
        (State(17, 26, 0, 1, 9), (17, 27, 0, 1)),
    ],
)
def test_the_ball_flies_and_turns(before, after):
    assert paddle_game.step(before, 0)[:4] == after


def test_the_paddle_moves_before_it_is_hit():
    assert paddle_game.step(State(17, 26, 0, 1, 9), 2) == State(17, 25, 2, -1, 10)


def test_states_stay_within_the_walls(games):
    states = np.array(games[1])
    assert states.min(axis=(0, 1)).tolist() == [1, 1, -2, -1, 1]
    assert states.max(axis=(0, 1)).tolist() == [29, 30, 2, 1, 23]


def test_a_frame_is_black_and_white_and_the_screen_hides_the_ball():
    frames = [paddle_game.render(State(12, row, 0, 1, 5)) for row in (8, 10, 11, 14, 15)]
    assert set(np.unique(frames)) == {0, 255}
    empty = paddle_game.render(State(12, 30, 0, 1, 5))
    seen = [int((frame[:28] != empty[:28]).sum()) for frame in frames]
    assert seen == [4, 2, 0, 0, 2]


def test_what_is_measured_is_what_is_there(games):
    frames, states = games[0], np.array(games[1])
    assert np.array_equal(paddle_columns(frames), states[..., 4])
    hidden = np.abs(states[..., 1] - 12.5) < 2
    hidden &= (states[..., 0] >= 9) & (states[..., 0] <= 21)
    assert hidden.any()
    assert np.array_equal(number_of_balls(frames), 1 - hidden)
    centres = ball_centres(frames)
    assert np.array_equal(np.isnan(centres[..., 0]), hidden)
    whole = (states[..., 1] < 9) | ((states[..., 1] > 16) & (states[..., 1] < 27))
    assert np.array_equal(centres[whole], states[whole][:, 1::-1] + 0.5)
    in_part = ~whole & ~hidden
    assert np.abs(centres[in_part] - states[in_part][:, 1::-1] - 0.5).max() <= 0.5


def test_the_longest_time_behind_the_screen(games):
    unseen = number_of_balls(games[0]) == 0
    runs = [len(run) for game in unseen for run in "".join("x "[not each] for each in game).split()]
    assert max(runs) == paddle_game.LONGEST_HIDDEN


def test_other_than_true_frames_are_measured_too():
    frame = paddle_game.render(State(5, 20, 1, 1, 9)) / 255
    hazy = np.clip(frame + 0.3, 0, 1)
    assert number_of_balls(hazy) == 1
    assert paddle_columns(hazy) == 9
    two = np.maximum(frame, paddle_game.render(State(25, 20, 1, 1, 9)) / 255)
    assert number_of_balls(two) == 2
    touching = np.maximum(frame, paddle_game.render(State(7, 20, 1, 1, 9)) / 255)  # one blob of eight
    assert number_of_balls(touching) == 2
    ring = frame.copy()
    ring[20:23, 20:23] = 1
    ring[21, 21] = 0
    assert number_of_balls(ring) == 3  # eight lit pixels are two balls, whatever the hole
    dark = np.zeros((2, 32, 32))
    assert number_of_balls(dark).tolist() == [0, 0]
    assert np.isnan(paddle_columns(dark)).all()
    assert np.isnan(ball_centres(dark)).all()
    with pytest.raises(ValueError, match=r"frames have shape \(32, 32, 1\); expected \(..., 32, 32\)"):
        number_of_balls(frame[..., None])


def test_episodes_are_those_of_the_game_and_of_their_seed():
    frames, actions = paddle_game.episodes(12, 40, seed=3)
    assert frames.shape == (12, 40, 32, 32)
    assert frames.dtype == np.uint8
    assert actions.shape == (12, 39)
    moved = np.diff(paddle_columns(frames), axis=1)
    asked = np.array([0, -1, 1])[actions]
    assert np.array_equal(moved[moved != 0], asked[moved != 0])
    stuck = (moved == 0) & (asked != 0)
    assert np.isin(paddle_columns(frames)[:, :-1][stuck], (1, 23)).all()
    again, other = (paddle_game.episodes(12, 40, seed=seed) for seed in (3, 4))
    assert np.array_equal(frames, again[0])
    assert np.array_equal(actions, again[1])
    assert not np.array_equal(frames, other[0])
    assert {0, 1, 2} == set(actions.ravel())
    assert np.nanstd(ball_centres(frames)[:, 0, 0]) > 4  # the ball may be anywhere at first
