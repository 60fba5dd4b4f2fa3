"""Backbones know what they were trained to know, and say what they cannot read."""

import re

import keras
import numpy as np
import pytest
from skimage import data

from nextframe.models.backbones import BACKBONES, frame_encoder
from nextframe.models.efficientnet_lite0 import efficientnet_lite0


@pytest.fixture(scope="module")
def lite0():
    return efficientnet_lite0()


@pytest.mark.parametrize(("photograph", "label"), [(data.chelsea, 285), (data.coffee, 967)])
@pytest.mark.parametrize("grey", [False, True])
def test_lite0_names_an_egyptian_cat_and_an_espresso(lite0, photograph, label, grey):
    image = photograph().astype("float32")
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = keras.ops.image.resize(image[None, top : top + side, left : left + side], (224, 224), antialias=True)
    if grey:
        square = keras.ops.repeat(keras.ops.mean(square, axis=-1, keepdims=True), 3, axis=-1)
    assert lite0.predict((np.array(square) - 127) / 128, verbose=0).argmax() == label


def test_lite0_has_the_published_number_of_parameters(lite0):
    trained = sum(int(np.prod(variable.shape)) for variable in lite0.trainable_variables)
    assert round(trained / 1e6, 2) == 4.65


def test_grey_frames_are_repeated_and_scaled_as_the_network_wants(lite0):
    frame = np.random.default_rng(0).random((2, 64, 64, 1), np.float32)
    encoder = frame_encoder((64, 64, 1), feature_layer="block3")
    image = (np.repeat(frame, 3, axis=-1) * 255 - 127) / 128
    network = efficientnet_lite0((64, 64, 3), include_top=False)
    expected = keras.Model(network.input, network.get_layer("block3").output)(image)
    np.testing.assert_allclose(encoder(frame), expected, rtol=1e-4, atol=1e-4)
    assert encoder.output_shape == (None, 16, 16, 24)


def test_what_follows_the_features_is_not_built():
    """The time of most tests, and of whoever reads results, would go into it."""
    network = efficientnet_lite0((64, 64, 3), weights=None, last="block3")
    assert network.layers[-1].name == "block3"
    assert network.output_shape == (None, 16, 16, 24)
    inside = frame_encoder((64, 64, 1), weights=None, feature_layer="block3_widen").get_layer("efficientnet_lite0")
    assert inside.layers[-1].name == "block3_widen"
    with pytest.raises(ValueError, match="last='block17': expected one of None, block1"):
        efficientnet_lite0(weights=None, last="block17")


@pytest.mark.parametrize(("name", "module"), [("InceptionV3", "inception_v3"), ("ResNet50", "resnet")])
def test_pixels_are_scaled_as_keras_applications_do(name, module):
    """Of a grey picture, whose red, green and blue are the same, so Keras may swap them."""
    grey = np.repeat(np.linspace(0, 1, 5, dtype=np.float32)[:, None, None], 3, axis=-1)
    found = keras.layers.Rescaling(BACKBONES[name].scale, BACKBONES[name].offset)(grey)
    expected = getattr(keras.applications, module).preprocess_input(255 * grey)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_frozen_unless_asked():
    assert not frame_encoder((32, 32, 1), weights=None, feature_layer="block1").trainable_variables
    assert frame_encoder((32, 32, 1), weights=None, feature_layer="block1", trainable=True).trainable_variables


def test_frames_are_resized():
    assert frame_encoder((32, 32, 1), weights=None, feature_layer="block11", image_size=80).output_shape == (
        None,
        5,
        5,
        112,
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"backbone": "VGG"}, "backbone='VGG'"),
        ({"weights": "mnist"}, "weights='mnist'"),
        ({"feature_layer": "block99", "weights": None}, "feature_layer='block99'"),
        ({"backbone": "InceptionV3"}, "InceptionV3 reads images of at least 75×75 pixels, not 32×32: raise image_size"),
    ],
)
def test_bad_arguments(wrong, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        frame_encoder((32, 32, 1), **wrong)
