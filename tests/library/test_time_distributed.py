"""Networks for photographs applied to every frame: what they compute, and what order means to them."""

import keras
import numpy as np
import pytest

from nextframe import diagnostics, training
from nextframe.datasets.labelled_motion import moving_digits_with_labels
from nextframe.layers import FoldFrames
from nextframe.models import build, model_functions
from nextframe.models.backbones import frame_encoder
from nextframe.models.time_distributed import TEMPORAL, classifier, time_distributed_classifier
from nextframe.windows import labelled_dataset


@pytest.fixture
def context():
    return np.random.default_rng(0).random((2, 6, 32, 32, 1), np.float32)


@pytest.mark.parametrize("temporal", TEMPORAL)
def test_order_means_something_only_to_a_temporal_layer(temporal, context):
    keras.utils.set_random_seed(0)
    model = time_distributed_classifier((6, 32, 32, 1), feature_layer="block3", temporal=temporal)
    names = np.array(model(context))
    assert names.shape == (2, 8)
    np.testing.assert_allclose(names.sum(axis=1), 1, rtol=1e-5)
    moved = np.abs(np.array(model(context[:, ::-1])) - names).max()
    assert (moved > 1e-3) == (temporal == "conv3d")


def test_without_activation_the_answer_is_one_linear_map():
    keras.utils.set_random_seed(0)
    model = classifier((6, 5, 5, 4), 3, activation=None)
    flat = keras.Model(model.input, model.layers[-2].output)
    names = model.layers[-1]

    def logits(features):
        return keras.ops.matmul(flat(features), names.kernel) + names.bias

    one, two = np.random.default_rng(0).random((2, 1, 6, 5, 5, 4), np.float32)
    zero = logits(np.zeros_like(one))
    np.testing.assert_allclose(logits(one + two) + zero, np.add(logits(one), logits(two)), atol=1e-5)


@pytest.mark.parametrize("temporal", ["conv3d", "none"])
def test_features_too_small_for_two_convolutions(temporal):
    with pytest.raises(ValueError, match="features of 4×5: two convolutions need 5×5: raise image_size"):
        classifier((10, 4, 5, 8), 8, temporal)


def test_frames_too_few_for_two_convolutions():
    with pytest.raises(ValueError, match="4 frames: two Conv3D need 5: show more frames"):
        classifier((4, 5, 5, 8), 8)
    assert classifier((4, 5, 5, 8), 8, "none").output_shape == (None, 8)


def test_operations_of_a_folded_network():
    image = keras.Input((16, 16, 6))
    depthwise = keras.Model(image, keras.layers.DepthwiseConv2D(3, padding="same")(image))
    assert diagnostics.forward_flops(depthwise) == 2 * 16 * 16 * 6 * 9
    video = keras.Input((5, 16, 16, 6))
    assert diagnostics.forward_flops(keras.Model(video, FoldFrames(depthwise)(video))) == 5 * 2 * 16 * 16 * 6 * 9


def test_operations_of_inception_are_as_published():
    network = keras.applications.InceptionV3(weights=None)
    assert diagnostics.forward_flops(network) / 2 == pytest.approx(5.7e9, rel=0.01)


@pytest.mark.parametrize("name", ["time_distributed", "grid_hybrid", "stacked_hybrid"])
def test_a_frozen_backbone_stays_as_it_is(name, context):
    model = build(name, (6, 32, 32, 1))
    (encoder,) = [layer.layer for layer in model.layers if isinstance(layer, FoldFrames)]
    before = encoder.get_weights()
    model.compile("adam", "mse", jit_compile=False)
    model.fit(context, context[:, 0], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, encoder.get_weights(), strict=True))


def test_pooling_needs_places():
    for name, pooling, least in (("stacked_hybrid", 8, 64), ("stacked_classifier", 17, 17)):  # twice, and once
        arguments = {"pooling": pooling, "feature_layer": "block1"}
        with pytest.raises(ValueError, match=f"pooling={pooling} needs features of {least}×{least} or more, not 16×16"):
            model_functions()[name]((6, 32, 32, 1), **arguments)
    with pytest.raises(ValueError, match="pooling=0: expected a whole number, at least 1"):
        model_functions()["stacked_classifier"]((6, 32, 32, 1), pooling=0)


def test_a_temporal_layer_learns_directions():
    (clips, labels), (unseen, truth) = (
        moving_digits_with_labels(count, split=split) for count, split in ((320, "train"), (80, "test"))
    )
    encoder = frame_encoder((32, 32, 1), feature_layer="block3")
    frames = [encoder.predict(c.reshape(-1, 32, 32, 1) / np.float32(255), verbose=0) for c in (clips, unseen)]
    seen, unseen = (f.reshape(-1, 10, *f.shape[1:]) for f in frames)
    keras.utils.set_random_seed(0)
    model = classifier(seen.shape[1:], 8)
    dataset = labelled_dataset(seen, labels["direction"], shuffle=True)
    validation = labelled_dataset(unseen, truth["direction"])
    training.fit(model, dataset, validation, steps=100, rounds=2, loss="classes", progress=False)
    right = model.predict(unseen, verbose=0).argmax(axis=1) == truth["direction"]
    assert right.mean() > 0.8
    assert training.accuracy(model, validation) == right.mean()
