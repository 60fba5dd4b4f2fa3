"""The setting that chapters share."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import tensorflow_datasets

from nextframe import clips, diagnostics, metrics, training, windows
from nextframe.benchmark import digit_reader, experiments, fingerprints, futures_task, tasks
from nextframe.benchmark.tasks import load_task
from nextframe.datasets.random_futures import random_walls
from nextframe.datasets.real_clips import example_path
from nextframe.forecasting import predict_next
from nextframe.models import build


def test_digits_32(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = tasks.digits_32()
    assert task.training_clips.shape == (40, 20, 32, 32)
    assert task.context_shape == (10, 32, 32, 1)
    assert task.truth.shape == (500, 32, 32, 1)
    assert task.video.shape == (1, 60, 32, 32, 1)
    assert task.skill(build("copy_last", task.context_shape)) == 0
    assert task.skill(build("optical_flow", task.context_shape)) > 0.6
    assert 20 < np.square(task.truth - task.context[:, -1]).sum((1, 2, 3)).mean() < 24


@pytest.mark.parametrize(("change", "moves"), [(0, False), (0.4, False), (0.6, True), (1, True)])
def test_a_stretch_is_scored_where_something_moves(change, moves):
    """Copying's errors, by their root mean square: one pixel in four that changes by one level is half a level."""
    clip = np.zeros((3, 10, 10), np.uint8)
    clip[1] = (np.arange(100) < 100 * change**2).reshape(10, 10)
    clip[2] = 0
    assert tasks.something_moves(clip) is moves


def test_real_clips_are_scored_at_several_places():
    """Each part is a stretch of its clip; within a section they follow one another; between sections lies a gap."""
    context = 4
    task = tasks.real_clips_64(["bottle", "city"], sections=2, context=context)
    assert list(task.groups) == ["bottle", "city"]
    assert len(task.training_clips) == len(task.validation_clips) == 2 + 4  # the city has two scenes
    bottle = clips.read_clip(example_path("bottle"), size=64)

    def place(part):
        return next(start for start in range(len(bottle)) if np.array_equal(bottle[start : start + len(part)], part))

    found = windows.to_unit(bottle)
    expected = []
    for number, (first, end) in enumerate([(0, 109), (109 + context, 217)]):
        training, validation = task.training_clips[number], task.validation_clips[number]
        assert place(training) == first
        assert place(validation) == first + len(training)
        start = first + len(training) + len(validation)
        assert end - start == pytest.approx(0.25 * (end - first), abs=1)
        expected += [found[begin : begin + context + 1] for begin in range(start, end - context)]
    whole = np.concatenate([task.context, task.future], axis=1)
    assert np.array_equal(whole[task.groups["bottle"]], expected)
    assert task.groups["city"] == slice(task.groups["bottle"].stop, len(whole))


def test_each_real_clip_counts_alike_in_the_loss():
    task = tasks.real_clips_64(["bottle", "box", "tree"], sections=2, context=4)
    counts, _ = task.weights
    for first, name in ((0, "bottle"), (2, "box"), (4, "tree")):
        errors = [tasks.copying_error(part) for part in task.training_clips[first : first + 2]]
        assert counts[first] == counts[first + 1] == pytest.approx(1 / np.mean(errors)), name
    assert len(tasks.read_real_clip("tree", 64)) == 53  # before the hand


def test_digits_elsewhere_differ_in_one_thing():
    """Other draws are other clips; behind walls further in, nothing is lit; and a wider frame is used to its edges."""
    task = tasks.digits_32(training=1, elsewhere=True)
    assert not tasks.digits_32(training=1).elsewhere
    assert list(task.elsewhere) == [
        *("drawn again, 1", "drawn again, 2", "walls at 1", "walls at 2", "walls at 3", "40 × 40")
    ]
    for name, (context, truth) in task.elsewhere.items():
        side = 40 if name == "40 × 40" else 32
        assert context.shape == (500, 10, side, side, 1), name
        assert truth.shape == (500, side, side, 1), name
        assert not np.array_equal(truth[:, :32, :32], task.truth), name
    for pixels in (1, 2, 3):
        context, _ = task.elsewhere[f"walls at {pixels}"]
        lit = np.argwhere(context[..., 0].max(axis=(0, 1)) > 0)
        assert lit.min() >= pixels
        assert lit.max() < 32 - pixels
    assert task.elsewhere["40 × 40"][1][:, 37:].any()
    assert fingerprints.data(task) != fingerprints.data(tasks.digits_32(training=1))


def test_a_model_is_scored_elsewhere_with_its_weights():
    """A convolution on wider frames too, with the same weights; a dense network fits one size."""
    settings = {"source": "digits_32", "training": 1, "elsewhere": True}
    task = tasks.load_task(**settings)
    context, truth = task.elsewhere["walls at 2"]
    copying = np.square(truth - context[:, -1]).sum((1, 2, 3))
    found, _ = experiments.train_and_score("copy_last", {}, settings, horizon=1)
    assert found["elsewhere"]["walls at 2"] == {
        "MSE per frame": pytest.approx(copying.mean(), rel=1e-4),
        "copying": pytest.approx(copying.mean()),
        "clip_mse": pytest.approx(copying, abs=1e-3),
    }
    size = {"filters": 2, "depth": 2}
    found, network = experiments.train_and_score(
        "frames_as_channels", size, settings, horizon=1, steps=2, learning_rate=1e-2
    )
    context, truth = task.elsewhere["40 × 40"]
    wide = build("frames_as_channels", (10, 40, 40, 1), **size)
    wide.set_weights(network.get_weights())
    error = np.square(truth - predict_next(wide, context).clip(0, 1)).sum((1, 2, 3)).mean()
    assert found["elsewhere"]["40 × 40"]["MSE per frame"] == pytest.approx(error, rel=1e-4)
    found, _ = experiments.train_and_score("dense_lstm", {"units": 2}, settings, horizon=1, steps=1, learning_rate=1e-3)
    assert found["elsewhere"]["40 × 40"] is None


def test_free_flight_can_be_shifted():
    """No clip of any split lights a pixel in the seven at each edge; nothing turns."""
    task = tasks.free_flight(training=50)
    assert task.context_shape == (10, 48, 48, 1)
    assert task.training_clips.shape == (50, 11, 48, 48)
    for part in (task.training_clips, task.validation_clips, task.context, task.truth):
        sides = part.reshape(-1, 48, 48)
        assert sides[:, 7:-7, 7:-7].sum(dtype=float) == sides.sum(dtype=float) > 0
    straight_on = 2 * task.context[:, -1] - task.context[:, -2]  # not a forecast; its centre is where the digit goes
    rows, columns = np.indices((48, 48))
    for axis in (rows, columns):
        weighted = [(frame[..., 0] * axis).sum((1, 2)) for frame in (straight_on, task.truth)]
        light = [frame[..., 0].sum((1, 2)) for frame in (straight_on, task.truth)]
        assert np.abs(weighted[0] / light[0] - weighted[1] / light[1]).max() < 0.2


@pytest.mark.parametrize(("name", "back"), [("blinking", 4), ("hidden", 2)])
def test_memory_tasks_have_a_window_in_each_clip(name, back):
    task = tasks.memory(name, back, context=6)
    assert task.training_clips.shape == (2000, 7, 16, 16)
    assert task.context.shape == (200, 6, 16, 16, 1)
    assert task.future.shape == (200, 1, 16, 16, 1)
    if name == "blinking":
        assert np.array_equal(task.truth, task.context[:, -back])
    else:
        assert np.unique(task.context[:, -back:]).size == 1  # hidden
    assert task.video.shape == (1, 9, 16, 16, 1)  # enough for the leak check


@pytest.mark.parametrize(("question", "classes"), [("direction", 8), ("digit", 10)])
def test_clips_with_labels(question, classes):
    task = tasks.labelled_motion(question, training=40)
    assert task.context_shape == (10, 32, 32, 1)
    assert {split: len(clips) for split, clips in task.clips.items()} == {"train": 40, "validation": 10, "test": 500}
    assert {split: len(labels) for split, labels in task.labels.items()} == {"train": 40, "validation": 10, "test": 500}
    assert set(task.labels["test"]) == set(range(classes))
    large = tasks.labelled_motion(question, training=4, canvas=64, length=5)
    assert large.context_shape == (5, 64, 64, 1)


def test_a_classifier_is_scored_by_its_right_answers():
    """One that learned to tell the directions is right far more often than by chance, and the result says how often."""
    settings = {"source": "labelled_motion", "question": "direction", "training": 200}
    arguments = {"feature_layer": "block3", "pooling": 4}
    result, network = experiments.train_and_score(
        "stacked_classifier", arguments, settings, horizon=1, steps=40, rounds=2, learning_rate=3e-3
    )
    task = tasks.load_task(**settings)
    answers = network.predict(windows.to_unit(task.clips["test"]), verbose=0).argmax(axis=1)
    assert result["accuracy"] == pytest.approx((answers == task.labels["test"]).mean())
    assert result["accuracy"] > 0.3
    assert "scores" not in result
    assert len(result["history"]) == 2


def test_fit_trains_on_the_clips(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = tasks.digits_32()
    keras.utils.set_random_seed(0)
    model = build("frames_as_channels", task.context_shape, filters=8, depth=3, head="residual")
    before = task.skill(model)
    history = task.fit(model, 30, 3e-3, rounds=2, progress=False)
    assert history[-1]["examples"] == 30 * 32 - 2 * (32 - 400 % 32) * (400 % 32 > 0)
    assert task.skill(model) > before + 0.1


@pytest.mark.parametrize("loss", ["mse", "mae", "cross_entropy"])
def test_fit_trains_with_the_loss_that_it_is_given(loss):
    task = tasks.digits_32(training=2)
    model = build("frames_as_channels", task.context_shape, filters=2, depth=2, head="sigmoid")
    history = task.fit(model, 1, 1e-3, rounds=1, loss=loss, progress=False)
    held_out = windows.window_dataset(task.validation_clips, task.context_shape[0], batch_size=100)
    model.compile(loss=training.LOSSES[loss]())
    assert history[-1]["validation"] == pytest.approx(model.evaluate(held_out, verbose=0), rel=1e-5)


def test_fit_trains_every_step_of_a_model_that_has_them(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = tasks.digits_32()
    keras.utils.set_random_seed(0)
    model = build("conv_lstm", task.context_shape, filters=8, patch=4, return_sequences=True, head="residual")
    before = task.skill(model)
    task.fit(model, 30, 1e-2, rounds=2, progress=False)
    assert task.skill(model) > before


def test_fit_trains_all_frames_of_a_model_of_several_ahead(straight_on):
    task = tasks.digits_32(training=20)
    context = keras.Input(task.context_shape)
    model = keras.Model(context, straight_on(task.context_shape, 3)(keras.layers.Conv3D(1, 1)(context)))
    history = task.fit(model, 10, 1e-2, rounds=2, progress=False)
    windows_of_all_clips = 20 * (20 - 10 - 3 + 1)
    assert [entry["examples"] for entry in history] == [windows_of_all_clips, 2 * windows_of_all_clips]
    assert history[1]["loss"] < history[0]["loss"]


def test_moving_mnist_end_to_end_in_a_tiny_form():
    """Clips of the official test set's shape and type, without its download; nothing of it is trained on."""
    settings = {"source": "moving_mnist_64", "training": 4, "test": 3}
    policy = tensorflow_datasets.testing.MockPolicy.USE_CODE
    with tensorflow_datasets.testing.mock_data(num_examples=3, policy=policy):
        task = tasks.load_task(**settings)
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


def test_moving_mnist_is_also_drawn_here_without_a_download(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)  # as if it were not installed
    task = tasks.moving_mnist_64(training=4, test=3, official=False)
    assert task.context.shape == task.future.shape == (3, 10, 64, 64, 1)
    assert diagnostics.data_leaks(task.context, task.truth, task.training_clips)["in training"] == 0
    with pytest.raises(ImportError, match="pip install tensorflow-datasets"):
        tasks.moving_mnist_64(training=4, test=3)


# ---- tasks whose future is open ----


def test_random_walls_know_the_law_of_their_test():
    """The law's futures are other ones of the same past; scored as samples, they are as good as samples can be."""
    task = load_task("random_walls_32", training=3, test=40)
    assert task.context_shape == (5, 32, 32, 1)
    assert task.training_clips.shape == (3, 15, 32, 32)
    assert task.law.shape == (40, futures_task.SAMPLES, *task.future.shape[1:])
    found = futures_task.score_samples(task.law, task)
    came = futures_task.score_samples(task.future[:, None], task)
    copied = futures_task.score_samples(np.repeat(task.context[:, None, -1:], 10, axis=2), task)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(found, 10)
    assert came["MSE of a sample"] == came["energy score"] == came["best of 1"] == [0] * 10
    np.testing.assert_allclose(came["energy"] + came["sharpness"], 1)
    assert found["energy score"][9] < 0.6 * copied["energy score"][9]
    assert found["best of 8"][9] < found["MSE of the mean"][9] < found["MSE of a sample"][9]
    np.testing.assert_allclose(found["energy"] + found["sharpness"], 1, atol=0.1)


def test_digits_are_read_wherever_they_are():
    """However bright; of the test split, which the reader has not seen."""
    clips, known = random_walls(100, 3, split="test")
    frames = windows.to_unit(clips)
    read = digit_reader.read_digits(frames)
    assert read.shape == (100, 3)
    assert (read == known["digit"][:, None]).mean() > 0.9
    assert np.array_equal(digit_reader.read_digits(frames / 3), read)
    assert (digit_reader.read_digits(np.random.default_rng(0).random((100, 32, 32, 1))) == known["digit"]).mean() < 0.3


def test_a_rollout_is_trained_on_after_single_frames(monkeypatch, tmp_path):
    """Half of the steps each, of which a rollout takes as many as it has frames."""
    task = load_task("random_walls_32", training=3, test=2)
    parts = []

    def fit(model, train, validation, **options):
        parts.append((train, options))
        return [{"step": options["steps"], "seconds": 1.5}]

    monkeypatch.setattr(training, "fit", fit)
    model = build("many_futures", task.context_shape, filters=4)
    options = {"rounds": 2, "rollout": 2, "context_noise": 0.1, "checkpoint": tmp_path / "a.npz"}
    assert task.fit(model, 40, 0.03, **options) == [{"step": 40, "seconds": 3.0}]
    assert [options["steps"] for _, options in parts] == [20, 10]
    assert [options["rollout"] for _, options in parts] == [1, 2]
    assert [train.element_spec[1].shape[1:] for train, _ in parts] == [(32, 32, 1), (2, 32, 32, 1)]
    assert [options["learning_rate"] for _, options in parts] == pytest.approx([0.03, 0.01])
    assert len({options["checkpoint"] for _, options in parts}) == 2
    assert all(options["loss"] == "multiple_choice" and options["context_noise"] == 0.1 for _, options in parts)
    task.fit(build("copy_last", task.context_shape), 1, 1e-3)
    assert (parts[2][1]["loss"], parts[2][1]["rollout"]) == ("mse", 1)


def test_what_a_clip_counts_is_told_to_training(monkeypatch):
    """As `window_dataset` takes it: each window of a clip counts as much as its clip."""
    seen = []
    monkeypatch.setattr(training, "fit", lambda model, *parts, **_: seen.extend(parts) or [{"step": 1}])
    task = tasks.digits_32(training=4)
    task = dataclasses.replace(
        task,
        training_clips=task.training_clips[:3, :12],
        validation_clips=task.validation_clips[:2, :12],
        weights=([1.0, 2.0, 4.0], [3.0, 5.0]),
    )
    task.fit(build("copy_last", task.context_shape), 1, 1e-3)
    weights = [np.concatenate([batch[2] for batch in part]) for part in seen]
    assert [sorted(each) for each in weights] == [[1, 1, 2, 2, 4, 4], [3, 3, 5, 5]]


def test_the_drift_of_a_copy_is_that_of_the_frame_it_copies():
    task = load_task("random_walls_32", training=3, test=2)
    found = futures_task.score_drift(build("copy_last", task.context_shape), task, seed=0)
    copied = task.context[:, -1:]
    right = (digit_reader.read_digits(copied)[:, 0] == task.digits).mean()
    for name, value in {
        "long energy": metrics.energy(copied).mean() / metrics.energy(task.future).mean(),
        "long sharpness": metrics.sharpness(copied).mean() / metrics.sharpness(task.future).mean(),
        "long digit": right,
    }.items():
        np.testing.assert_allclose(found[name], [value] * futures_task.LONG, rtol=1e-5, err_msg=name)


def test_futures_are_scored_after_a_training_under_conditions(monkeypatch):
    monkeypatch.setattr(futures_task, "SAMPLES", 2)
    monkeypatch.setattr(futures_task, "LONG", 4)
    job = {"model": "many_futures", "arguments": {"filters": 4, "blocks": 1, "futures": 2}}
    job |= {"task": {"source": "random_walls_32", "training": 4, "test": 3}}
    job |= {"steps": 4, "rounds": 1, "learning_rate": 1e-3, "conditions": {"rollout": 2, "context_noise": 0.1}}
    found, model = experiments.train_and_score(horizon=3, **job)
    assert model.name == "many_futures"
    assert found["forward_flops"] > 0
    lengths = {name: 4 if name.startswith("long") else 3 for name in found["scores"]}
    assert {name: len(values) for name, values in found["scores"].items()} == lengths
    assert {"long energy", "long sharpness", "long digit"} < set(lengths)
    assert "best of 2" in found["scores"]
    searched, _ = experiments.search_learning_rate(seed=0, **job)
    assert searched["validation"] == found["validation"]
