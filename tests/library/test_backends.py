"""What the library promises on every backend; `make test-backends` runs this on JAX and on PyTorch."""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import nextframe
from nextframe import diagnostics, forecasting, metrics, profiles, sampling, training, windows
from nextframe.benchmark import results
from nextframe.benchmark.plan import Benchmark
from nextframe.datasets.moving_digits import moving_digits
from nextframe.diagnostics.temporal import temporal_receptive_field
from nextframe.layers.causal_conv3d import CausalConv3D
from nextframe.layers.conv_gru import ConvGRU2D
from nextframe.layers.spatiotemporal_lstm_2d import SpatiotemporalLSTM2D
from nextframe.models import NETWORKS, build

BACKEND = keras.backend.backend()
SHAPE = (4, 16, 16, 1)


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


def test_the_order_is_the_same_on_every_backend(clips):
    found = passes(dataset(clips, shuffle=True, seed=1), 2)
    for epoch in range(2):
        order = np.random.default_rng([1, epoch]).permutation(len(clips))
        np.testing.assert_allclose(found[epoch], windows.to_unit(clips[order, 4]), atol=1e-7)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_endless_batches_go_on_where_a_run_was_cut_off(clips, first):
    whole = windows.endless(dataset(clips, shuffle=True, seed=1))
    rest = windows.endless(dataset(clips, shuffle=True, seed=1), first)
    targets = [np.asarray(target) for _, target in itertools.islice(whole, first + 4)]
    found = [np.asarray(target) for _, target in itertools.islice(rest, 4)]
    assert all(np.array_equal(*pair) for pair in zip(targets[first:], found, strict=True))


@pytest.mark.parametrize("steps", [6, 8])
def test_training_resumes_exactly(clips, tmp_path, cut_off, steps):
    """Also where its rounds are not of one length."""

    def fit(model, checkpoint):
        return training.fit(
            model,
            dataset(clips, shuffle=True),
            dataset(clips),
            steps=steps,
            rounds=3,
            checkpoint=checkpoint,
            progress=False,
        )

    whole, cut = network(filters=4, depth=2), network(filters=4, depth=2)
    history = fit(whole, tmp_path / "whole.npz")
    ends = {6: [2, 4, 6], 8: [2, 5, 8]}[steps]
    assert [entry["step"] for entry in history] == ends
    assert [entry["examples"] for entry in history] == [
        8 * end - 4 * (end // 2) for end in ends
    ]  # batches of 8 and of 4
    with cut_off(2):
        fit(cut, tmp_path / "cut.npz")
    resumed = network(filters=4, depth=2)
    fit(resumed, tmp_path / "cut.npz")
    assert all(np.array_equal(*pair) for pair in zip(whole.get_weights(), resumed.get_weights(), strict=True))


def test_the_machine_chooses_a_profile_and_a_result_says_what_it_was_measured_with(tmp_path, monkeypatch):
    monkeypatch.delenv("NEXTFRAME_PROFILE", raising=False)
    assert profiles.current() == ("gpu" if profiles.sees_gpu() else "cpu")
    results.save("run", {}, folder=tmp_path)
    assert results.load("run", folder=tmp_path)["measured_with"]["machine"]


@pytest.mark.parametrize("name", [model.__name__ for model in NETWORKS])
def test_every_network_forecasts(name):
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    assert forecasting.rollout(network(name), context, 2).shape == (2, 2, 16, 16, 1)


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("many_futures", {"loss": "multiple_choice", "rollout": 2, "context_noise": 0.1}),
        ("flow_matching", {"loss": "flow_matching"}),
        ("quantile_bands", {"loss": "pinball"}),
        ("frames_as_channels", {"rollout": 2}),
    ],
)
def test_losses_of_more_than_a_forecast_are_learned_from(clips, name, conditions, tmp_path):
    """From a checkpoint, a run goes on with the draws that it made; and futures can be drawn on any backend."""
    clips = np.concatenate([clips, clips[:, :1]], axis=1)

    def fit(model, **options):
        train, validation = (
            dataset(clips, horizon=conditions.get("rollout", 1), shuffle=each) for each in (True, False)
        )
        run = {"steps": 8, "rounds": 2, "learning_rate": 3e-3, "progress": False} | conditions | options
        return training.fit(model, train, validation, **run)

    size = (
        {"filters": 4, "depth": 3} if name in ("quantile_bands", "frames_as_channels") else {"filters": 4, "blocks": 1}
    )
    whole, resumed = network(name, **size), network(name, **size)
    last, first = tmp_path / "last.npz", tmp_path / "first.npz"
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda done, _: None if done else shutil.copy(last, first))
    history = fit(whole, checkpoint=last, callbacks=[keep])
    assert np.isfinite([entry["validation"] for entry in history]).all()
    fit(resumed, checkpoint=first)
    for pair in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(*pair, atol=1e-6)
    if name != "quantile_bands":
        drawn = sampling.sample_rollout(whole, windows.to_unit(clips[:3, :4]), horizon=2, samples=2, seed=0)
        assert drawn.shape == (3, 2, 2, 16, 16, 1)
        assert np.isfinite(drawn).all()


def test_several_frames_ahead_are_learned_at_once(clips):
    """As many as in the context: targets are looked at, since those of another kind have the same shape."""
    both = np.concatenate([clips, clips[:, ::-1]], axis=1)
    ahead, shifted = dataset(both, horizon=4), dataset(both, sequence_targets=True)
    model = network("predrnn", filters=4, horizon=4)
    options = {"steps": 8, "rounds": 2, "learning_rate": 1e-2, "progress": False}
    history = training.fit(model, ahead, ahead, **options)
    assert history[1]["validation"] < history[0]["validation"]
    with pytest.raises(ValueError, match="contexts one frame later"):
        training.fit(model, shifted, shifted, **options)
    context = windows.to_unit(both[:, :4])
    assert np.array_equal(forecasting.predict_next(model, context), model.predict(context, verbose=0)[:, 0])


def test_the_gradient_finds_the_frames_that_matter():
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    last = temporal_receptive_field(network("copy_last"), context)
    assert last[:3].tolist() == [0, 0, 0]
    assert last[3] > 1
    mean = temporal_receptive_field(network("context_mean"), context)
    np.testing.assert_allclose(mean, [last[3] / 4] * 4, rtol=1e-5)
    assert temporal_receptive_field(network("black"), context).tolist() == [0, 0, 0, 0]


def test_labels_are_learned(clips):
    """Bright clips from dark ones: what is shown, what is answered, and how often that is right."""
    both = np.concatenate([clips, 255 - clips])
    labels = np.repeat([0, 1], len(clips))
    data = windows.labelled_dataset(both, labels, batch_size=8, shuffle=True)
    held_out = windows.labelled_dataset(both, labels, batch_size=8)
    keras.utils.set_random_seed(0)
    video = keras.Input((5, 16, 16, 1))
    answers = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(video))
    classifier = keras.Model(video, answers)
    training.fit(classifier, data, held_out, steps=60, rounds=2, learning_rate=1e-2, loss="classes", progress=False)
    assert training.accuracy(classifier, held_out) == 1
    wrong = windows.labelled_dataset(both, 1 - labels, batch_size=8)
    assert training.accuracy(classifier, wrong) == 0


@pytest.mark.parametrize("loss", ["mae", "cross_entropy"])
def test_other_losses_are_learned_from(clips, loss):
    model = network(filters=4, depth=2, head="sigmoid")
    history = training.fit(
        model, dataset(clips), dataset(clips), steps=20, rounds=2, learning_rate=1e-2, loss=loss, progress=False
    )
    assert history[1]["loss"] < 0.9 * history[0]["loss"]


def recurrent():
    """Of the book's own recurrent layers."""
    keras.utils.set_random_seed(0)
    two_memories = SpatiotemporalLSTM2D(2, 3, padding="same", return_sequences=True)
    layers = [two_memories, ConvGRU2D(2, 3, padding="same"), keras.layers.Conv2D(1, 3, padding="same")]
    return keras.Sequential([keras.Input(SHAPE), *layers])


@pytest.mark.parametrize("make", [lambda: network("forecaster"), lambda: network("predrnn"), recurrent])
def test_a_saved_model_is_the_model(make, tmp_path):
    context = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    expected = forecasting.predict_next(model, context)
    np.testing.assert_allclose(forecasting.predict_next(loaded, context), expected, atol=1e-6)
    assert diagnostics.forward_flops(loaded) == diagnostics.forward_flops(model) > 0


def test_weights_that_ship_forecast_better_than_copying():
    digits = windows.to_unit(moving_digits(40, 11, canvas=32, digit_size=16, speed=(1, 2.5), split="test"))
    forecast = forecasting.predict_next(nextframe.load("forecaster"), digits[:, :10]).clip(0, 1)
    assert metrics.skill(digits[:, 10], forecast, digits[:, 9]) > 0.8


def test_a_causal_convolution_sees_no_later_frame():
    video = np.random.default_rng(0).random((1, *SHAPE), np.float32)
    layer = CausalConv3D(3, 3)
    before = keras.ops.convert_to_numpy(layer(video))
    video[:, 2:] = 0
    after = keras.ops.convert_to_numpy(layer(video))
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-6)
    assert not np.allclose(after[:, 2], before[:, 2])


def test_a_clips_weight_counts_in_the_loss(clips):
    model = network("copy_last")
    model.compile(loss="mse")
    alone = [model.evaluate(windows.window_dataset(clip, 4), verbose=0) for clip in clips[:2]]
    counts = [1 / error for error in alone]
    assert model.evaluate(dataset(clips[:2], weights=counts), verbose=0) == pytest.approx(1, rel=1e-4)


def test_a_network_with_optical_flow_inside_learns(clips):
    """The flow is computed in NumPy, outside what the backend compiles."""
    model = network("flow_unet", filters=4, deep_filters=4)
    history = training.fit(
        model, dataset(clips, shuffle=True), dataset(clips), steps=8, rounds=2, learning_rate=1e-2, progress=False
    )
    assert history[-1]["validation"] < history[0]["validation"]


def test_diagnostics_and_scores_agree_with_what_is_known(clips):
    video = windows.to_unit(clips)
    copying = network("copy_last")
    assert diagnostics.leaks(copying, np.concatenate([video, video[:, ::-1]], axis=1)[:1]) == []
    assert diagnostics.shift_error(copying, video[:, :4], 2) == pytest.approx(0, abs=1e-6)
    assert diagnostics.order_sensitivity(network("context_mean"), video[:, :4])["shuffled"] < 1e-4
    forecast = forecasting.predict_next(copying, video[:, :4])
    assert metrics.skill(video[:, 4], forecast, video[:, 3]) == pytest.approx(0, abs=1e-6)


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


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="the tool runs on JAX")
def test_benchmark_gpu_measures_what_the_protocol_lacks(tmp_path):
    root = Path(__file__).parents[2]
    (tmp_path / "mine.toml").write_text("""
        baselines = []
        task = { source = "digits_32", training = 2 }
        training = { steps = 4, rounds = 2, seeds = [0, 1], horizon = 1 }
        search = { learning_rates = [1e-3, 3e-3], share = 0.5 }
        models = { conv3d = { filters = 2, depth = 1 } }
    """)
    command = [sys.executable, root / "tools" / "benchmark_gpu.py", "mine.toml", "--workers", "2"]
    command += ["--folder", "results"]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("failed: none; 0 jobs can be done next\n")
    plan = Benchmark(tmp_path / "mine.toml", tmp_path / "results")
    assert all(plan.is_done(job) for stage in ("search", "runs") for job in plan.jobs(stage, plan.models))
    assert (plan.weights_folder / "conv3d-1.weights.h5").exists()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert again.stdout == "failed: none; 0 jobs can be done next\n"
