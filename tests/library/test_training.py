"""One call to fit any model: what it promises about budgets, seeds, the best weights, and being cut off."""

import itertools
import json
import os
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nextframe import training, windows
from nextframe._utils import rounds
from nextframe._utils.keras_private import update_in_one_pass
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


def compile_alike(model, fitted):
    """For steps one by one: with the optimizer of a fitted model, its schedule included, and as it rounds."""
    optimizer = keras.optimizers.Adam.from_config(fitted.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    update_in_one_pass(optimizer)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)


def test_a_constant_rate_stays(datasets):
    rises = [float(training.rates(0.1, 100, "constant")(step)) for step in (0, 2, 5, 50, 99)]
    assert rises == pytest.approx([0, 0.04, 0.1, 0.1, 0.1])
    falls = [float(training.rates(0.1, 100, "cosine")(step)) for step in (5, 100)]
    assert falls == pytest.approx([0.1, 0])
    for schedule, last in (("constant", 0.1), ("cosine", 0)):
        model = network()
        training.fit(model, *datasets, steps=2, rounds=1, learning_rate=0.1, schedule=schedule, progress=False)
        assert float(model.optimizer.learning_rate) == pytest.approx(last)
    with pytest.raises(ValueError, match="schedule='linear': expected one of cosine, constant"):
        training.fit(network(), *datasets, steps=2, rounds=1, schedule="linear")


def test_noise_on_the_context_is_learned_from(datasets):
    found = []
    for noise in (0, 0, 0.3):
        model = network()
        training.fit(model, fresh(), datasets[1], steps=2, rounds=1, context_noise=noise, progress=False)
        found.append(model.get_weights()[0])
    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2], atol=1e-6)


@pytest.mark.parametrize(("per_round", "at_once"), [(50, 10), (54, 9), (53, 1), (40, 1)])
def test_steps_in_a_loop_are_the_steps_one_by_one(monkeypatch, datasets, per_round, at_once):
    """The last weights, those after each step alone; a step too few or too many, or a stale rate, would show."""
    _, validation = datasets
    assert training.steps_at_once(per_round) == at_once
    looped, alone = network(), network()
    last = []
    monkeypatch.setattr(looped, "set_weights", lambda best: last.extend(looped.get_weights()))
    training.fit(looped, fresh(), validation, steps=2 * per_round, rounds=2, learning_rate=0.01, progress=False)
    compile_alike(alone, looped)
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


class Wait(keras.callbacks.Callback):
    # in the third round, until this process is killed

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 50:
            print("waiting", flush=True)
            time.sleep(600)


held_out = moving_digits(12, 5, digits=1, canvas=16, digit_size=10, split="validation")
history = training.fit(
    model,
    fresh(),
    windows.window_dataset(held_out, 4),
    steps=120,
    rounds=6,
    checkpoint=sys.argv[1],
    callbacks=[Wait()] if sys.argv[3:] else [],
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
    process = subprocess.Popen([*command("cut"), "wait"], stdout=subprocess.PIPE, text=True)
    assert "waiting\n" in process.stdout
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "cut.weights.h5").exists()
    resumed = subprocess.run(command("cut"), capture_output=True, text=True, check=True)
    assert "going on from round 2 of 6" in resumed.stdout
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


def test_time_and_examples_are_counted_on_after_an_interruption(datasets, tmp_path, monkeypatch, cut_off):
    """By a clock that moves a second each time that it is read: at the start and the end of a round."""
    train, validation = datasets
    run = {"steps": 16, "rounds": 2, "checkpoint": tmp_path / "a.npz", "flops_per_example": 10, "progress": False}
    monkeypatch.setattr(rounds, "time", SimpleNamespace(perf_counter=itertools.count().__next__))
    with cut_off(1):
        training.fit(network(), train, validation, **run)
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
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"loss": "huber"}, "loss='huber': expected one of mse, mae, cross_entropy"),
    ],
)
def test_bad_arguments(datasets, arguments, named):
    train, validation = datasets
    with pytest.raises(ValueError, match=named):
        training.fit(network(), train, validation, **({"steps": 8, "rounds": 2} | arguments))


# ---- datasets that are none, or do not fit ----


@pytest.mark.parametrize("which", ["training", "validation"])
@pytest.mark.parametrize(
    ("passed", "named"),
    [
        (None, "None"),
        (np.zeros((5000, 4, 16, 16, 1), np.float32), r"<array of shape \(5000, 4, 16, 16, 1\)>"),
        ((np.zeros((500, 4, 16, 16, 1)), np.zeros((500, 16, 16, 1))), "<tuple of 2, the first <array of shape"),
    ],
)
def test_what_is_no_dataset_is_refused(datasets, which, passed, named):
    given = dict(zip(("training", "validation"), datasets, strict=True)) | {which: passed}
    with pytest.raises(ValueError, match=f"{which}={named}") as caught:
        training.fit(network(), **given, steps=2, rounds=2)
    assert "make one with nextframe.windows.window_dataset(clip, context)" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.fixture(scope="module")
def clip():
    return moving_digits(1, 40, digits=1, canvas=16, digit_size=10)[0]


def test_targets_that_would_be_broadcast_are_refused(clip, datasets):
    """16 frames of 16×16 against one: Keras would subtract them row by row."""
    ahead = windows.window_dataset(clip, 4, horizon=16)
    named = r"has targets of shape \(batch, 16, 16, 16, 1\), and frames_as_channels makes \(batch, 16, 16, 1\)"
    for given in ((ahead, datasets[1]), (datasets[0], ahead)):
        with pytest.raises(ValueError, match=f"{named}: leave horizon at 1 in window_dataset"):
            training.fit(network(), *given, steps=2, rounds=2)
    plain = ahead.map(lambda seen, target: (seen, target[:, 0, ..., 0]))  # no axis of channels
    with pytest.raises(ValueError, match=r"targets of shape \(batch, 16, 16\), .*: make both agree"):
        training.fit(network(), plain, plain, steps=2, rounds=2)


def test_the_horizon_of_a_one_frame_model(clip):
    three, one = (windows.window_dataset(clip, 4, horizon=horizon) for horizon in (3, 1))
    with pytest.raises(ValueError, match=r"targets of shape \(batch, 3, 16, 16, 1\).*leave horizon at 1"):
        training.fit(network(), three, three, steps=2, rounds=2)
    assert training.fit(network(), one, one, steps=2, rounds=2, progress=False)  # the advice


def test_other_datasets_that_do_not_fit(clip):
    sequences = network(name="conv_lstm", return_sequences=True, depth=1)
    one, each = (windows.window_dataset(clip, 4, sequence_targets=each) for each in (False, True))
    with pytest.raises(ValueError, match="give window_dataset sequence_targets=True"):
        training.fit(sequences, one, one, steps=2, rounds=2)
    assert training.fit(sequences, each, each, steps=2, rounds=2, progress=False)
    longer = windows.window_dataset(clip, 5)
    with pytest.raises(ValueError, match=r"contexts of shape \(batch, 5, 16, 16, 1\), .* reads \(batch, 4, 16"):
        training.fit(network(), longer, longer, steps=2, rounds=2)
    with pytest.raises(ValueError, match="training gives batches without a target"):
        training.fit(network(), one.map(lambda seen, target: seen), one, steps=2, rounds=2)


def test_a_model_that_makes_many_frames_may_be_trained(clip):
    inputs = keras.Input(SHAPE)
    frames = keras.layers.Conv2D(3, 3, padding="same")(inputs[:, -1])
    model = keras.Model(inputs, keras.ops.transpose(frames, (0, 3, 1, 2))[..., None])
    dataset = windows.window_dataset(clip, 4, horizon=3)
    assert training.fit(model, dataset, dataset, steps=2, rounds=2, progress=False)


def ahead(straight_on, horizon, name="rollout"):
    """A model of several frames ahead that has something to learn."""
    inputs = keras.Input(SHAPE)
    brighter = keras.layers.Conv3D(1, 1)(inputs)
    return keras.Model(inputs, straight_on(SHAPE, horizon, name)(brighter), name="ahead")


def test_targets_of_a_model_of_several_frames_ahead(clip, straight_on):
    one, three, five = (windows.window_dataset(clip, 4, horizon=horizon) for horizon in (1, 3, 5))
    model = ahead(straight_on, 3)
    with pytest.raises(ValueError, match=r"ahead makes .*3, 16.* horizon=3, or build the model with horizon=1"):
        training.fit(model, one, one, steps=2, rounds=2)
    with pytest.raises(ValueError, match="give window_dataset horizon=3, or build the model with horizon=5"):
        training.fit(model, five, five, steps=2, rounds=2)
    assert training.fit(model, three, three, steps=2, rounds=2, progress=False)


def test_a_model_of_several_frames_ahead_is_not_trained_on_its_own_context(clip, straight_on):
    """As many ahead as in the context: targets of another kind have the same shape."""
    model = ahead(straight_on, 4)
    shifted, right = windows.window_dataset(clip, 4, sequence_targets=True), windows.window_dataset(clip, 4, horizon=4)
    with pytest.raises(
        ValueError, match=r"validation has targets that are the contexts .* give window_dataset horizon=4 in place"
    ):
        training.fit(model, shifted, shifted, steps=2, rounds=2)
    assert training.fit(model, right, right, steps=2, rounds=2, progress=False)
    same_shape = ahead(straight_on, 4, name="frames")  # one after each, as far as anyone can tell
    assert training.fit(same_shape, shifted, shifted, steps=2, rounds=2, progress=False)


@pytest.mark.parametrize("period", [1, 3])
def test_a_video_that_comes_back_is_not_mistaken(clip, straight_on, period):
    """Its next four frames are those that follow each frame of the context: both kinds of targets are the same."""
    repeated = np.concatenate([clip[:period]] * 12)
    dataset = windows.window_dataset(repeated, 4, horizon=4)
    assert training.fit(ahead(straight_on, 4), dataset, dataset, steps=2, rounds=2, progress=False)


# ---- rounds of unequal length ----


def test_steps_that_the_rounds_do_not_divide(datasets):
    """Each step is taken, on the batches in their order: with the weights of as many steps one by one."""
    _, validation = datasets
    model, alone = network(), network()
    last = []
    model.set_weights, kept = lambda best: last.extend(model.get_weights()), model.set_weights
    history = training.fit(model, fresh(), validation, steps=11, rounds=3, learning_rate=0.01, progress=False)
    model.set_weights = kept
    assert [entry["step"] for entry in history] == [3, 7, 11]
    assert [entry["examples"] for entry in history] == [24, 56, 60 + 24]  # the eighth batch has four
    assert int(model.optimizer.iterations) == 11
    compile_alike(alone, model)
    for batch in fresh().repeat().take(11):
        alone.train_on_batch(*batch)
    for ours, plain in zip(last, alone.get_weights(), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-7)


def test_unequal_rounds_go_on_where_they_were_cut_off(datasets, tmp_path, cut_off):
    _, validation = datasets
    run = {"steps": 11, "rounds": 3, "learning_rate": 0.01, "progress": False}
    whole = training.fit(network(), fresh(), validation, **run)
    with cut_off(1):
        training.fit(network(), fresh(), validation, checkpoint=tmp_path / "a.npz", **run)
    resumed = training.fit(network(), fresh(), validation, checkpoint=tmp_path / "a.npz", **run)
    for key in ("step", "examples", "loss", "validation"):
        assert [entry[key] for entry in resumed] == pytest.approx([entry[key] for entry in whole])


class StopAfter(keras.callbacks.Callback):
    """What a button does: stop once so many rounds are over."""

    def __init__(self, rounds, checkpoint):
        super().__init__()
        self.rounds, self.checkpoint, self.seen = rounds, checkpoint, []

    def on_epoch_end(self, epoch, logs):
        with np.load(self.checkpoint) as stored:
            assert len(json.loads(str(stored["about"]))["history"]) == epoch + 1  # what a stop keeps
        self.seen.append((epoch, logs["loss"], logs["val_loss"]))
        self.model.stop_training = epoch + 1 == self.rounds


@pytest.mark.parametrize("steps", [12, 11])
def test_a_callback_stops_a_run_that_can_go_on(datasets, tmp_path, steps):
    _, validation = datasets
    run = {"steps": steps, "rounds": 3, "learning_rate": 0.01, "progress": False}
    models, stop = [network(), network()], StopAfter(1, tmp_path / "a.npz")
    whole = training.fit(models[0], fresh(), validation, **run)
    stored = {"checkpoint": stop.checkpoint, "callbacks": [stop]} | run
    first = training.fit(models[1], fresh(), validation, **stored)
    assert [entry["step"] for entry in first] == [whole[0]["step"]]
    assert models[1].evaluate(validation, verbose=0) == pytest.approx(first[0]["validation"], rel=1e-5)
    training.fit(models[1], fresh(), validation, **stored)
    assert stop.seen == [(number, entry["loss"], entry["validation"]) for number, entry in enumerate(whole)]
    assert all(np.array_equal(*pair) for pair in zip(*(model.get_weights() for model in models), strict=True))


class StopWithin(keras.callbacks.Callback):
    """Stop as soon as so many steps are over, wherever that is in a round; once."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.step:
            self.model.stop_training, self.step = True, None


# rounds of 3, 4 and 4 steps: within the second, at the end of the first, and at that of the second
@pytest.mark.parametrize(("stop", "rounds_kept"), [(5, 1), (3, 1), (7, 2)])
def test_a_round_that_a_callback_ends_early_is_none(datasets, tmp_path, stop, rounds_kept):
    _, validation = datasets
    run = {"steps": 11, "rounds": 3, "learning_rate": 0.01, "progress": False}
    models = [network(), network()]
    whole = training.fit(models[0], fresh(), validation, **run)
    stored = {"checkpoint": tmp_path / "a.npz", "callbacks": [StopWithin(stop)]} | run
    first = training.fit(models[1], fresh(), validation, **stored)
    assert [entry["step"] for entry in first] == [entry["step"] for entry in whole[:rounds_kept]]
    training.fit(models[1], fresh(), validation, **stored)
    assert all(np.array_equal(*pair) for pair in zip(*(model.get_weights() for model in models), strict=True))


# ---- training that diverges ----


def finite(weights):
    return all(np.isfinite(weight).all() for weight in weights)


def test_a_rate_that_is_far_too_high_does_not_end_in_silence(datasets, tmp_path):
    train, validation = datasets
    model, checkpoint = network(depth=6), tmp_path / "a.npz"
    begun = model.get_weights()
    run = {"steps": 40, "rounds": 4, "learning_rate": 1e18, "checkpoint": checkpoint, "progress": False}
    with pytest.warns(RuntimeWarning, match="training stopped after round 1 of 4: loss .*0.001 suits") as caught:
        history = training.fit(model, train, validation, **run)
    assert "learning_rate=1e+18 is too high" in str(caught[0].message)
    assert str(caught[0].message).endswith("The model has the weights that it started with")
    assert len(history) == 1
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), begun, strict=True))
    assert not checkpoint.exists()


@pytest.mark.parametrize(("learning_rate", "warns"), [(1e3, True), (0.01, False)])
def test_finite_weights_that_are_far_worse_do_not_end_in_silence(datasets, tmp_path, learning_rate, warns):
    train, validation = datasets
    model = network()
    model.compile(loss="mse", jit_compile=False)
    before = model.evaluate(validation, verbose=0)
    run = {"steps": 20, "rounds": 4, "learning_rate": learning_rate, "progress": False}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = training.fit(model, train, validation, checkpoint=tmp_path / "a.npz", **run)
    assert len(history) == 4
    told = [str(each.message) for each in caught if each.category is RuntimeWarning]
    assert len(told) == warns
    if warns:
        best = min(entry["validation"] for entry in history)
        assert told[0].startswith(
            f"training made the network worse: validation {before:.3g} before, and {best:.3g} at best after it. Likely"
        )
        with pytest.warns(RuntimeWarning, match=f"worse: validation {before:.3g} before"):  # from its checkpoint too
            training.fit(network(), train, validation, checkpoint=tmp_path / "a.npz", **run)


def test_the_best_finite_weights_are_kept(datasets, tmp_path):
    """The third round turns the weights to NaN, as a rate that is somewhat too high would."""
    train, validation = datasets
    model = network()

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == 18:
                self.model.trainable_variables[-1].assign(self.model.trainable_variables[-1] * np.nan)

    run = {"steps": 35, "rounds": 4, "checkpoint": tmp_path / "a.npz", "progress": False}
    with pytest.warns(RuntimeWarning, match="after round 3 of 4: loss nan, validation nan.*weights of round 2"):
        history = training.fit(model, train, validation, callbacks=[Spoil()], **run)
    assert len(history) == 3
    assert finite(model.get_weights())
    assert model.evaluate(validation, verbose=0) == pytest.approx(history[1]["validation"], rel=1e-5)
    with np.load(tmp_path / "a.npz") as saved:
        assert finite([saved[name] for name in saved.files if name != "about"])
    again = network()
    whole = training.fit(again, fresh(), validation, **run)  # goes on from the second round
    assert len(whole) == 4
    assert whole[:2] == history[:2]
    assert finite(again.get_weights())
