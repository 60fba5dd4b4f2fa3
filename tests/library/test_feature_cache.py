"""Features are computed once, kept, and computed anew when anything they depend on differs."""

import keras
import numpy as np
import pytest

from nextframe.datasets import feature_cache
from nextframe.datasets.feature_cache import cached_features


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, strides=2)])


@pytest.fixture
def clips():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 8, 8), dtype=np.uint8)


@pytest.fixture
def counted(encoder, monkeypatch):
    """How often the encoder has computed."""
    calls, predict = [], encoder.predict
    monkeypatch.setattr(encoder, "predict", lambda *a, **k: (calls.append(1), predict(*a, **k))[1])
    return calls


def test_equal_to_the_encoder_and_computed_once(encoder, clips, counted, tmp_path):
    found = cached_features(encoder, clips, tmp_path)
    frames = (clips / np.float32(255)).reshape(-1, 8, 8, 1)
    assert found.shape == (5, 4, 3, 3, 3)
    np.testing.assert_allclose(found.reshape(-1, 3, 3, 3), encoder(frames), atol=1e-6)
    assert np.array_equal(cached_features(encoder, clips, tmp_path), found)
    assert len(counted) == 1


def test_names_that_keras_counts_up_tell_nothing(encoder, clips, tmp_path):
    """An encoder that is built again in one process has other names, and the same features."""

    def built():
        inside = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, strides=2)])
        outside = keras.Input((8, 8, 1))
        model = keras.Model(outside, keras.Model(inside.inputs, inside.outputs)(outside))
        model.set_weights(encoder.get_weights())
        return model

    for _ in range(2):
        cached_features(built(), clips, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_weights_and_other_clips_are_other_features(encoder, clips, counted, tmp_path):
    cached_features(encoder, clips, tmp_path)
    cached_features(encoder, clips[:, ::-1], tmp_path)
    encoder.set_weights([array + 1 for array in encoder.get_weights()])
    cached_features(encoder, clips, tmp_path)
    assert len(counted) == 3


def test_the_same_weights_in_another_layer_are_other_features(encoder, clips, tmp_path):
    """Neither an activation nor a padding has weights of its own."""
    cached_features(encoder, clips, tmp_path)
    for change in ({"activation": "relu"}, {"padding": "same"}):
        other = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, strides=2, **change)])
        other.set_weights(encoder.get_weights())
        found = cached_features(other, clips, tmp_path)
        np.testing.assert_allclose(found[:, 0], other(clips[:, 0, ..., None] / np.float32(255)), atol=1e-6)


def test_the_same_layers_in_another_order_are_other_features(encoder, clips, tmp_path):
    """Neither are operations layers, nor does a layer know what it reads."""
    frame = keras.Input((8, 8, 1))
    once = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")
    again = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones")
    made = [
        again(once(frame)),
        again(keras.ops.relu(once(frame) - 4)),
        again(once(frame) - 5),
        again(frame) + once(frame),
    ]
    for features in made:
        cached_features(keras.Model(frame, features), clips, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(made)


def test_an_interrupted_run_goes_on(encoder, clips, counted, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "_PART", 2)
    whole = cached_features(encoder, clips, tmp_path / "whole")
    (folder,) = (tmp_path / "whole").iterdir()
    (folder / "000002.npy").unlink()
    counted.clear()
    assert np.array_equal(cached_features(encoder, clips, tmp_path / "whole"), whole)
    assert len(counted) == 1
    assert not list(folder.glob("*.unfinished"))
