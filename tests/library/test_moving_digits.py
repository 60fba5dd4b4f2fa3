"""Digits that bounce, drawn between pixels, from disjoint handwriting."""

import numpy as np
import pytest
from scipy.ndimage import shift

from nextframe.datasets import moving_digits as module
from nextframe.datasets.moving_digits import SPLITS, moving_digits


def centre(clip):
    """Brightness-weighted centre of each frame of `(..., h, w)`: row, column."""
    weight = clip / clip.sum((-2, -1), keepdims=True)
    rows, columns = np.indices(clip.shape[-2:])
    return np.stack([(weight * rows).sum((-2, -1)), (weight * columns).sum((-2, -1))], -1)


def test_shape_and_type():
    clips = moving_digits(3, 7, digits=3, canvas=(40, 50), digit_size=20)
    assert clips.shape == (3, 7, 40, 50)
    assert clips.dtype == np.uint8
    assert clips.max() > 200


def test_seed():
    assert np.array_equal(moving_digits(40, 5, seed=3), moving_digits(40, 5, seed=3))
    assert not np.array_equal(moving_digits(4, 5, seed=3), moving_digits(4, 5, seed=4))


def test_splits_share_no_digit():
    images = [{image.tobytes() for image in module.shuffled_digits(28)[part]} for part in SPLITS.values()]
    assert [len(split) for split in images] == [8000, 1000, 1000]
    assert len(set.union(*images)) == 10_000


def test_motion_is_straight_and_sub_pixel():
    clips = moving_digits(200, 4, digits=1, canvas=200, speed=(1.3, 1.3)).astype(float)
    steps = np.diff(centre(clips), axis=1)
    straight = np.abs(np.diff(steps, axis=1)).max((1, 2)) < 0.05  # those that met no wall
    assert straight.sum() > 150
    speeds = np.linalg.norm(steps[straight], axis=-1)
    np.testing.assert_allclose(speeds, 1.3, atol=0.05)
    assert (np.abs(steps[straight] % 1 - 0.5) < 0.25).any()  # not rounded to whole pixels


def test_speeds_and_directions_are_drawn_evenly():
    clips = moving_digits(200, 2, digits=1, canvas=100, speed=(1, 3)).astype(float)
    down, right = np.diff(centre(clips), axis=1)[:, 0].T
    assert (np.histogram(np.hypot(down, right), bins=4, range=(1, 3))[0] > 30).all()
    assert (np.histogram(np.arctan2(down, right), bins=8, range=(-np.pi, np.pi))[0] > 10).all()


def test_digits_stay_inside_and_bounce():
    clips = moving_digits(20, 60, digits=1, canvas=40, speed=(3, 3))
    light = clips.sum((2, 3), dtype=float)
    assert (light.std(1) / light.mean(1)).max() < 0.02  # nothing is cut off at a wall
    steps = np.diff(centre(clips.astype(float)), axis=1)
    assert (np.sign(steps).min(1) < np.sign(steps).max(1)).any()


def test_drawing_is_bilinear():
    image = module.shuffled_digits(28)[5]
    drawn = np.zeros((1, 1, 40, 40), np.uint8)
    module.draw(drawn, image[None, None], np.array([[[[4.25, 6.5]]]]))
    placed = np.zeros((40, 40))
    placed[4:32, 6:34] = image
    assert np.abs(drawn[0, 0] - shift(placed, (0.25, 0.5), order=1)).max() <= 2


def test_overlap_is_the_maximum():
    images = module.shuffled_digits(28)[:2]
    both, one, other = (np.zeros((1, 1, 40, 40), np.uint8) for _ in range(3))
    position = np.array([[[[3.0, 3.0]], [[5.5, 8.0]]]])
    module.draw(both, images[None], position)
    module.draw(one, images[None, :1], position[:, :1])
    module.draw(other, images[None, 1:], position[:, 1:])
    assert np.array_equal(both, np.maximum(one, other))


def test_a_digit_as_large_as_the_canvas_stands_still():
    clips = moving_digits(2, 5, digits=1, canvas=28)
    assert np.array_equal(clips[:, 0], clips[:, -1])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"count": 0}, "count=0"),
        ({"length": 0}, "length=0"),
        ({"count": 2.5}, "count=2.5: expected a whole number"),
        ({"canvas": 64.0}, "canvas=64.0: expected a whole number"),
        ({"digits": 0}, "digits=0"),
        ({"digit_size": 0}, "digit_size=0"),
        ({"canvas": 20}, "digit_size=28 does not fit a canvas of 20×20: lower it"),
        ({"speed": (3, 2)}, "speed=(3, 2)"),
        ({"speed": (-1, 2)}, "speed=(-1, 2)"),
        ({"split": "dev"}, "split='dev': expected one of train, validation, test"),
    ],
)
def test_bad_arguments(arguments, named):
    with pytest.raises(ValueError, match="expected|lower it") as caught:
        moving_digits(**{"count": 2, **arguments})
    assert named in str(caught.value)
