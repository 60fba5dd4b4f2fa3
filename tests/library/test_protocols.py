"""The setting that chapters share."""

import keras
import numpy as np

from nextframe import protocols
from nextframe.models import build


def test_digits_32(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = protocols.digits_32()
    assert task.training_clips.shape == (40, 20, 32, 32)
    assert task.context_shape == (10, 32, 32, 1)
    assert task.truth.shape == (500, 32, 32, 1)
    assert task.skill(build("copy_last", task.context_shape)) == 0
    assert task.skill(build("optical_flow", task.context_shape)) > 0.6
    assert 20 < np.square(task.truth - task.context[:, -1]).sum((1, 2, 3)).mean() < 24


def test_fit_trains_on_the_films(monkeypatch):
    monkeypatch.setenv("NEXTFRAME_PROFILE", "ci")
    task = protocols.digits_32()
    keras.utils.set_random_seed(0)
    model = build("frames_as_channels", task.context_shape, filters=8, depth=3, head="residual")
    before = task.skill(model)
    history = task.fit(model, 30, 3e-3, rounds=2, progress=False)
    assert history[-1]["examples"] == 30 * 32 - 2 * (32 - 400 % 32) * (400 % 32 > 0)
    assert task.skill(model) > before + 0.1
