"""The setting that chapters share."""

import keras
import numpy as np
import pytest
import tensorflow_datasets

from nextframe import clips, metrics, windows
from nextframe.benchmark import experiments, protocols
from nextframe.datasets.real_clips import example_path
from nextframe.forecasting import predict_next
from nextframe.models import build


def test_digits_32(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = protocols.digits_32()
    assert task.training_clips.shape == (40, 20, 32, 32)
    assert task.context_shape == (10, 32, 32, 1)
    assert task.truth.shape == (500, 32, 32, 1)
    assert task.video.shape == (1, 60, 32, 32, 1)
    assert task.skill(build("copy_last", task.context_shape)) == 0
    assert task.skill(build("optical_flow", task.context_shape)) > 0.6
    assert 20 < np.square(task.truth - task.context[:, -1]).sum((1, 2, 3)).mean() < 24


def test_real_clip_is_cut_in_time():
    task = protocols.real_clip("bottle", side=32)
    whole = clips.read_clip(example_path("bottle"), size=32)
    parts = [task.training_clips[0], task.validation_clips[0]]
    assert np.array_equal(np.concatenate(parts), whole[: sum(map(len, parts))])
    assert np.array_equal(task.video[0, ..., 0], windows.to_unit(whole[sum(map(len, parts)) :])[..., 0])
    assert np.array_equal(task.truth[0], task.video[0, 10])
    assert np.array_equal(task.context[5], task.video[0, 5:15])


def test_each_real_clip_has_its_own_windows():
    names = ["box", "bottle"]
    task = protocols.real_clips_64(names)
    assert list(task.groups) == names
    for name, training, validation in zip(names, task.training_clips, task.validation_clips, strict=True):
        *parts, test = windows.chronological_split(clips.read_clip(example_path(name), size=64))
        assert np.array_equal(training, parts[0])
        assert np.array_equal(validation, parts[1])
        expected = windows.sliding_windows(test, context=10, horizon=10)
        for found, each in zip((task.context, task.future), expected, strict=True):
            assert np.array_equal(found[task.groups[name]], windows.to_unit(each))


def test_fit_trains_on_the_clips(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = protocols.digits_32()
    keras.utils.set_random_seed(0)
    model = build("frames_as_channels", task.context_shape, filters=8, depth=3, head="residual")
    before = task.skill(model)
    history = task.fit(model, 30, 3e-3, rounds=2, progress=False)
    assert history[-1]["examples"] == 30 * 32 - 2 * (32 - 400 % 32) * (400 % 32 > 0)
    assert task.skill(model) > before + 0.1


def test_fit_trains_every_step_of_a_model_that_has_them(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = protocols.digits_32()
    keras.utils.set_random_seed(0)
    model = build("conv_lstm", task.context_shape, filters=8, patch=4, return_sequences=True, head="residual")
    before = task.skill(model)
    task.fit(model, 30, 1e-2, rounds=2, progress=False)
    assert task.skill(model) > before


def test_moving_mnist_end_to_end_in_a_tiny_form():
    """Clips of the official test set's shape and type, without its download; nothing of it is trained on."""
    settings = {"source": "moving_mnist_64", "training": 4, "test": 3}
    policy = tensorflow_datasets.testing.MockPolicy.USE_CODE
    with tensorflow_datasets.testing.mock_data(num_examples=3, policy=policy):
        task = protocols.load_task(**settings)
        size = {"filters": 4, "blocks": 1, "deep_filters": 4}
        result, network = experiments.train_and_score(
            "forecaster", size, settings, horizon=10, steps=2, rounds=1, learning_rate=1e-3
        )
    assert task.context.shape == task.future.shape == (3, 10, 64, 64, 1)
    assert task.context.dtype == np.float32
    assert 0 <= task.context.min() < 0.1 < 0.9 < task.context.max() <= 1
    assert len(task.training_clips) == 4
    assert network.input_shape == (None, 10, 64, 64, 1)
    scores = result["scores"]["all"]
    assert len(scores["MSE per frame"]) == 10
    # the sum over a frame, as the literature prints it
    forecast = metrics.clip_to_unit(predict_next(network, task.context))
    assert scores["MSE per frame"][0] == pytest.approx(((task.truth - forecast) ** 2).sum((1, 2, 3)).mean(), rel=1e-4)
