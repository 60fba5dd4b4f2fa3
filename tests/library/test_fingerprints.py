"""Fingerprints differ where what they stand for differs, and only there."""

import dataclasses
import functools
import inspect

import keras
import numpy as np
import pytest
from keras import layers

from nextframe.benchmark import fingerprints, tasks
from nextframe.layers import ConvGRU2D
from nextframe.models import build
from nextframe.models.on_differences import on_differences

SHAPE = (4, 16, 16, 1)


def network(filters=4, activation="relu", skip=False, **names):
    context = keras.Input((8, 8, 2))
    x = layers.Conv2D(filters, 3, padding="same", activation=activation, **names)(context)
    x = layers.Conv2D(2, 3, padding="same")(x)
    return keras.Model(context, layers.Add()([x, context]) if skip else x)


def test_names_do_not_matter():
    assert fingerprints.structure(network()) == fingerprints.structure(network(name="another"))
    nested = [fingerprints.structure(build("time_distributed", SHAPE, weights=None)) for _ in range(2)]
    assert nested[0] == nested[1]


@pytest.mark.parametrize("change", [{"filters": 5}, {"activation": "tanh"}, {"skip": True}, {"dilation_rate": 2}])
def test_layers_and_connections_matter(change):
    assert fingerprints.structure(network()) != fingerprints.structure(network(**change))


def test_settings_that_a_release_of_keras_adds_do_not_matter(monkeypatch):
    """Here two that an older one lacked: None, and a default."""
    today, get_config = fingerprints.structure(network()), layers.Conv2D.get_config
    added = ("bias_regularizer", "dilation_rate")

    def of_before(layer):
        return {name: value for name, value in get_config(layer).items() if name not in added}

    monkeypatch.setattr(layers.Conv2D, "get_config", of_before)
    assert fingerprints.structure(network()) == today


def test_a_default_of_our_own_layers_matters(monkeypatch):
    def of(reset_after):
        video = keras.Input((3, 8, 8, 1))
        return fingerprints.structure(keras.Model(video, ConvGRU2D(2, 3, reset_after=reset_after)(video)))

    assert of(False) != of(True)
    before = of(True)
    defaults = inspect.signature(ConvGRU2D.__init__).parameters
    changed = tuple(
        True if name == "reset_after" else parameter.default
        for name, parameter in defaults.items()
        if parameter.default is not parameter.empty
    )
    monkeypatch.setattr(ConvGRU2D.__init__, "__defaults__", changed)
    assert of(True) == before


def test_half_precision_matters():
    whole = fingerprints.structure(network())
    assert fingerprints.structure(network(dtype="mixed_bfloat16")) != whole


def test_one_grey_level_matters():
    task = tasks.digits_32(training=2)
    before = fingerprints.data(task)
    assert fingerprints.data(tasks.digits_32(training=2)) == before
    for part in ("training_clips", "validation_clips", "context", "future"):
        other = np.array(getattr(task, part))
        other[-1, -1, -1, -1] += 1
        assert fingerprints.data(dataclasses.replace(task, **{part: other})) != before, part


def test_the_cut_into_clips_matters():
    """The same frames in one clip have windows of their own."""
    task = tasks.digits_32(training=2)
    joined = dataclasses.replace(task, training_clips=task.training_clips.reshape(1, 40, 32, 32))
    assert fingerprints.data(joined) != fingerprints.data(task)


def test_what_surrounds_a_network_matters(monkeypatch, computed_anew):
    """It reads differences, or other ones; clips count otherwise in the loss."""
    task = {"source": "real_clips_64", "names": ["bottle", "heart"], "sections": 1, "context": 4}
    found = []
    for change in (None, "differences", "gain"):
        if change == "gain":
            computed_anew()
            monkeypatch.setattr(fingerprints, "on_differences", functools.partial(on_differences, gain=2.0))
        given = {"model": "conv3d", "arguments": {"head": "linear"}, "task": task, "steps": 3}
        found.append(fingerprints.today(given | ({"differences": True} if change else {})))
    assert len({each["structure"] for each in found}) == 3
    loaded = tasks.load_task(**task)
    (first, second), validation = loaded.weights
    for other in (([first, 2 * second], validation), (None, None)):
        assert fingerprints.data(dataclasses.replace(loaded, weights=other)) != found[0]["data"]


def test_all_arguments_are_resolved():
    found = fingerprints.resolved_arguments("grid_hybrid", {"filters": 3, "backbone": "ResNet50"})
    assert found["filters"] == 3
    assert found["cell"] == "gru"
    assert (found["backbone"], found["weights"], found["trainable"]) == ("ResNet50", "imagenet", False)
    assert found["feature_layer"] == "block1"  # the model's own default, and not the encoder's
    with pytest.raises(TypeError, match="unexpected keyword argument 'filtres'"):
        fingerprints.resolved_arguments("conv3d", {"filtres": 3})


def test_resolved_arguments_build_the_same_model():
    arguments = {"filters": 3, "weights": None}
    ours = build("grid_hybrid", (10, 32, 32, 1), **fingerprints.resolved_arguments("grid_hybrid", arguments))
    assert fingerprints.structure(ours) == fingerprints.structure(build("grid_hybrid", (10, 32, 32, 1), **arguments))


def test_the_fingerprint_of_clips_with_labels_sees_both():
    task = tasks.labelled_motion("digit", training=4)
    before = fingerprints.data(task)
    assert fingerprints.data(tasks.labelled_motion("digit", training=4)) == before
    assert fingerprints.data(tasks.labelled_motion("direction", training=4)) != before
    task.clips["test"][0, 0, 0, 0] ^= 1
    assert fingerprints.data(task) != before


def test_arguments_of_a_classifier_are_resolved():
    found = fingerprints.resolved_arguments("time_distributed_classifier", {"feature_layer": "block5", "weights": None})
    assert found["classes"] == 8
    assert found["feature_layer"] == "block5"
    assert found["weights"] is None
    assert found["trainable"] is False


def test_an_activation_is_no_name():
    """The first softmax of a process has the name of the activation, and the second one another."""
    keras.backend.clear_session()
    first, second = (fingerprints.structure(build("many_futures", (3, 8, 8, 1), filters=4)) for _ in range(2))
    assert first == second
