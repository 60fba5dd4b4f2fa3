"""Labelled motion: the labels are true, and no single frame gives the direction away."""

import re

import numpy as np
import pytest

from nextframe.datasets import labelled_motion
from nextframe.datasets.labelled_motion import DIRECTIONS, moving_digits_with_labels, panned_clip


def direction_of(clip):
    """The direction in which the brightness of a clip moves, measured between its first and last frame."""
    rows, columns = np.indices(clip.shape[1:])
    centre = [
        [(frame * rows).sum() / frame.sum(), (frame * columns).sum() / frame.sum()] for frame in clip.astype(float)
    ]
    down, right = np.subtract(centre[-1], centre[0])
    return round(np.arctan2(down, right) / (np.pi / 4)) % 8


def test_digits_move_as_labelled():
    clips, labels = moving_digits_with_labels(40)
    assert clips.shape == (40, 10, 32, 32)
    assert clips.dtype == np.uint8
    assert [direction_of(clip) for clip in clips] == labels["direction"].tolist()
    assert set(labels["direction"]) == set(range(len(DIRECTIONS)))
    assert set(labels["digit"]) == set(range(10))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_digit_is_the_one_that_is_drawn(split, monkeypatch):
    drawn = []
    monkeypatch.setattr(labelled_motion, "draw", lambda clips, images, position: drawn.extend(images[:, 0]))
    _, labels = moving_digits_with_labels(30, digit_size=28, canvas=48, split=split)
    images, names = labelled_motion.mnist_digits()
    known = {image.tobytes(): name for image, name in zip(images, names, strict=True)}
    assert [known[image.tobytes()] for image in drawn] == labels["digit"].tolist()


def test_middles_do_not_depend_on_the_direction():
    clips, labels = moving_digits_with_labels(2000, length=5, digit_size=14)
    rows, columns = np.indices((32, 32))
    weight = clips[:, 2].astype(float)  # the middle frame
    down = (weight * rows).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    means = [down[labels["direction"] == direction].mean() for direction in range(8)]
    assert np.ptp(means) < 1


def test_a_panned_picture_moves_as_labelled():
    spot = np.zeros((3, 64, 64), np.uint8)
    spot[:, 30:34, 30:34] = 255
    clips, labels = panned_clip(spot, 40)
    assert clips.shape == (40, 10, 32, 32)
    seen = clips.reshape(40, 10, -1).max(axis=-1).min(axis=1) > 200  # the spot is in every frame
    assert seen.sum() > 10
    assert [direction_of(clip) for clip in clips[seen]] == labels["direction"][seen].tolist()


def test_seeds():
    one, other = (moving_digits_with_labels(3, seed=seed)[0] for seed in (0, 1))
    assert np.array_equal(one, moving_digits_with_labels(3)[0])
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"length": 1}, "length=1"),
        ({"speed": (0, 1)}, "speed=(0, 1)"),
        ({"length": 30}, "need 43.5 pixels of room, and there are 18"),
        ({"split": "all"}, "split='all'"),
        ({"count": 0}, "count=0"),
    ],
)
def test_bad_arguments(wrong, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        moving_digits_with_labels(**{"count": 2} | wrong)


def test_the_cure_for_a_window_without_room_works():
    """Less canvas leaves a window that moves over a picture more room, and more canvas leaves a digit more."""
    picture = np.zeros((3, 40, 40), np.uint8)
    with pytest.raises(ValueError, match="there are 8: lower length or speed, or lower canvas"):
        panned_clip(picture, 2, canvas=32)
    assert panned_clip(picture, 2, canvas=16)[0].shape[2:] == (16, 16)
    with pytest.raises(ValueError, match="lower length or speed, or raise canvas"):
        moving_digits_with_labels(2, canvas=20)
