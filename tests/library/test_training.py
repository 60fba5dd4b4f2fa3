"""One call to fit any model: what it promises about budgets, seeds, the best weights, and being cut off."""

import itertools
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nextframe import training, windows
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import build

SHAPE = (4, 16, 16, 1)


@pytest.fixture(scope="module")
def datasets():
    def dataset(split, count, **options):
        digits = moving_digits(count, 5, digits=1, canvas=16, digit_size=10, split=split)
        return windows.window_dataset(digits, 4, batch_size=8, **options)

    return dataset("train", 60, shuffle=True, seed=3), dataset("validation", 12)


def network(seed=0, name="frames_as_channels", **size):
    keras.utils.set_random_seed(seed)
    return build(name, SHAPE, **({"filters": 4, "depth": 2} | size))


def fresh(dataset_seed=3):
    """The training set, as a new process would make it: its order starts anew."""
    digits = moving_digits(60, 5, digits=1, canvas=16, digit_size=10, split="train")
    return windows.window_dataset(digits, 4, batch_size=8, shuffle=True, seed=dataset_seed)


def test_history(datasets):
    train, validation = datasets
    history = training.fit(network(), train, validation, steps=16, rounds=2, flops_per_example=10, progress=False)
    assert [entry["step"] for entry in history] == [8, 16]
    assert [entry["examples"] for entry in history] == [60, 120]  # 8 batches, the last one of 4
    assert [entry["flops"] for entry in history] == [600, 1200]
    assert 0 < history[0]["seconds"] < history[1]["seconds"]
    assert history[1]["loss"] < history[0]["loss"]


def test_the_best_weights_on_validation_are_kept(datasets):
    train, validation = datasets
    model = network()
    history = training.fit(model, train, validation, steps=80, rounds=10, learning_rate=0.3, progress=False)
    losses = [entry["validation"] for entry in history]
    assert min(losses) < losses[-1]  # so large a rate does not end at its best
    assert model.evaluate(validation, verbose=0) == pytest.approx(min(losses), rel=1e-5)


def test_same_seeds_same_weights(datasets):
    _, validation = datasets
    runs = []
    for seed in (0, 0, 1):
        model = network(seed)
        training.fit(model, fresh(), validation, steps=20, rounds=2, progress=False)
        runs.append(model.get_weights())
    assert all(np.array_equal(*pair) for pair in zip(runs[0], runs[1], strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(runs[0], runs[2], strict=True))


def test_learning_rate_rises_and_falls(datasets):
    train, validation = datasets
    model = network()
    training.fit(model, train, validation, steps=40, rounds=2, learning_rate=0.01, progress=False)
    rate = []
    for step in range(41):
        model.optimizer.iterations.assign(step)
        rate.append(float(model.optimizer.learning_rate))
    assert rate[0] == 0
    assert rate[2] == pytest.approx(0.01)  # after a twentieth of the steps
    assert np.argmax(rate) == 2
    assert rate[21] == pytest.approx(0.005, rel=0.01)
    assert rate[40] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("per_round", "at_once"), [(20, 10), (12, 6), (11, 1)])
def test_steps_in_a_loop_are_the_steps_one_by_one(monkeypatch, datasets, per_round, at_once):
    """The last weights, those after each step alone; a step too few or too many, or a stale rate, would show."""
    _, validation = datasets
    assert training.steps_at_once(per_round) == at_once
    looped, alone = network(), network()
    last = []
    monkeypatch.setattr(looped, "set_weights", lambda best: last.extend(looped.get_weights()))
    training.fit(looped, fresh(), validation, steps=2 * per_round, rounds=2, learning_rate=0.01, progress=False)
    optimizer = keras.optimizers.Adam.from_config(looped.optimizer.get_config())  # with its schedule
    alone.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    for batch in fresh().repeat().take(2 * per_round):
        alone.train_on_batch(*batch)
    assert int(looped.optimizer.iterations) == 2 * per_round
    for ours, plain in zip(last, alone.get_weights(), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-7)


def test_a_fitted_model_takes_one_batch_at_a_time(datasets):
    train, validation = datasets
    model = network()
    training.fit(model, train, validation, steps=20, rounds=2, progress=False)
    assert model.steps_per_execution == 1


@pytest.mark.parametrize("loss", ["mse", "mae", "cross_entropy"])  # "classes": see test_time_distributed
def test_losses(datasets, loss):
    train, validation = datasets
    model = network(head="sigmoid")
    history = training.fit(model, train, validation, steps=64, rounds=2, loss=loss, learning_rate=0.01, progress=False)
    assert history[-1]["validation"] < history[0]["validation"]


def test_progress_is_one_line_a_round(datasets, capsys):
    train, validation = datasets
    training.fit(network(), train, validation, steps=4, rounds=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("round  2 of 2: step 4, ")
    training.fit(network(), train, validation, steps=4, rounds=2, progress=False)
    assert capsys.readouterr().out == ""


def test_compiled_with_xla_only_where_it_pays(monkeypatch):
    assert not training.compiles_well(network())
    monkeypatch.setattr(training, "sees_gpu", lambda: True)
    assert training.compiles_well(network())
    assert not training.compiles_well(build("dense_lstm", SHAPE, units=4))
    assert not training.compiles_well(build("optical_flow", SHAPE))


SCRIPT = """
import sys, time
import keras
sys.path.insert(0, {folder!r})
from test_training import fresh, network
from nextframe import training, windows
from nextframe.datasets.moving_digits import moving_digits


model = network(seed=5)
inputs = keras.Input((4, 16, 16, 1))
model = keras.Model(inputs, model(keras.layers.Dropout(0.2, seed=1)(inputs)), name="with_dropout")
held_out = moving_digits(12, 5, digits=1, canvas=16, digit_size=10, split="validation")
history = training.fit(
    model, fresh(), windows.window_dataset(held_out, 4), steps=120, rounds=6, checkpoint=sys.argv[1]
)
model.save_weights(sys.argv[2])
print("examples", history[-1]["examples"])
"""


def test_killed_and_resumed_ends_with_the_same_weights(tmp_path):
    """kill -9 in the middle of a round, then the same command again: bit for bit the run that was left alone."""
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(folder=os.path.dirname(__file__)))

    def command(name):
        return [sys.executable, script, tmp_path / f"{name}.npz", tmp_path / f"{name}.weights.h5"]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    process = subprocess.Popen(command("cut"), stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("round  2"):
            break
    time.sleep(0.05)  # into the third round
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "cut.weights.h5").exists()
    resumed = subprocess.run(command("cut"), capture_output=True, text=True, check=True)
    assert "going on from round" in resumed.stdout
    assert resumed.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    models = []
    for name in ("whole", "cut"):
        inner = network()
        inputs = keras.Input(SHAPE)
        model = keras.Model(inputs, inner(keras.layers.Dropout(0.2, seed=1)(inputs)))
        model.load_weights(tmp_path / f"{name}.weights.h5")
        models.append(model.get_weights())
    assert all(np.array_equal(*pair) for pair in zip(*models, strict=True))


def test_a_finished_run_is_not_trained_again(datasets, tmp_path):
    train, validation = datasets
    first, second = network(), network()
    history = training.fit(first, train, validation, steps=8, rounds=2, checkpoint=tmp_path / "a.npz", progress=False)
    again = training.fit(second, train, validation, steps=8, rounds=2, checkpoint=tmp_path / "a.npz", progress=False)
    assert again == history
    assert all(np.array_equal(*pair) for pair in zip(first.get_weights(), second.get_weights(), strict=True))


def test_a_checkpoint_of_another_run_is_refused(datasets, tmp_path):
    train, validation = datasets
    run = {"steps": 4, "rounds": 2, "checkpoint": tmp_path / "a.npz", "progress": False}
    training.fit(network(), train, validation, **run)
    for change in ({"steps": 8}, {"rounds": 4}, {"learning_rate": 1e-2}, {"loss": "mae"}):
        with pytest.raises(ValueError, match="is the checkpoint of another run .*: delete it, or name another file"):
            training.fit(network(), train, validation, **run | change)
    with pytest.raises(ValueError, match="is the checkpoint of another run"):
        training.fit(network(filters=5), train, validation, **run)


def test_time_and_examples_are_counted_on_after_an_interruption(datasets, tmp_path, monkeypatch):
    """By a clock that moves a second each time that it is read: at the start and the end of a round."""
    train, validation = datasets
    run = {"steps": 16, "rounds": 2, "checkpoint": tmp_path / "a.npz", "flops_per_example": 10, "progress": False}
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=itertools.count().__next__))
    save = training._Rounds.save

    def save_and_stop(self):
        save(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(training._Rounds, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        training.fit(network(), train, validation, **run)
    monkeypatch.setattr(training._Rounds, "save", save)
    history = training.fit(network(), train, validation, **run)
    assert [entry["seconds"] for entry in history] == [1, 2]
    assert [entry["examples"] for entry in history] == [60, 120]
    assert [entry["flops"] for entry in history] == [600, 1200]


def test_many_runs_in_a_row_are_quiet(datasets, capfd):
    train, validation = datasets
    for _ in range(8):
        training.fit(network(), train, validation, steps=2, rounds=2, progress=False)
    assert "retracing" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"steps": 0}, "steps=0: expected a whole number"),
        ({"rounds": 0}, "rounds=0: expected a whole number"),
        ({"rounds": 20}, "rounds=20 is more than steps=8: lower rounds"),
        ({"rounds": 3}, "steps=8 cannot be cut into 3 equal rounds: choose a multiple"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"loss": "huber"}, "loss='huber': expected one of mse, mae, cross_entropy"),
    ],
)
def test_bad_arguments(datasets, arguments, named):
    train, validation = datasets
    with pytest.raises(ValueError, match=named):
        training.fit(network(), train, validation, **({"steps": 8, "rounds": 2} | arguments))
