"""The leaderboard says what the files say, and refuses to say it of half of them."""

import inspect
import json
import re

import keras
import numpy as np
import pytest

from nextframe import windows
from nextframe.benchmark import leaderboard, protocols, results, tasks
from nextframe.datasets.memory_tasks import memory_clips
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import BASELINES, MODELS, build
from nextframe.models.conv3d import conv3d

MODEL = "conv3d"


def scores(skill):
    return {"scores": {"all": {"skill": [skill, -1.0], "MSE per frame": [20 * (1 - skill), 99.0]}}}


@pytest.fixture
def protocol(store_benchmark, store_result):
    path, plan = store_benchmark(MODEL, "{}", [scores(0.7), scores(0.8)])
    for number, baseline in enumerate(BASELINES):
        (job,) = plan.jobs("runs", [baseline.__name__])
        store_result(plan, job, scores(number / 10))
    return path


def test_the_best_model_comes_first_with_its_spread(protocol, tmp_path):
    board = leaderboard.load_runs(protocol, tmp_path)
    assert list(board)[0] == MODEL
    assert list(board)[-1] == BASELINES[0].__name__
    assert leaderboard.over_seeds(board[MODEL], leaderboard.skill) == pytest.approx((0.75, 0.05))
    assert leaderboard.with_spread(board[MODEL], leaderboard.mse_per_frame, 1) == "5.0 ± 1.0"
    assert leaderboard.with_spread(board[MODEL], leaderboard.skill) == "0.750 ± 0.050"
    assert leaderboard.with_spread(board["copy_last"], leaderboard.skill, 2) == "0.00"
    assert leaderboard.with_spread(board["copy_last"], lambda run: -0.001, 2) == "0.00"


def test_a_run_that_is_missing_is_named(protocol, tmp_path):
    (tmp_path / "small" / "runs" / f"{MODEL}-1.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"small: runs/{MODEL}-1 not measured"):
        leaderboard.load_runs(protocol, tmp_path)
    (tmp_path / "small" / "calibration" / f"{MODEL}.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"small: runs/{MODEL} not measured"):
        leaderboard.load_runs(protocol, tmp_path)


def test_some_rows_may_be_read_without_the_others(protocol, tmp_path):
    (tmp_path / "small" / "runs" / "black.json").unlink()
    assert list(leaderboard.load_runs(protocol, tmp_path, ["copy_last", MODEL])) == [MODEL, "copy_last"]
    with pytest.raises(ValueError, match="row='conv4d': expected one of copy_last"):
        leaderboard.load_runs(protocol, tmp_path, ["conv4d"])


def conv3d_with_another_default(context_shape, filters=17):
    return conv3d(context_shape, filters)


def conv3d_of_other_code(*args, **kwargs):
    model = conv3d(*args, **kwargs)
    return keras.Model(model.input, keras.layers.Activation("relu")(model.output))


conv3d_of_other_code.__signature__ = inspect.signature(conv3d)


@pytest.mark.parametrize(
    ("function", "part"), [(conv3d_with_another_default, "arguments"), (conv3d_of_other_code, "structure")]
)
def test_a_run_of_another_model_is_refused(protocol, tmp_path, monkeypatch, computed_anew, function, part):
    computed_anew()
    monkeypatch.setitem(MODELS, MODEL, function)
    refused = f"runs/{MODEL}-0 was measured with another {part} than today's: .* --protocol .* --models {MODEL}"
    with pytest.raises(ValueError, match=refused):
        leaderboard.load_runs(protocol, tmp_path)


def test_a_run_on_other_clips_is_refused(protocol, tmp_path, monkeypatch, computed_anew):
    def brighter(*args, **kwargs):
        return np.maximum(moving_digits(*args, **kwargs), 1)

    computed_anew()
    monkeypatch.setattr(tasks, "moving_digits", brighter)
    with pytest.raises(ValueError, match="copy_last was measured with another data than today's"):
        leaderboard.load_runs(protocol, tmp_path)


def test_a_run_of_another_protocol_is_refused(protocol, tmp_path):
    protocol.write_text(protocol.read_text().replace("horizon = 1", "horizon = 2"))
    with pytest.raises(ValueError, match="copy_last was measured with another horizon than today's"):
        leaderboard.load_runs(protocol, tmp_path)


def test_a_run_after_another_search_is_refused(protocol, tmp_path):
    """Its rate was found in other steps than the protocol now asks for."""
    share = re.search(r"share = [\d.]+", protocol.read_text())[0]
    protocol.write_text(protocol.read_text().replace(share, "share = 0.9"))
    with pytest.raises(ValueError, match=f"search/{MODEL}-.* was measured with another steps than today's"):
        leaderboard.load_runs(protocol, tmp_path)


def test_the_gpus_numbers_are_of_todays_networks(tmp_path, monkeypatch):
    found = leaderboard.load_gpu()
    assert list(found) == list(protocols.settings("digits-32")["models"])
    assert all(measured["steps_per_second"] > 0 for measured in found.values())
    monkeypatch.setitem(MODELS, MODEL, conv3d_of_other_code)
    with pytest.raises(ValueError, match=f"{MODEL} was measured with another network.*measure_gpu.py .*{MODEL}$"):
        leaderboard.load_gpu()


def test_the_spread_over_seeds_is_half_the_range():
    runs = [scores(skill) for skill in (0.7, 0.9, 0.71)]
    assert leaderboard.over_seeds(runs, leaderboard.skill) == pytest.approx((0.77, 0.1))


def test_a_classifier_has_right_answers_in_place_of_skill(store_benchmark, tmp_path):
    path, _ = store_benchmark(MODEL, "{}", [{"accuracy": 0.7}, {"accuracy": 0.8}])
    path.write_text(f"baselines = []\n{path.read_text()}")
    board = leaderboard.load_runs(path, tmp_path)
    assert leaderboard.with_spread(board[MODEL], leaderboard.accuracy, 2) == "0.75 ± 0.05"


def runs_with_losses(*losses):
    return [
        {"history": [{"step": 5 * n, "examples": 9 * n, "validation": loss} for n, loss in enumerate(each, 1)]}
        for each in losses
    ]


def test_a_learning_curve_is_the_mean_over_runs():
    steps, losses = leaderboard.learning_curve(runs_with_losses([4, 2, 1], [6, 2, 3]))
    assert steps == [5, 10, 15]
    assert losses == [5, 2, 2]


def test_what_it_cost_to_get_there():
    """The first time that the loss was as low; a run that never was took for ever."""
    runs = runs_with_losses([4, 2, 1, 2], [6, 3, 3, 3])
    assert leaderboard.until(runs, 2) == [10, float("inf")]
    assert leaderboard.until(runs, 4, "examples") == [9, 18]


def test_a_run_that_diverged_is_read_up_to_there():
    """Its last round is stored as None, and there are none after it."""
    runs = runs_with_losses([4, None], [6, 2, 1])
    assert leaderboard.until(runs, 2) == [float("inf"), 10]
    assert leaderboard.stopped_at(runs[:1], 1)[0]["validation"] == 4
    steps, losses = leaderboard.learning_curve(runs)
    assert steps == [5, 10]
    np.testing.assert_equal(losses, [5, np.nan])


def test_a_run_is_cut_where_a_share_of_its_rounds_is_over():
    losses = [3.0, 2.0, 4.0, 1.0, 0.5]
    run = {"validation": 0.5, "history": [{"step": 10 * n, "validation": loss} for n, loss in enumerate(losses)]}
    (half,) = leaderboard.stopped_at([run], 0.5)
    assert half == {"validation": 2.0, "history": run["history"][:2]}
    assert leaderboard.stopped_at([run], 0.6)[0]["history"] == run["history"][:3]
    assert leaderboard.stopped_at([run], 0.01)[0]["validation"] == 3.0
    assert len(run["history"]) == 5


def test_levels_of_a_loss_are_the_losses_of_forecasts_that_learn_nothing():
    """On all windows of the validation clips, as Keras evaluates them."""
    task = {"source": "digits_32", "training": 4}
    found = leaderboard.trivial_losses([{"settings": {"task": task}, "context_shape": [10, 32, 32, 1]}])
    data = tasks.load_task(**task)
    validation = windows.window_dataset(data.validation_clips, 10, batch_size=100)
    for level, name in {"copying": "copy_last", "black": "black"}.items():
        model = build(name, data.context_shape)
        model.compile(loss="mse")
        assert found[level] == pytest.approx(model.evaluate(validation, verbose=0), rel=1e-5)
    assert found["mean"] < found["black"]


def test_the_mean_of_a_memory_task_remembers_nothing():
    task = {"source": "memory", "task": "hidden", "back": 4, "context": 8}
    found = leaderboard.trivial_losses([{"settings": {"task": task}, "context_shape": [8, 16, 16, 1]}])
    truth = memory_clips("hidden", 4, 8, "validation")[:, -1] / 255
    assert found["mean"] == pytest.approx(truth.var(axis=0).mean(), rel=1e-5)
    assert found["copying"] > found["mean"]  # the last frame shows a hidden object nowhere


@pytest.mark.parametrize(
    "task",
    [
        {"source": "labelled_motion", "question": "digit", "training": 4},
        {"source": "real_clips_64", "names": ["box"], "sections": 2, "context": 4},
    ],
    ids=["labels", "weights"],
)
def test_no_level_of_a_loss_that_is_another(task):
    with pytest.raises(ValueError, match=f"{task['source']}: expected clips without labels that count alike"):
        leaderboard.trivial_losses([{"settings": {"task": task}, "context_shape": [4, 64, 64, 1]}])


def runs_with_errors(*errors):
    return [{"scores": {"all": {"MSE per frame": [np.mean(each)]}}, "clip_mse": list(each)} for each in errors]


def test_the_interval_over_clips_is_that_of_the_mean():
    """95 % of means of 400 draws from a known distribution lie within 1.96 standard errors."""
    errors = np.random.default_rng(0).normal(5, 2, 400)
    low, high = leaderboard.over_clips(runs_with_errors(errors))
    half = 1.96 * errors.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((errors.mean() - half, errors.mean() + half), abs=0.07 * half)


def test_windows_of_one_clip_count_as_one():
    """Twenty equal windows a clip are no twenty observations: blocks of twenty give the wider, right interval."""
    clips = np.random.default_rng(0).normal(5, 2, 30)
    runs = runs_with_errors(np.repeat(clips, 20))
    (low, high), (low_1, high_1) = leaderboard.over_clips(runs, block=20), leaderboard.over_clips(runs)
    assert high - low == pytest.approx(np.sqrt(20) * (high_1 - low_1), rel=0.15)


def test_level_takes_the_larger_uncertainty():
    rng = np.random.default_rng(0)
    hard = rng.normal(5, 2, 200)  # clips differ far more than models do
    a_little_worse = hard + rng.normal(0.1, 0.1, 200)
    as_good = hard + rng.normal(0, 0.1, 200)
    assert not leaderboard.level(runs_with_errors(hard), runs_with_errors(a_little_worse))
    assert leaderboard.level(runs_with_errors(hard), runs_with_errors(as_good))
    low, high = leaderboard.difference(runs_with_errors(a_little_worse), runs_with_errors(hard))
    assert (low, high) == pytest.approx((0.1 - 1.96 * 0.1 / 200**0.5, 0.1 + 1.96 * 0.1 / 200**0.5), abs=0.015)
    # three seeds that spread more than the models differ
    spread = runs_with_errors(a_little_worse, a_little_worse + 0.3, a_little_worse - 0.3)
    assert leaderboard.level(runs_with_errors(hard), spread)


def test_more_windows_of_the_same_clips_tell_no_better():
    """A difference within the uncertainty over thirty clips, each seen in twenty windows."""
    errors = np.random.default_rng(0).normal(5, 2, 600)
    better = errors - np.repeat(np.random.default_rng(1).normal(0.2, 1, 30), 20)
    assert leaderboard.level(runs_with_errors(errors), runs_with_errors(better), block=20)
    assert not leaderboard.level(runs_with_errors(errors), runs_with_errors(better))


def test_runs_without_errors_of_windows_have_no_interval():
    with pytest.raises(ValueError, match="no run keeps the errors of its windows"):
        leaderboard.over_clips([scores(0.5)])


@pytest.mark.parametrize("protocol", ["digits-32"])
def test_stored_runs_agree_with_themselves(protocol):
    """Skill is what the errors say, and the diagnostics found no leak."""
    folder = results.FOLDER / protocol / "runs"
    stored = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    copying = tasks.load_task(**protocols.settings(protocol)["task"])
    copied = np.square(copying.future - copying.context[:, -1:]).sum((2, 3, 4)).mean(0)
    assert stored
    for name, run in stored.items():
        scores = run["scores"]["all"]
        assert scores["skill"] == pytest.approx(1 - np.array(scores["MSE per frame"]) / copied, abs=1e-4), name
        assert run["diagnostics"]["leaks"] == [], name


def test_draws_are_ranked_by_their_last_energy_score():
    board = leaderboard.load_runs("many-futures")
    last = {name: np.mean([run["scores"]["energy score"][-1] for run in runs]) for name, runs in board.items()}
    assert list(board) == sorted(last, key=last.get)
