"""Futures by chance: each follows its law, and the true futures of a past are those of its law."""

import re

import numpy as np
import pytest

from nextframe.datasets import _laws
from nextframe.datasets.moving_digits import SPLITS, shuffled_digits
from nextframe.datasets.n_body import n_body_digits
from nextframe.datasets.random_futures import (
    coin_at_the_wall,
    coin_futures,
    random_speeds,
    random_walls,
    true_futures,
)

LAWS = [random_walls, coin_at_the_wall, random_speeds, n_body_digits]


@pytest.mark.parametrize("law", LAWS)
def test_clips_of_every_law(law):
    clips, known = law(30, 12, seed=3)
    side = 64 if law is n_body_digits else 32
    assert clips.shape == (30, 12, side, side)
    assert clips.dtype == np.uint8
    assert clips.max() > 200
    assert known["digit"].dtype == np.int64
    assert set(np.unique(known["digit"])) <= set(range(10))
    room = side - (20 if law is n_body_digits else 16)
    assert known["corner"].min() >= 0
    assert known["corner"].max() <= room
    # digits are where "corner" says: none of their light is outside that square
    row, column = np.floor(known["corner"]).astype(int).reshape(30, -1, 12, 2)[0, 0, 5]
    square = clips[0, 5, row : row + side - room + 1, column : column + side - room + 1]
    assert square.sum() > 0
    if law is not n_body_digits:
        assert square.sum(dtype=int) == clips[0, 5].sum(dtype=int)


@pytest.mark.parametrize("law", LAWS)
def test_seeds(law):
    assert np.array_equal(law(5, 9, seed=3)[0], law(5, 9, seed=3)[0])
    assert not np.array_equal(law(5, 9, seed=3)[0], law(5, 9, seed=4)[0])
    assert not np.array_equal(law(5, 9, split="train")[1]["corner"], law(5, 9, split="test")[1]["corner"])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("split", SPLITS)
def test_splits_keep_to_their_own_digits(law, split, monkeypatch):
    seen = []

    monkeypatch.setattr(_laws, "draw", lambda clips, images, corner: seen.extend(images.reshape(-1, *images.shape[2:])))
    law(60, 9, split=split)
    own = {image.tobytes() for image in shuffled_digits(seen[0].shape[-1])[SPLITS[split]]}
    assert {image.tobytes() for image in seen} <= own


@pytest.mark.parametrize("law", LAWS)
def test_a_branch_keeps_the_past_and_changes_the_future(law):
    clip, one, again, other = (law(20, 14, branch=branch)[0] for branch in (None, (5, 1), (5, 1), (5, 2)))
    assert np.array_equal(clip[:, :5], one[:, :5])
    assert np.array_equal(one, again)
    assert not np.array_equal(one[:, 5:], clip[:, 5:])
    assert not np.array_equal(one[:, 5:], other[:, 5:])


def test_each_wall_is_left_in_every_direction():
    """Angles are even over the half circle that leads back into the frame; speed stays, and so does the way between."""
    corner = random_walls(2000, 15, seed=1)[1]["corner"]
    steps = np.diff(corner, axis=1)
    before, after, at = steps[:, :-1], steps[:, 1:], corner[:, 1:-1]
    free = ((at > 0) & (at < 16)).all(axis=-1)
    landed = ((corner[:, 2:] > 0) & (corner[:, 2:] < 16)).all(axis=-1)
    assert np.abs(after - before)[free & landed].max() < 1e-9
    left_wall = (at[..., 1] == 0) & (at[..., 0] > 3) & (at[..., 0] < 13)
    angle = np.arctan2(*after[left_wall].T)
    assert len(angle) > 500
    counts = np.histogram(angle, bins=6, range=(-np.pi / 2, np.pi / 2))[0]
    assert counts.sum() == len(angle)
    expected = len(angle) / 6
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected)
    pace = np.linalg.norm(after, axis=-1)
    assert np.abs(pace[free & landed] - np.linalg.norm(before, axis=-1)[free & landed]).max() < 1e-9


@pytest.mark.parametrize("left", [0.3, 0.5])
def test_the_coin_falls_by_its_odds(left):
    clips, known = coin_at_the_wall(3000, 8, left=left, seed=2)
    corner, turn = known["corner"], known["turn"]
    assert np.abs(corner[:, 4, 0]).max() == 0  # at the wall in the last frame of the context
    assert (corner[:, 3, 0] >= 1).all()
    assert (corner[:, 4:, 0] == 0).all()
    step = corner[:, 5, 1] - corner[:, 4, 1]
    assert np.array_equal(np.sign(step), 2 * turn - 1)
    np.testing.assert_allclose(np.abs(step), corner[:, 3, 0])  # at the same speed
    assert abs((turn == 0).mean() - left) < 4 * np.sqrt(left * (1 - left) / 3000)
    assert clips.shape == (3000, 8, 32, 32)


def test_nothing_before_the_turn_tells_its_side():
    _, known = coin_at_the_wall(4000, 8, seed=4)
    before = np.concatenate([known["corner"][:, :5].reshape(4000, -1), known["digit"][:, None]], axis=1)
    moving = before[:, before.std(axis=0) > 0]
    linked = [np.corrcoef(column, known["turn"])[0, 1] for column in moving.T]
    assert np.abs(linked).max() < 4 / np.sqrt(4000)


def test_both_futures_of_a_coin():
    clips, known = coin_at_the_wall(40, 9, left=0.3, seed=6)
    futures, odds = coin_futures(40, 9, left=0.3, seed=6)
    assert futures.shape == (40, 2, 4, 32, 32)
    assert odds["odds"].tolist() == [0.3, 0.7]
    assert np.array_equal(futures[np.arange(40), known["turn"]], clips[:, 5:])
    assert (futures[:, 0] != futures[:, 1]).any(axis=(1, 2, 3)).all()


def test_speeds_are_drawn_by_their_odds_and_independently():
    speeds, odds = (0.5, 1.5, 3.0), (0.2, 0.3, 0.5)
    corner, speed = (random_speeds(500, 11, speeds=speeds, odds=odds, seed=8)[1][name] for name in ("corner", "speed"))
    assert speed.shape == (500, 10)
    for value, likely in zip(speeds, odds, strict=True):
        assert abs((speed == value).mean() - likely) < 4 * np.sqrt(likely * (1 - likely) / speed.size)
    assert abs(np.corrcoef(speed[:, :-1].ravel(), speed[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(4500)
    gone = np.linalg.norm(np.diff(corner, axis=1), axis=-1)
    assert (gone <= speed + 1e-9).all()  # less only where it bounced
    assert np.isclose(gone, speed).mean() > 0.7


def test_true_futures_follow_the_law():
    """A coin's are left and right by its odds; those of one past differ; the clip's own is none of them."""
    drawn = {"left": 0.25, "seed": 3}
    futures = true_futures(coin_at_the_wall, 100, 7, context=4, futures=30, **drawn)
    both = coin_futures(100, 7, context=4, **drawn)[0]
    assert futures.shape == (100, 30, 3, 32, 32)
    is_left = (futures == both[:, None, 0]).all(axis=(2, 3, 4))
    is_right = (futures == both[:, None, 1]).all(axis=(2, 3, 4))
    assert (is_left ^ is_right).all()
    assert abs(is_left.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 3000)
    assert (is_left.any(axis=1) & is_right.any(axis=1)).mean() > 0.95  # both, of nearly every past
    walls = true_futures(random_walls, 20, 15, futures=3)
    clips = random_walls(20, 15)[0][:, 5:]
    assert not any(np.array_equal(walls[:, number], clips) for number in range(3))


def test_attraction_keeps_energy_and_pulls_together():
    drawn = {"pull": 60.0, "softening": 2.0, "digits": 2, "seed": 1}
    corner = n_body_digits(50, 30, **drawn)[1]["corner"]
    apart = np.linalg.norm(corner[:, 0] - corner[:, 1], axis=-1)
    inside = ((corner > 3) & (corner < 41)).all(axis=(1, 3))
    velocity = (corner[:, :, 2:] - corner[:, :, :-2]) / 2  # in the middle frame of three
    energy = 0.5 * (velocity**2).sum(axis=(1, 3)) - 60 / np.sqrt(apart[:, 1:-1] ** 2 + 4)
    calm = inside[:, :-2] & inside[:, 1:-1] & inside[:, 2:] & (apart[:, 1:-1] > 15)
    spread = [energy[clip][calm[clip]].std() for clip in range(50) if calm[clip].sum() > 4]
    assert len(spread) > 10
    assert np.median(spread) < 0.05 * np.abs(energy[calm]).mean() + 0.05
    free = n_body_digits(50, 30, **drawn | {"pull": 0.0})[1]["corner"]
    bent = np.linalg.norm(corner[:, :, 2] - 2 * corner[:, :, 1] + corner[:, :, 0], axis=-1)
    assert (bent > 1e-3).all()
    middle = ((free[:, :, :3] > 5) & (free[:, :, :3] < 39)).all(axis=(2, 3))
    assert np.abs(free[:, :, 2] - 2 * free[:, :, 1] + free[:, :, 0])[middle].max() < 1e-9
    towards = (corner[:, 1, 1] - corner[:, 0, 1]) * (corner[:, 0, 2] - 2 * corner[:, 0, 1] + corner[:, 0, 0])
    assert (towards.sum(axis=-1) > 0)[middle.all(axis=1)].mean() > 0.95


def test_what_cannot_be_seen_decides_an_n_body_future():
    drawn = {"count": 100, "length": 40, "seed": 2}
    clip, nudged = (n_body_digits(branch=branch, **drawn)[1]["corner"] for branch in (None, (5, 1)))
    apart = np.median(np.linalg.norm(clip - nudged, axis=-1).mean(axis=1), axis=0)
    assert apart[4] == 0
    assert 0.02 < apart[5] < 0.2
    assert apart[39] > 30 * apart[5]


@pytest.mark.parametrize(
    ("law", "wrong", "named"),
    [
        (random_walls, {"count": 0}, "count=0"),
        (random_walls, {"length": 1}, "length=1"),
        (random_walls, {"digit_size": 32}, "digit_size=32"),
        (random_walls, {"speed": (0, 1)}, "speed=(0, 1)"),
        (random_walls, {"speed": (2, 1)}, "speed=(2, 1)"),
        (random_walls, {"split": "all"}, "split='all'"),
        (random_walls, {"branch": (15, 1)}, "branch=(15, 1): expected a frame of 1 to 14"),
        (random_walls, {"branch": (0, 1)}, "branch=0"),
        (coin_at_the_wall, {"left": 1.1}, "left=1.1"),
        (coin_at_the_wall, {"context": 15}, "context=15: expected 2 to 14"),
        (coin_at_the_wall, {"context": 12}, "need 27.5 pixels of room, and there are 16"),
        (random_speeds, {"speeds": ()}, "speeds=()"),
        (random_speeds, {"speeds": (-1, 2)}, "speeds=(-1, 2)"),
        (random_speeds, {"odds": (0.5, 0.5)}, "odds=(0.5, 0.5): expected 3"),
        (random_speeds, {"odds": (0.5, 0.3, 0.3)}, "add up to 1"),
        (n_body_digits, {"digits": 1}, "digits=1"),
        (n_body_digits, {"pull": -1}, "pull=-1"),
        (n_body_digits, {"softening": 0}, "softening=0"),
        (n_body_digits, {"nudge": float("nan")}, "nudge=nan"),
        (n_body_digits, {"pull": 1e6}, "pull=1000000.0, softening="),
        (n_body_digits, {"speed": (2000, 2000)}, "a digit crosses the whole frame within a step: lower speed"),
    ],
)
def test_bad_arguments(law, wrong, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        law(**{"count": 2, "length": 15} | wrong)


def test_futures_are_at_least_one():
    with pytest.raises(ValueError, match="futures=0"):
        true_futures(random_walls, 2, futures=0)
