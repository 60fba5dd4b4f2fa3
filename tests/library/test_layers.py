"""Layers of our own, tested the way Keras tests its layers."""

import keras
import numpy as np
import pytest

from nextframe.layers import CausalConv3D


@pytest.fixture
def film():
    return np.random.default_rng(0).random((2, 6, 5, 7, 3)).astype(np.float32)


def output(layer, film):
    return keras.ops.convert_to_numpy(layer(film))


@pytest.mark.parametrize("kernel_size", [1, 2, 3, (3, 1, 5)])
@pytest.mark.parametrize("dilation_rate", [1, (2, 1, 1)])
def test_length_is_kept(film, kernel_size, dilation_rate):
    layer = CausalConv3D(4, kernel_size, dilation_rate=dilation_rate)
    assert output(layer, film).shape == (2, 6, 5, 7, 4)
    assert layer.compute_output_shape((None, 6, 5, 7, 3)) == (None, 6, 5, 7, 4)


@pytest.mark.parametrize("dilation_rate", [1, 2])
def test_no_output_sees_a_later_frame(film, dilation_rate):
    layer = CausalConv3D(4, 3, dilation_rate=(dilation_rate, 1, 1))
    before = output(layer, film)
    changed = film.copy()
    changed[:, 3] += 1
    moved = np.abs(output(layer, changed) - before).max((0, 2, 3, 4)) > 1e-6
    assert moved.tolist() == [t >= 3 and (t - 3) in (0, dilation_rate, 2 * dilation_rate) for t in range(6)]


def test_equals_a_padded_keras_convolution(film):
    layer = CausalConv3D(4, 3)
    expected = keras.layers.Conv3D(4, 3)
    padded = np.pad(film, [(0, 0), (2, 0), (1, 1), (1, 1), (0, 0)])
    expected.build(padded.shape)
    layer.build(film.shape)
    expected.set_weights(layer.get_weights())
    np.testing.assert_allclose(output(layer, film), output(expected, padded), atol=1e-5)


def test_config_round_trip(film):
    layer = CausalConv3D(4, (3, 1, 1), activation="relu", use_bias=False)
    again = CausalConv3D.from_config(layer.get_config())
    again.build(film.shape)
    layer.build(film.shape)
    again.set_weights(layer.get_weights())
    assert np.array_equal(output(again, film), output(layer, film))


@pytest.mark.parametrize("bad", [{"padding": "same"}, {"strides": 2}, {"data_format": "channels_first"}])
def test_arguments_that_would_not_be_causal(bad):
    with pytest.raises(ValueError, match="CausalConv3D keeps the length of every axis; leave it out"):
        CausalConv3D(4, 3, **bad)
