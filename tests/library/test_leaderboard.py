"""The leaderboard says what the files say, and refuses to say it of half of them."""

import json

import numpy as np
import pytest

from nextframe.benchmark import leaderboard, protocols, results
from nextframe.models import BASELINES

MODEL = "conv3d"


def scores(skill):
    return {"scores": {"all": {"skill": [skill, -1.0], "MSE per frame": [20 * (1 - skill), 99.0]}}}


@pytest.fixture
def protocol(store_benchmark):
    path, plan = store_benchmark(MODEL, "{}", [scores(0.7), scores(0.8)])
    for number, baseline in enumerate(BASELINES):
        (job,) = plan.jobs("runs", [baseline.__name__])
        results.save(job.name, {"settings": job.settings} | scores(number / 10), plan.folder)
    return path


def test_the_best_model_comes_first_with_its_spread(protocol, tmp_path):
    board = leaderboard.load_runs(protocol, tmp_path)
    assert list(board)[0] == MODEL
    assert list(board)[-1] == BASELINES[0].__name__
    assert leaderboard.over_seeds(board[MODEL], leaderboard.skill) == pytest.approx((0.75, 0.05))
    assert leaderboard.with_spread(board[MODEL], leaderboard.mse_per_frame, 1) == "5.0 ± 1.0"
    assert leaderboard.with_spread(board["copy_last"], leaderboard.skill, 2) == "0.00"


def test_a_run_that_is_missing_is_named(protocol, tmp_path):
    (tmp_path / "small" / "runs" / f"{MODEL}-1.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"small: runs/{MODEL}-1 not measured"):
        leaderboard.load_runs(protocol, tmp_path)
    (tmp_path / "small" / "calibration" / f"{MODEL}.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"small: runs/{MODEL} not measured"):
        leaderboard.load_runs(protocol, tmp_path)


@pytest.mark.parametrize("protocol", ["digits-32"])
def test_stored_runs_agree_with_themselves(protocol):
    """Skill is what the errors say, and the probes found no leak."""
    folder = results.FOLDER / protocol / "runs"
    stored = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    copying = protocols.load_task(**protocols.settings(protocol)["films"])
    copied = np.square(copying.future - copying.context[:, -1:]).sum((2, 3, 4)).mean(0)
    assert stored
    for name, run in stored.items():
        scores = run["scores"]["all"]
        assert scores["skill"] == pytest.approx(1 - np.array(scores["MSE per frame"]) / copied, abs=1e-4), name
        assert run["probes"]["leaks"] == [], name
