"""The benchmark's task of a game that is steered: training, its remedies, and the score of a rollout."""

import json

import keras
import numpy as np
import pytest

from nextframe.benchmark import experiments, fingerprints, tasks
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
