"""What the library promises on every backend; `make test-backends` runs this on JAX and on PyTorch."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from nextframe import forecasting, training, windows
from nextframe.datasets.moving_digits import moving_digits
from nextframe.diagnostics.temporal import temporal_receptive_field
from nextframe.models import NETWORKS, build

BACKEND = keras.backend.backend()
SHAPE = (4, 16, 16, 1)
without_tensorflow = pytest.mark.skipif(BACKEND == "tensorflow", reason="tf.data has its own order")


@pytest.fixture
def clips():
    return moving_digits(12, 5, digits=1, canvas=16, digit_size=10)


def dataset(clips, **options):
    return windows.window_dataset(clips, 4, batch_size=8, **options)


def network(name="frames_as_channels", **size):
    keras.utils.set_random_seed(0)
    return build(name, SHAPE, **size)


def passes(batches, count):
    return [np.concatenate([keras.ops.convert_to_numpy(target) for _, target in batches]) for _ in range(count)]


def test_batches_hold_the_windows_in_order(clips):
    ordered = dataset(clips)
    assert len(ordered) == 2
    (found,) = passes(ordered, 1)
    np.testing.assert_allclose(found, windows.to_unit(clips[:, 4]), atol=1e-7)


def test_each_epoch_has_its_own_order_and_a_seed_gives_it_again(clips):
    first, second = passes(dataset(clips, shuffle=True, seed=1), 2)
    assert not np.array_equal(first, second)
    assert sorted(frame.tobytes() for frame in first) == sorted(frame.tobytes() for frame in second)
    assert np.array_equal(passes(dataset(clips, shuffle=True, seed=1), 2), [first, second])
    assert not np.array_equal(passes(dataset(clips, shuffle=True, seed=2), 1)[0], first)


@without_tensorflow
def test_the_order_is_numpys(clips):
    found = passes(dataset(clips, shuffle=True, seed=1), 2)
    for epoch in range(2):
        order = np.random.default_rng([1, epoch]).permutation(len(clips))
        np.testing.assert_allclose(found[epoch], windows.to_unit(clips[order, 4]), atol=1e-7)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_endless_batches_go_on_where_a_run_was_cut_off(clips, first):
    whole = windows.endless(dataset(clips, shuffle=True, seed=1))
    rest = windows.endless(dataset(clips, shuffle=True, seed=1), first)
    numbers = range(4)
    if BACKEND == "tensorflow":
        targets = [target.numpy() for _, target in whole.take(first + 4)]
        found = [target.numpy() for _, target in rest.take(4)]
    else:
        targets = [whole[number][1] for number in range(first + 4)]
        found = [rest[number][1] for number in numbers]
    assert all(np.array_equal(targets[first + number], found[number]) for number in numbers)


def test_training_resumes_exactly(clips, tmp_path, monkeypatch):
    def fit(model, checkpoint):
        return training.fit(
            model,
            dataset(clips, shuffle=True),
            dataset(clips),
            steps=6,
            rounds=3,
            checkpoint=checkpoint,
            progress=False,
        )

    whole, cut = network(filters=4, depth=2), network(filters=4, depth=2)
    history = fit(whole, tmp_path / "whole.npz")
    assert [entry["examples"] for entry in history] == [12, 24, 36]
    save = training._Rounds.save

    def save_and_stop(state):
        save(state)
        if state.done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training._Rounds, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        fit(cut, tmp_path / "cut.npz")
    monkeypatch.undo()
    resumed = network(filters=4, depth=2)
    fit(resumed, tmp_path / "cut.npz")
    assert all(np.array_equal(*pair) for pair in zip(whole.get_weights(), resumed.get_weights(), strict=True))


@pytest.mark.parametrize("name", [model.__name__ for model in NETWORKS])
def test_every_network_forecasts(name):
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    assert forecasting.rollout(network(name), context, 2).shape == (2, 2, 16, 16, 1)


def test_the_gradient_finds_the_frames_that_matter():
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    last = temporal_receptive_field(network("copy_last"), context)
    assert last[:3].tolist() == [0, 0, 0]
    assert last[3] > 1
    mean = temporal_receptive_field(network("context_mean"), context)
    np.testing.assert_allclose(mean, [last[3] / 4] * 4, rtol=1e-5)
    assert temporal_receptive_field(network("black"), context).tolist() == [0, 0, 0, 0]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="the tool runs on JAX")
def test_measure_gpu_runs_on_the_cpu(tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, root / "tools" / "measure_gpu.py", "--steps", "2", "--models", "conv3d"]
    command += ["--protocols", "digits-32", "--parts", "float32", "equality", "--seconds", "300", "--folder", tmp_path]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "nothing is left to measure" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert again.stdout == "nothing is left to measure\n"
