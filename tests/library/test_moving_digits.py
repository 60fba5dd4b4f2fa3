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


def test_walls_stand_where_they_are_told_to():
    """Three pixels further in, each digit keeps three more pixels of black on all sides; it reaches each wall."""
    drawn = {"digits": 1, "canvas": 40, "digit_size": 16, "speed": (3, 3), "seed": 2}
    position = module.paths(50, 60, walls=3, **drawn)
    assert position.min() == pytest.approx(3, abs=0.1)
    assert position.max() == pytest.approx(40 - 16 - 3, abs=0.1)
    clips = moving_digits(50, 60, walls=3, **drawn)
    assert clips[:, :, 3:-3, 3:-3].sum(dtype=float) == clips.sum(dtype=float)


def test_paths_are_those_of_the_clips():
    drawn = {"digits": 1, "canvas": 60, "digit_size": 16, "speed": (1, 3), "split": "test"}
    between = np.diff(module.paths(30, 8, **drawn)[:, 0], axis=1) - np.diff(
        centre(moving_digits(30, 8, **drawn).astype(float)), axis=1
    )
    assert np.abs(between).max() < 0.1


def test_without_walls_no_digit_turns_or_leaves():
    drawn = {"digits": 2, "canvas": 34, "digit_size": 14, "speed": (1, 2), "walls": None}
    position = module.paths(500, 11, **drawn)
    assert position.min() >= 0
    assert position.max() <= 20
    assert np.abs(np.diff(position, n=2, axis=2)).max() < 1e-9
    # they fill the frame, and fly everywhere
    assert position.min(axis=(0, 1, 2)) == pytest.approx(0, abs=0.5)
    assert position.max(axis=(0, 1, 2)) == pytest.approx(20, abs=0.5)


def test_whole_pixels_are_those_of_moving_mnist():
    """Step by step as its authors' script does it: a digit that would pass a wall is put at it, and turns."""
    drawn = {"digits": 1, "canvas": 64, "digit_size": 28, "speed": (3.6, 3.6), "seed": 5}
    position = module.paths(40, 20, whole_pixels=True, **drawn)
    start, after = module.paths(40, 2, **drawn)[:, 0].transpose(1, 0, 2)
    for number in np.flatnonzero(np.linalg.norm(after - start, axis=-1) > 3.59):  # those without a wall at once
        (y, x), (v_y, v_x) = start[number] / 36, (after[number] - start[number]) / 36
        for found in position[number, 0]:
            y, x = y + v_y, x + v_x
            if y <= 0 or y >= 1:
                y, v_y = min(max(y, 0), 1), -v_y
            if x <= 0 or x >= 1:
                x, v_x = min(max(x, 0), 1), -v_x
            assert found.tolist() == [int(36 * y), int(36 * x)]
    assert np.array_equal(position, np.floor(position))
    free = {"digits": 1, "canvas": 40, "digit_size": 14, "speed": (1, 2), "walls": None}
    assert np.array_equal(module.paths(9, 11, whole_pixels=True, **free), np.floor(module.paths(9, 11, **free)))


def test_kinds_of_motion():
    """Straight on and apart; over one another; one that turns at a wall, in the last step or the one before."""
    straight = np.arange(6.0)[:, None] * [1, 2]
    far, near, turns = straight + [0, 40], straight + [6, 7.9], np.abs(straight - [3.5, 0])
    stays = np.zeros((6, 2)) + 60
    position = np.array([[straight, far], [straight, near], [straight, near + 8], [turns, stays]])
    kinds = module.kinds_of_motion(position, frame=5, digit_size=16)
    assert kinds["free flight"].tolist() == [True, False, True, False]
    assert kinds["overlap"].tolist() == [False, True, False, False]
    assert kinds["bounce"].tolist() == [False, False, False, True]
    assert not module.kinds_of_motion(position, frame=3, digit_size=16)["bounce"][3]  # not yet
    assert module.kinds_of_motion(position[3:], frame=4, digit_size=16)["bounce"][0]


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
        ({"walls": -1}, "walls=-1: expected"),
        ({"walls": 20}, "walls=20 leave no place for digits of 28 on 64×64: lower it"),
        (
            {"walls": None, "length": 30},
            "speed=(2.0, 4.0): in 30 frames a digit may leave a canvas of 64×64: lower it, or length",
        ),
    ],
)
def test_bad_arguments(arguments, named):
    with pytest.raises(ValueError, match="expected|lower it") as caught:
        moving_digits(**{"count": 2, **arguments})
    assert named in str(caught.value)
