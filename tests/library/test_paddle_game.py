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
    state = State(10, 5, 0, 1, 2)
    at = []
    for action in (0, 1, 1, 2):
        state = paddle_game.step(state, action)
        at.append(state.paddle)
    assert at == [2, 1, 1, 2]
    assert paddle_game.step(State(10, 5, 0, 1, 12), 2).paddle == 12
    with pytest.raises(ValueError, match=r"action=3: expected 0 \(stay\), 1 \(left\) or 2 \(right\)"):
        paddle_game.step(state, 3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State(5, 5, 1, 1, 9), (6, 6, 1, 1)),  # free flight
        (State(1, 5, -1, 1, 9), (2, 6, 1, 1)),  # column 0 is the wall's
        (State(14, 5, 1, -1, 9), (13, 4, -1, -1)),
        (State(5, 1, 1, -1, 9), (6, 2, 1, 1)),
        (State(5, 15, 1, 1, 9), (6, 14, 1, -1)),  # the floor
        (State(5, 14, 0, -1, 4), (5, 13, 0, -1)),  # from below, through the paddle
        (State(4, 12, 0, 1, 4), (4, 11, -1, -1)),  # its left third
        (State(4, 12, 1, 1, 4), (5, 11, 1, -1)),  # its middle
        (State(6, 12, -1, 1, 4), (5, 11, -1, -1)),
        (State(7, 12, -1, 1, 4), (6, 11, 1, -1)),  # its right third
        (State(3, 12, 0, 1, 4), (3, 13, 0, 1)),  # a cell beside it
        (State(7, 12, 0, 1, 4), (7, 13, 0, 1)),
        (State(4, 11, 1, 1, 4), (5, 12, 1, 1)),  # not yet
    ],
)
def test_the_ball_flies_and_turns(before, after):
    assert paddle_game.step(before, 0)[:4] == after


def test_the_paddle_moves_before_it_is_hit():
    assert paddle_game.step(State(7, 12, 0, 1, 4), 2) == State(7, 11, 1, -1, 5)


def test_states_stay_within_the_walls(games):
    states = np.array(games[1])
    assert states.min(axis=(0, 1)).tolist() == [1, 1, -1, -1, 1]
    assert states.max(axis=(0, 1)).tolist() == [14, 15, 1, 1, 12]


def test_a_frame_is_black_and_white_and_the_screen_hides_the_ball():
    frames = {row: paddle_game.render(State(4, row, 0, 1, 9)) for row in (4, 5, 7, 8, 13)}
    assert {0, 255} == set(np.unique(list(frames.values())))
    assert {row: int((frame != frames[13]).sum()) for row, frame in frames.items()} == {4: 8, 5: 4, 7: 4, 8: 8, 13: 0}
    assert (frames[4][8:10, 8:10] == 255).all()
    assert (frames[13][26] == 255).nonzero()[0].tolist() == [0, 1, 8, 9, *range(18, 24), 30, 31]


def test_what_is_measured_is_what_is_there(games):
    frames, states = games[0], np.array(games[1])
    assert np.array_equal(paddle_columns(frames), 2 * states[..., 4])
    column, row = states[..., 0], states[..., 1]
    hidden = (row >= 5) & (row < 8) & (column >= 4) & (column < 12)
    assert hidden.any()
    assert np.array_equal(number_of_balls(frames), 1 - hidden)
    centres = ball_centres(frames)
    assert np.array_equal(np.isnan(centres[..., 0]), hidden)
    at_paddle = row == 13  # half of it is in the paddle's row
    seen = ~hidden & ~at_paddle
    assert np.array_equal(centres[seen], 2 * states[seen][:, 1::-1] + 0.5)
    assert np.array_equal(centres[at_paddle], 2 * states[at_paddle][:, 1::-1] + [1, 0.5])


def test_the_longest_time_behind_the_screen(games):
    unseen = number_of_balls(games[0]) == 0
    runs = [len(run) for game in unseen for run in "".join("x "[not each] for each in game).split()]
    assert max(runs) == paddle_game.LONGEST_HIDDEN


def test_other_than_true_frames_are_measured_too():
    frame = paddle_game.render(State(5, 10, 1, 1, 9)) / 255
    hazy = np.clip(frame + 0.3, 0, 1)
    assert number_of_balls(hazy) == 1
    assert paddle_columns(hazy) == 18
    two = np.maximum(frame, paddle_game.render(State(12, 10, 1, 1, 9)) / 255)
    assert number_of_balls(two) == 2
    touching = np.maximum(frame, paddle_game.render(State(6, 10, 1, 1, 9)) / 255)  # one blob of eight
    assert number_of_balls(touching) == 2
    ring = frame.copy()
    ring[16:19, 16:19] = 1
    ring[17, 17] = 0
    assert number_of_balls(ring) == 3  # eight lit pixels are two balls, whatever the hole
    specks = frame.copy()
    specks[18, (16, 19)] = 1
    assert number_of_balls(specks) == 3
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
    asked = np.array([0, -2, 2])[actions]
    assert np.array_equal(moved[moved != 0], asked[moved != 0])
    stuck = (moved == 0) & (asked != 0)
    assert np.isin(paddle_columns(frames)[:, :-1][stuck], (2, 24)).all()
    again, other = (paddle_game.episodes(12, 40, seed=seed) for seed in (3, 4))
    assert np.array_equal(frames, again[0])
    assert np.array_equal(actions, again[1])
    assert not np.array_equal(frames, other[0])
    assert {0, 1, 2} == set(actions.ravel())
    assert np.nanstd(ball_centres(frames)[:, 0, 0]) > 4  # the ball may be anywhere at first


def test_moments_that_are_hard_to_forecast():
    frames, states = paddle_game.play(State(6, 3, 0, 1, 9), np.zeros(14, int))
    rows = [each.row for each in states]
    assert rows == [*range(3, 16), 14, 13]  # behind the screen from row 5 to row 7, and past the paddle
    found = paddle_game.decisive_moments(frames)
    assert [row for row, takes in zip(rows, found, strict=True) if takes] == [8, 9, 11, 12, 13, 13]
    assert np.array_equal(paddle_game.decisive_moments(np.stack([frames, frames])), [found, found])
