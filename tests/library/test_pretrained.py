"""Shipping trained weights: which run is kept, how small, and what is checked when they are loaded."""

import io

import h5py
import keras
import numpy as np
import pytest

import nextframe
from nextframe import metrics, pretrained, sample_metrics, sampling, windows
from nextframe.benchmark import leaderboard, results, shipping, tasks
from nextframe.benchmark.plan import Benchmark
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.random_futures import random_walls
from nextframe.forecasting import predict_next
from nextframe.models import build

SHAPE = (10, 32, 32, 1)
LARGEST = 12e6  # bytes of all weights that ship


@pytest.fixture
def benchmarked(tmp_path, monkeypatch, store_benchmark):
    """Two runs of one model, as the benchmark leaves them; the second did better on validation."""
    monkeypatch.chdir(tmp_path)
    runs = [{"validation": 0.2, "context_shape": SHAPE}, {"validation": 0.1, "context_shape": SHAPE}]
    path, plan = store_benchmark("frames_as_channels", "{ filters = 3, depth = 2 }", runs)
    networks = []
    plan.weights_folder.mkdir(parents=True)
    for job in plan.jobs("runs", ["frames_as_channels"]):
        keras.utils.set_random_seed(job.settings["seed"])
        networks.append(build("frames_as_channels", SHAPE, filters=3, depth=2))
        networks[-1].save_weights(plan.weights_folder / f"{job.label}.weights.h5")
    return path, networks, plan.weights_folder


def test_the_best_run_ships_in_16_bits(benchmarked, tmp_path):
    protocol, networks, _ = benchmarked
    shipped = tmp_path / "shipped"
    assert shipping.ship(protocol, tmp_path, shipped) == pretrained.names(shipped) == ["frames_as_channels"]
    model = pretrained.load("frames_as_channels", folder=shipped)
    for ours, theirs in zip(model.get_weights(), networks[1].get_weights(), strict=True):
        assert ours.dtype == np.float32
        assert np.array_equal(ours, theirs.astype(np.float16).astype(np.float32))


def test_16_bits_take_half_the_room(tmp_path):
    model = build("dense_lstm", (2, 16, 16, 1), units=64)
    assert max(w.size for w in model.get_weights()) < shipping.LARGE
    whole = tmp_path / "whole.weights.h5"
    model.save_weights(whole)
    assert len(shipping.packed(whole)) < 0.6 * whole.stat().st_size


def test_large_arrays_take_a_third_of_it(tmp_path):
    model = build("dense_lstm", (2, 16, 16, 1), units=256)
    whole = tmp_path / "whole.weights.h5"
    model.save_weights(whole)
    (tmp_path / "small.weights.h5").write_bytes(shipping.packed(whole))
    assert (tmp_path / "small.weights.h5").stat().st_size < 0.33 * whole.stat().st_size
    before = model.get_weights()
    model.load_weights(tmp_path / "small.weights.h5")
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        assert np.abs(ours - theirs).max() <= np.abs(theirs).max() / (127 if theirs.size >= shipping.LARGE else 2048)


@pytest.mark.parametrize("largest", [0.0, 1e-3, 110 / 128, 127 / 128, 1.0, 1.001, 300.0])
def test_rounding_keeps_what_8_bits_can_say(largest):
    values = largest * np.linspace(-1, 1, 1001)
    rounded, step = shipping.rounded(values).astype(float), shipping.step(values)
    counts = rounded / step
    assert np.array_equal(counts, np.round(counts))
    assert np.abs(counts).max() <= 127
    assert np.abs(rounded - values).max() <= step / 2
    assert step <= 2 * largest / 127 or largest == 0  # no coarser than it must be


def test_what_the_optimizer_remembers_is_left_out(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((1, 1)), np.ones((1, 1)), verbose=0)
    model.save_weights(tmp_path / "trained.weights.h5")
    with h5py.File(tmp_path / "trained.weights.h5") as whole:
        assert "optimizer" in whole
    with h5py.File(io.BytesIO(shipping.packed(tmp_path / "trained.weights.h5"))) as shipped:
        assert "layers" in shipped
        assert "optimizer" not in shipped


def test_a_file_that_is_not_the_shipped_one_is_refused(benchmarked, tmp_path):
    protocol, _, _ = benchmarked
    shipping.ship(protocol, tmp_path, tmp_path / "shipped")
    path = tmp_path / "shipped" / "frames_as_channels.weights.h5"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="is not the file that was shipped"):
        pretrained.load("frames_as_channels", folder=tmp_path / "shipped")
    with pytest.raises(ValueError, match="name='conv_lstm': expected one of frames_as_channels"):
        pretrained.load("conv_lstm", folder=tmp_path / "shipped")


def test_weights_that_are_elsewhere_are_asked_for(benchmarked, tmp_path):
    protocol, _, weights = benchmarked
    (weights / "frames_as_channels-1.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="frames_as_channels-1 was measured"):
        shipping.ship(protocol, tmp_path, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_a_benchmark_into_another_folder_leaves_these_weights_alone(tmp_path):
    """What it trained would else be shipped as the weights of these results."""
    folders = [Benchmark("digits-32", folder).weights_folder for folder in (results.FOLDER, tmp_path / "a", tmp_path)]
    assert len({folder.resolve() for folder in folders}) == 3
    assert not folders[0].resolve().is_relative_to(results.FOLDER)  # the package's own are too large to be kept in it


def test_what_was_shipped_stays_while_its_run_is_the_best(benchmarked, tmp_path):
    protocol, _, weights = benchmarked
    shipping.ship(protocol, tmp_path, tmp_path / "shipped")
    (weights / "frames_as_channels-1.weights.h5").unlink()
    index = (tmp_path / "shipped" / "index.json").read_text()
    assert shipping.ship(protocol, tmp_path, tmp_path / "shipped") == ["frames_as_channels"]
    assert (tmp_path / "shipped" / "index.json").read_text() == index
    result = tmp_path / "small" / "runs" / "frames_as_channels-1.json"
    result.write_text(result.read_text().replace('"validation": 0.1', '"validation": 0.05'))  # it was run again
    with pytest.raises(FileNotFoundError, match="frames_as_channels-1 was measured"):
        shipping.ship(protocol, tmp_path, tmp_path / "shipped")


def test_models_that_are_not_named_stay_as_they_are(benchmarked, tmp_path):
    protocol, _, weights = benchmarked
    shipped = tmp_path / "shipped"
    shipping.ship(protocol, tmp_path, shipped)
    before = (shipped / "frames_as_channels.weights.h5").read_bytes()
    (weights / "frames_as_channels-1.weights.h5").unlink()
    (tmp_path / "small" / "runs" / "frames_as_channels-1.json").unlink()  # another run would be the best now
    assert shipping.ship(protocol, tmp_path, shipped, models=[]) == ["frames_as_channels"]
    assert (shipped / "frames_as_channels.weights.h5").read_bytes() == before


def test_a_weight_too_large_for_16_bits(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[1e5]]), np.zeros(1)])
    model.save_weights(tmp_path / "large.weights.h5")
    with pytest.raises(OverflowError, match="too large for 16 bits"):
        shipping.packed(tmp_path / "large.weights.h5")


@pytest.mark.parametrize("name", pretrained.names())
def test_what_ships_is_what_was_measured(name):
    plan = Benchmark("digits-32")
    about = pretrained.read_index()[name]
    run = plan.read(f"runs/{about['run']}")
    assert run["validation"] == about["validation"] == min(run["validation"] for run in leaderboard.load_runs()[name])
    skill = tasks.digits_32(training=1).skill(nextframe.load(name))
    assert skill == pytest.approx(leaderboard.skill(run), abs=1e-3)  # what fewer bits may cost


@pytest.mark.parametrize("name", pretrained.names())
def test_skill_on_clips_drawn_anew_is_as_reported(name):
    """Within the spread of the seeds, and three times the error that 500 clips leave in a mean."""
    video = windows.to_unit(moving_digits(500, 11, split="test", canvas=32, digit_size=16, speed=(1, 2.5), seed=77))
    context, truth = video[:, :10], video[:, 10]
    forecast = metrics.clip_to_unit(predict_next(nextframe.load(name), context))
    errors, copying = metrics.mse(truth, forecast), metrics.mse(truth, context[:, -1]).mean()
    skill, spread = leaderboard.over_seeds(leaderboard.load_runs()[name], leaderboard.skill)
    chance = 3 * errors.std() / np.sqrt(len(errors)) / copying
    assert 1 - errors.mean() / copying == pytest.approx(skill, abs=spread + chance)


def test_all_that_ships_is_small():
    assert sum(path.stat().st_size for path in pretrained.FOLDER.iterdir()) < LARGEST


def test_frames_where_a_shape_is_meant():
    for name in ("forecaster", "flow_unet"):
        with pytest.raises(ValueError, match=r"context_shape=<array of shape \(4, 64, 64, 1\)>: expected a shape"):
            nextframe.load(name, np.zeros((4, 64, 64, 1)))


# ---- futures ----


@pytest.mark.parametrize("name", pretrained.read_index(pretrained.FOLDERS["many-futures"]))
def test_futures_are_better_than_copying(name):
    """On clips that no choice was made on; what each draws is the frame after the context, and the ones after it."""
    clips = windows.to_unit(random_walls(20, 8, split="test", seed=5)[0])
    drawn = sampling.sample_rollout(pretrained.load(name), clips[:, :5], horizon=3, samples=3, seed=0)
    copied = np.repeat(clips[:, None, 4:5], 3, axis=2)
    found, copying = (sample_metrics.energy_score(clips[:, 5:], each).mean(axis=0) for each in (drawn, copied))
    assert (found < 0.75 * copying).all()
