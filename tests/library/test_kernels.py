"""The kernels that are shown are those that move the frame."""

import keras
import numpy as np
import pytest

from nextframe import kernels
from nextframe.models import build
from nextframe.models.forecaster import apply_kernels
from nextframe.models.patches import unpatchify

SHAPE = (5, 16, 24, 1)


def trained(**size):
    """A forecaster with weights that are not those of its start."""
    model = build("forecaster", SHAPE, filters=8, deep_filters=8, blocks=1, **size)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.3, array.shape) for array in model.get_weights()])
    return model


@pytest.mark.parametrize("size", [{}, {"kernels": "softmax"}, {"max_displacement": 2, "patch": 4}])
def test_they_move_the_frame(size):
    model = trained(**size, correction=False)
    context = np.random.default_rng(1).random((1, *SHAPE), dtype="float32")
    found = kernels.predicted_kernels(model, context)
    patch, reach = size.get("patch", 2), size.get("max_displacement", 3)
    assert found.shape == (16 // patch, 24 // patch, 2 * reach + 1, 2 * reach + 1)
    flat = found.reshape(1, *found.shape[:2], -1)
    moved = unpatchify(apply_kernels(context[:, -1], flat, reach, patch), patch)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(moved), model.predict(context, verbose=0), atol=1e-5)
    # with a correction, other layers follow
    whole = trained(**size)
    assert kernels.predicted_kernels(whole, context).shape == found.shape


def test_a_motion_is_where_the_weights_come_from():
    kernel = np.zeros((2, 7, 7))
    kernel[0, 3, 1] = 1  # from two to the left: it goes to the right
    kernel[1, 4, 3] = kernel[1, 5, 3] = 0.5  # from 1.5 below: up
    np.testing.assert_allclose(kernels.motions(kernel), [[0, 2], [-1.5, 0]])


def test_before_training_nothing_moves():
    model = build("forecaster", SHAPE, filters=8, deep_filters=8, blocks=1)
    found = kernels.predicted_kernels(model, np.random.default_rng(1).random((1, *SHAPE), dtype="float32"))
    assert not kernels.motions(found).any()


def test_kernels_are_not_found_by_their_number_of_weights():
    """49 channels before them, and 49 pixels in the patches that they move."""
    shape = (5, 28, 28, 1)
    model = build("forecaster", shape, filters=49, deep_filters=8, blocks=2, patch=7, correction=False)
    found = kernels.predicted_kernels(model, np.random.default_rng(1).random((1, *shape), dtype="float32"))
    assert found.shape == (4, 4, 7, 7)
    assert (found[..., 3, 3] == 1).all()
    assert found.sum() == 16  # before training, all weight is on no shift


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("frames_as_channels", {"filters": 9}),
        ("forecaster", {"max_displacement": 0}),
        ("many_futures", {"filters": 4, "blocks": 1}),  # one for each future, in the channels of one layer
    ],
)
def test_who_predicts_no_kernels_is_named(name, size):
    model = build(name, SHAPE, **size)
    with pytest.raises(ValueError, match=f"{name} predicts no kernels: expected a forecaster"):
        kernels.predicted_kernels(model, np.zeros((1, *SHAPE), "float32"))


def test_a_patch_is_lit_by_what_is_on_it():
    frame = np.zeros((4, 6, 1))
    frame[2:, 4:] = 0.2
    assert np.argwhere(kernels.lit(frame, np.zeros((2, 3, 7, 7)))).tolist() == [[1, 2]]


def test_the_picture_has_an_arrow_for_each_lit_patch():
    frame = np.zeros((4, 6, 1))
    frame[2:, 2:] = 1
    found = np.zeros((2, 3, 7, 7))
    found[..., 2, 1] = 1
    found[1, 0] = 0.5
    figure = kernels.show(frame, found, (1, 0), "to the right, and down")
    (arrows,) = figure.axes[0].collections
    assert arrows.XY.tolist() == [[2.5, 2.5], [4.5, 2.5]]  # middles of patches, counted from a pixel's middle
    np.testing.assert_allclose(arrows.U, 2)
    np.testing.assert_allclose(arrows.V, 1)  # rows are counted from the top
    (marked,) = figure.axes[0].patches
    assert (marked.get_xy(), marked.get_width()) == ((-0.5, 1.5), 2)  # the patch in row 1 and column 0
    assert figure.axes[1].get_title() == "one kernel, ±0.50"
