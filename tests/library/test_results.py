"""Results on disk: whole, with their circumstances, found by name."""

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from measure_keras_example import network

from nextframe.benchmark import results
from nextframe.training import SHORT_ROUND, steps_at_once


@pytest.fixture
def measure_pytorch(monkeypatch):
    """The names in `tools/measure_pytorch.py`. PyTorch need not be installed: all but its own networks are real."""
    nn = SimpleNamespace(Module=object, Sequential=object, Conv2d=object, Conv3d=object, functional=None)
    for name, module in {"torch": SimpleNamespace(nn=nn, Tensor=object), "torch.nn": nn}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # the tool sets it too, and here it is taken back
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "tools" / "measure_pytorch.py")))


def test_a_result_comes_back_with_its_circumstances(tmp_path):
    path = results.save("run", {"mse": 1.5, "steps": [1, 2]}, folder=tmp_path)
    result = results.load("run", folder=tmp_path)
    assert (result["mse"], result["steps"]) == (1.5, [1, 2])
    assert result["measured_with"]["keras"] == keras.__version__
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path):
    results.save("run", {"mse": 1.5}, folder=tmp_path)
    for value, error in ((object(), TypeError), (float("nan"), ValueError)):
        with pytest.raises(error):
            results.save("run", {"mse": value}, folder=tmp_path)
    assert results.load("run", folder=tmp_path)["mse"] == 1.5


def test_unknown_result(tmp_path):
    results.save("run", {}, folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="no result 'walk': there is run"):
        results.load("walk", folder=tmp_path)
    results.save("runs/far", {}, folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="no result 'runs/walk': there is far"):
        results.load("runs/walk", folder=tmp_path)


def test_every_stored_result_can_be_read_and_says_how_it_was_measured():
    paths = list(results.FOLDER.rglob("*.json"))
    assert len(paths) > 1000
    for path in paths:
        result = results.load(path.relative_to(results.FOLDER).with_suffix("").as_posix())
        assert result["measured_with"]["machine"]
        assert "NaN" not in json.dumps(result)


def test_the_example_is_as_large_as_the_published_one():
    assert network((10, 32, 32, 1)).count_params() == 746_689


def test_keras_and_pytorch_are_compared_again_with_the_networks_of_the_stored_result(measure_pytorch):
    stored = results.load("pytorch_speed")["networks"]
    clips = np.zeros((1, 12, 32, 32, 1), np.uint8)
    today = {name: measure_pytorch.InKeras(name, clips).parameters for name in measure_pytorch.NETWORKS}
    assert today == {name: network["parameters"] for name, network in stored.items()}


def test_keras_and_pytorch_are_compared_over_steps_that_keras_takes_as_in_long_trainings(measure_pytorch):
    assert steps_at_once(measure_pytorch.STEPS) == steps_at_once(100 * SHORT_ROUND) > 1
