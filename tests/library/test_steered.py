"""The benchmark's task of a game that is steered: training, its remedies, and the score of a rollout."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from nextframe import steering, training
from nextframe.benchmark import experiments, fingerprints, tasks
from nextframe.datasets.paddle_game import decisive_moments
from nextframe.models import build

SETTINGS = {"source": "paddle_game", "training": 3, "context": 4}
SMALL = {"filters": 4, "dilations": [1]}


@pytest.fixture(scope="module")
def task():
    return tasks.load_task(**SETTINGS)


def test_splits_are_other_episodes(task):
    assert task.context_shape == (4, 32, 32, 1)
    assert {split: frames.shape for split, frames in task.frames.items()} == {
        "train": (3, 120, 32, 32),
        "validation": (20, 40, 32, 32),
        "test": (50, 304, 32, 32),
    }
    starts = {name: {frame.tobytes() for frame in frames[:, :6]} for name, frames in task.frames.items()}
    assert not starts["train"] & starts["test"]
    assert fingerprints.data(task) != fingerprints.data(tasks.load_task(**SETTINGS | {"training": 4}))


@pytest.mark.parametrize(
    "conditions", [{}, {"rollout": 3, "rounded": True}, {"rare": 0.3, "context_noise": 0.2}], ids=str
)
def test_a_step_is_a_batch_of_frames_whatever_the_remedy(task, conditions, tmp_path):
    keras.utils.set_random_seed(0)
    model = build("steerable", task.context_shape, **SMALL)
    before = model.get_weights()
    checkpoint = tmp_path / "run.npz"
    options = {"rounds": 2, "progress": False, "flops_per_example": 10.0, "checkpoint": checkpoint}
    history = task.fit(model, 12, 1e-2, **options, **conditions)
    assert [entry["step"] for entry in history] == ([9, 12] if "rollout" in conditions else [6, 12])
    assert history[-1]["flops"] == pytest.approx(12 * 32 * 10, rel=0.1)  # the last batch of an epoch is smaller
    assert not all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    trained = model.get_weights()
    model.set_weights(before)
    task.fit(model, 12, 1e-2, **options, **conditions)  # the same again: from the checkpoint, or anew
    for was, now in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(was, now, atol=1e-5)


def test_the_remedies_arrive(task, monkeypatch):
    """Frames that are rounded, noise, and decisive windows: as many as were asked for, of what is trained on alone."""
    unrolled, steered_dataset, asked, drawn = steering.unrolled, steering.steered_dataset, [], []

    def watched(model, horizon, **options):
        asked.append(options)
        return unrolled(model, horizon, **options)

    def watched_dataset(*arguments, **options):
        drawn.append(steered_dataset(*arguments, **options))
        return drawn[-1]

    monkeypatch.setattr(steering, "unrolled", watched)
    monkeypatch.setattr(steering, "steered_dataset", watched_dataset)
    monkeypatch.setattr(training, "fit", lambda *_, **options: [{"step": options["steps"], "seconds": 0.0}])
    model = build("steerable", task.context_shape, **SMALL)
    for remedies in ({}, {"rounded": True, "context_noise": 0.2, "rare": 0.5}):
        task.fit(model, 2, 1e-2, rounds=1, **remedies)
    assert asked == [{"noise": 0, "rounded": False}, {"noise": 0.2, "rounded": True}]
    windows = [sum(len(target) for _, target in dataset) for dataset in drawn]
    decisive = sum(int(decisive_moments(frames)[task.context :].sum()) for frames in task.frames["train"])
    assert windows[0] == 3 * (120 - 4) > 2 * decisive
    assert windows[2] == pytest.approx(2 * (windows[0] - decisive), abs=decisive)
    assert windows[1] == windows[3] == 20 * (40 - 4)


def test_a_model_that_moves_the_paddle_by_the_action_keeps_it(task):
    """One action too early or too late would move it wrongly."""
    context, action = keras.Input(task.context_shape), keras.Input((), dtype="int32")
    last = context[:, -1]
    inside = last[:, 26:27, 2:30]  # the paddle's row, between the walls
    sides = {1: ((0, 0), (0, 0), (0, 2), (0, 0)), 2: ((0, 0), (0, 0), (2, 0), (0, 0))}
    moved = inside
    for number, pad in sides.items():
        there = ops.pad(inside, pad)
        there = there[:, :, 2:] if number == 1 else there[:, :, :-2]
        stays = ops.sum(there, axis=(1, 2, 3)) < ops.sum(inside, axis=(1, 2, 3))  # at the wall
        there = ops.where(stays[:, None, None, None], inside, there)
        moved = ops.where(ops.equal(action, number)[:, None, None, None], there, moved)
    row = ops.concatenate([last[:, 26:27, :2], moved, last[:, 26:27, 30:]], axis=2)
    frame = ops.concatenate([last[:, :26], row, last[:, 27:]], axis=1)
    found = task.drift(keras.Model([context, action], frame), 10)
    for curves in found.values():
        assert min(curves["paddle within 1 px"]) > 0.9  # where the ball crosses its row, not all of it


def test_copying_loses_the_ball_and_the_paddle():
    found, network = experiments.train_and_score("copy_last", {}, SETTINGS, horizon=10)
    assert network is None
    drift = found["drift"]
    assert set(drift) == {"as they are", "rounded"}
    for curves in drift.values():
        assert len(curves["one ball"]) == 10
        assert curves["follows the ball"][3] == 0
        assert curves["paddle within 1 px"][0] > curves["paddle within 1 px"][9] > 0
        assert curves["one ball"][0] == 1 > curves["one ball"][9] > 0.7  # still there, unless it was hidden
    json.dumps(found, allow_nan=False)
