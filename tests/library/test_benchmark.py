"""The benchmark: what it stores, what it does again, and what survives when it is killed."""

import contextlib
import functools
import json
import subprocess
import sys
import tempfile
import time
import warnings

import keras
import numpy as np
import pytest
import tensorflow_datasets

from nextframe import metrics, training
from nextframe.benchmark import experiments, fingerprints, processes, protocols, results, runner, scoring, tasks
from nextframe.benchmark.__main__ import main
from nextframe.benchmark.plan import STAGES, Benchmark
from nextframe.benchmark.task import Task
from nextframe.models import CLASSIFIERS, PROBABILISTIC, build

SMALL = """
[task]
source = "digits_32"
training = 4

[training]
seconds = 0.02
rounds = 2
seeds = [0, 1]
horizon = 3

[search]
learning_rates = [1e-3, 1e-2]
share = 0.5

[models]
frames_as_channels = { filters = 2, depth = 2 }
"""
MODEL = "frames_as_channels"
TIMES = ("seconds", "history", "seconds_per_step")  # history holds seconds


@pytest.fixture
def protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # weights go below
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def stored(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}


def without_times(result):
    return {name: value for name, value in result.items() if name not in TIMES}


def put_calibration(protocol, folder, seconds_per_step=0.002, row=MODEL):
    """As if the model had been timed: how many steps there are must not depend on this machine's load."""
    (job,) = Benchmark(protocol, folder).jobs("calibration", [row])
    depends = fingerprints.today(job.settings)
    result = {"settings": job.settings, "fingerprint": depends, "seconds_per_step": seconds_per_step}
    results.save(job.name, result, folder / "small")


ONE_OF_EACH = SMALL.replace("[0, 1]", "[0]").replace("[1e-3, 1e-2]", "[1e-3]")  # a rate, a seed


def test_a_benchmark_from_nothing_to_its_results_here_and_on_a_ray_cluster(protocol, tmp_path):
    """In one test, since to measure all in processes takes long, and the cluster has to give the same."""
    protocol.write_text(ONE_OF_EACH)
    assert runner.run_benchmark(protocol, ["copy_last", MODEL], folder=tmp_path) == []
    results = stored(tmp_path / "small")
    assert set(results) == {
        f"calibration/{MODEL}.json",
        f"search/{MODEL}-0.001.json",
        f"runs/{MODEL}-0.json",
        "runs/copy_last.json",
    }
    copied = json.loads(results["runs/copy_last.json"])
    assert copied["scores"]["all"]["skill"] == [0, 0, 0]
    assert copied["scores"]["all"]["energy"][0] == pytest.approx(1, abs=0.1)
    run = json.loads(results[f"runs/{MODEL}-0.json"])
    timed = json.loads(results[f"calibration/{MODEL}.json"])
    assert timed["parameters"] == run["parameters"] == 20 * 9 + 2 + 2 * 9 + 1
    assert run["settings"]["steps"] == Benchmark(protocol, tmp_path).steps(MODEL)
    assert len(run["history"]) == 2
    assert run["measured_with"]["processor"]
    assert set(run["diagnostics"]) == {"shift_error", "temporal_receptive_field", "order_sensitivity", "leaks"}
    assert run["diagnostics"]["leaks"] == []
    # the weights are those of the result
    model = build(MODEL, (10, 32, 32, 1), filters=2, depth=2)
    model.load_weights(Benchmark(protocol, tmp_path).weights_folder / f"{MODEL}-0.weights.h5")
    task = tasks.digits_32(training=4)
    again = scoring.score_horizon(model, task.context, task.future[:, :3])
    assert again["MSE per frame"] == pytest.approx(run["scores"]["all"]["MSE per frame"], rel=1e-4)
    # what is done is not done again
    assert runner.run_benchmark(protocol, ["copy_last", MODEL], folder=tmp_path) == []
    assert stored(tmp_path / "small") == results
    a_ray_cluster_gives(results, protocol, tmp_path / "over ray")


def a_ray_cluster_gives(results, protocol, folder):
    import ray

    timed = f"calibration/{MODEL}.json"  # decides the number of steps
    (folder / "small" / timed).parent.mkdir(parents=True)
    (folder / "small" / timed).write_bytes(results[timed])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert runner.run_benchmark(protocol, [MODEL], ray="local", folder=folder) == []
    finally:
        ray.shutdown()
    by_processes, over_ray = (
        {name: without_times(json.loads(text)) for name, text in found.items()}
        for found in (results, stored(folder / "small"))
    )
    assert by_processes.pop("runs/copy_last.json")
    assert len(over_ray) == 3
    assert over_ray == by_processes


@pytest.fixture
def in_this_process(monkeypatch):
    """Jobs one by one in this process: to start another for each takes longer than the job."""

    def do_all(jobs, workers, threads):
        for job in jobs:
            with tempfile.TemporaryDirectory() as folder:
                processes.do(job, folder)
                yield job, processes.written(folder)

    monkeypatch.setattr(runner, "in_processes", do_all)


@pytest.mark.usefixtures("in_this_process")
def test_what_older_settings_measured_is_measured_again(protocol, tmp_path, capsys):
    runner.run_benchmark(protocol, ["black"], folder=tmp_path)
    protocol.write_text(SMALL.replace("horizon = 3", "horizon = 2"))
    plan = Benchmark(protocol, tmp_path)
    runner.run_benchmark(protocol, ["black"], folder=tmp_path, only_missing=True)
    assert len(plan.read("runs/black")["scores"]["all"]["skill"]) == 3
    main(["--protocol", str(protocol), "--folder", str(tmp_path), "--models", "black", "--list"])
    assert "runs/black (missing)" in capsys.readouterr().out
    runner.run_benchmark(protocol, ["black"], folder=tmp_path)
    assert len(plan.read("runs/black")["scores"]["all"]["skill"]) == 2


def test_the_rate_with_the_lowest_error_is_taken(protocol, tmp_path):
    plan = Benchmark(protocol, tmp_path)
    put_calibration(protocol, tmp_path)
    assert plan.steps(MODEL) == 10
    assert plan.tried(MODEL) == {}
    assert plan.learning_rate(MODEL) is None
    assert plan.jobs("runs", [MODEL]) == []
    first, second = plan.jobs("search", [MODEL])
    results.save(first.name, {"settings": first.settings, "validation": 0.3}, plan.folder)
    assert plan.tried(MODEL) == {1e-3: 0.3}
    assert plan.learning_rate(MODEL) is None  # as long as a rate has not been tried
    results.save(second.name, {"settings": second.settings, "validation": 0.2}, plan.folder)
    assert plan.tried(MODEL) == {1e-3: 0.3, 1e-2: 0.2}
    assert plan.learning_rate(MODEL) == 1e-2
    assert [job.settings["learning_rate"] for job in plan.jobs("runs", [MODEL])] == [1e-2, 1e-2]


def test_at_a_constant_rate_what_is_learned_must_be_kept(protocol, tmp_path):
    histories = {1e-3: [0.5, 0.4], 1e-2: [0.1, 0.6]}  # the second learns at once, and loses it again
    for schedule, taken in (("cosine", 1e-2), ("constant", 1e-3)):
        protocol.write_text(SMALL.replace("[training]", f'[training]\nschedule = "{schedule}"'))
        plan = Benchmark(protocol, tmp_path)
        for rate, errors in histories.items():
            history = [{"validation": error} for error in errors]
            results.save(f"search/{MODEL}-{rate:g}", {"validation": min(errors), "history": history}, plan.folder)
        assert plan.learning_rate(MODEL) == taken


@pytest.mark.parametrize(
    ("errors", "edge"), [((0.1, 0.2, 0.3), True), ((0.2, 0.1, 0.3), False), ((0.3, 0.2, 0.1), True)]
)
def test_a_rate_on_the_edge_of_its_grid_is_named(protocol, tmp_path, errors, edge):
    protocol.write_text(SMALL.replace("[1e-3, 1e-2]", "[1e-2, 1e-1, 1e-3]"))  # in any order
    put_calibration(protocol, tmp_path)
    plan = Benchmark(protocol, tmp_path)
    assert not plan.takes_an_edge(MODEL)  # nothing is taken yet
    for rate, validation in zip((1e-3, 1e-2, 1e-1), errors, strict=True):
        results.save(f"search/{MODEL}-{rate:g}", {"validation": validation}, plan.folder)
    assert plan.takes_an_edge(MODEL) is edge
    assert not plan.takes_an_edge("black")


def test_the_search_has_its_share_of_the_steps(protocol, tmp_path):
    put_calibration(protocol, tmp_path)  # 10 steps
    protocol.write_text(SMALL.replace("share = 0.5", "share = 0.4"))
    searches = Benchmark(protocol, tmp_path).jobs("search", [MODEL])
    assert [job.settings["steps"] for job in searches] == [4, 4]
    assert [job.seconds for job in searches] == pytest.approx([0.008, 0.008])
    put_calibration(protocol, tmp_path, seconds_per_step=1)
    assert Benchmark(protocol, tmp_path).steps(MODEL) == 2  # one in each round, at least


def test_the_search_returns_the_lowest_error(monkeypatch):
    errors = [{"validation": error} for error in (0.3, 0.1, 0.2)]
    monkeypatch.setattr(Task, "fit", lambda *_, **__: errors)
    task, size = {"source": "digits_32", "training": 1}, {"filters": 2, "depth": 2}
    found, _ = experiments.search_learning_rate(MODEL, size, task, steps=3, rounds=3, learning_rate=1e-3, seed=0)
    assert found == {"validation": 0.1, "history": errors}


def test_a_step_takes_what_it_takes_in_the_faster_round():
    """After one to warm up: another program may have slowed the other."""

    now = iter([0, 0.5, 1, 4, 5, 7])

    class Data:
        def fit(self, network, steps, learning_rate, *, rounds, callbacks, **options):
            assert (steps, rounds) == (30, 3)
            for epoch in range(rounds):
                for callback in callbacks:
                    callback.on_epoch_begin(epoch)
                    callback.on_test_begin()

    assert experiments._seconds_per_step(None, Data(), 10, lambda: next(now)) == pytest.approx(0.2)


def test_seconds_are_those_of_a_machine_as_fast_as_the_yardstick(protocol, tmp_path, monkeypatch):
    """Where the yardstick takes twice as long as it should, so does everything: a step's time is halved."""
    yardstick = f'yardstick = {{ model = "{MODEL}", arguments = {{ depth = 2 }}, seconds_per_step = 0.2 }}'
    protocol.write_text(SMALL.replace("horizon = 3", f"horizon = 3\n{yardstick}") + "conv3d = { filters = 2 }\n")
    (job,) = Benchmark(protocol, tmp_path).jobs("calibration", ["conv3d"])
    monkeypatch.setattr(experiments, "_seconds_per_step", lambda network, *_: {MODEL: 0.4, "conv3d": 0.8}[network.name])
    timed, _ = experiments.calibrate(**job.settings)
    assert timed["seconds_per_step"] == pytest.approx(0.4)


def test_a_training_that_was_cut_off_goes_on(protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_calibration(protocol, tmp_path)
    job, _ = Benchmark(protocol, tmp_path).jobs("search", [MODEL])

    def cut_off(self, *_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as first:
        first.setattr(results, "save", cut_off)  # everything but the result is there
        with pytest.raises(KeyboardInterrupt):
            processes.do(job, tmp_path / "out")
    (checkpoint,) = (tmp_path / processes.CHECKPOINTS).iterdir()
    with monkeypatch.context() as second:
        second.setattr(keras.Model, "fit", cut_off)  # all rounds are in the checkpoint: none is trained again
        processes.do(job, tmp_path / "out")
    assert results.load(job.name, tmp_path / "out")["history"][-1]["step"] == job.settings["steps"]
    assert not checkpoint.exists()


def test_a_job_that_fails_is_named_and_the_others_go_on(protocol, tmp_path, capsys):
    protocol.write_text(SMALL.replace("depth = 2", "depth = 2, patch = 5"))
    assert runner.run_benchmark(protocol, ["black", MODEL], folder=tmp_path) == [f"calibration/{MODEL}"]
    assert "patch=5 does not divide" in capsys.readouterr().out
    assert set(stored(tmp_path / "small")) == {"runs/black.json"}


def test_unknown_names_are_explained(protocol, tmp_path):
    with pytest.raises(ValueError, match="protocol='digits-33': expected one of .*digits-32"):
        runner.run_benchmark("digits-33", folder=tmp_path)
    with pytest.raises(ValueError, match="model='lstm': expected one of copy_last"):
        runner.run_benchmark(protocol, ["lstm"], folder=tmp_path)
    protocol.write_text(SMALL.replace("frames_as_channels", "frames_as_chanels"))
    with pytest.raises(ValueError, match="no model frames_as_chanels"):
        runner.run_benchmark(protocol, folder=tmp_path)
    protocol.write_text("[task]\n")
    with pytest.raises(ValueError, match="has no table models, search, training"):
        runner.run_benchmark(protocol, folder=tmp_path)


def networks_by_protocol():
    """(frames, model, arguments) of every row of the book's protocols, each once, but for those with a stored run.

    Those are built below, to compare the fingerprints.
    """
    seen, found = set(), {}
    for name in protocols.NAMES:
        plan, frames = Benchmark(name), protocols.settings(name)["task"]  # refuses a model that there is not
        measured = {path.stem for path in (plan.folder / "runs").glob("*.json")}
        rows = [row for label, row in plan.rows.items() if not {label, f"{label}-0"} & measured]
        parts = ((frames | row.get("task", {}), row["model"], protocols.arguments(row)) for row in rows)
        of_protocol = {json.dumps(part, sort_keys=True) for part in parts}
        if new := sorted(of_protocol - seen):
            found[name] = new
        seen |= of_protocol
    return found


UNMEASURED = networks_by_protocol()


@pytest.mark.parametrize("networks", UNMEASURED.values(), ids=UNMEASURED)
def test_the_books_protocols_name_models_that_can_be_built(networks):
    """On the protocol's own frames: of a few clips, and without a download."""

    @functools.cache
    def shape(of_frames):
        frames = json.loads(of_frames)
        few = {argument: 2 for argument in ("training", "test") if argument in frames}
        return tasks.load_task(**frames | few).context_shape

    policy = tensorflow_datasets.testing.MockPolicy.USE_CODE
    with tensorflow_datasets.testing.mock_data(num_examples=2, policy=policy):
        for frames, name, arguments in map(json.loads, networks):
            context_shape = shape(json.dumps(frames))
            model = build(name, context_shape, **arguments)
            assert name in CLASSIFIERS | PROBABILISTIC or model.output_shape == (None, *context_shape[1:])


@pytest.mark.parametrize("name", protocols.NAMES)
def test_no_stored_measurement_is_of_older_inputs(name):
    """Searches and calibrations too, of which pages print some, and which decide the rates and steps of runs."""
    plan = Benchmark(name)
    jobs = [job for stage in STAGES for job in plan.jobs(stage, plan.models)]
    outdated = {job.name: plan.outdated(job) for job in jobs}
    assert {job: inputs for job, inputs in outdated.items() if inputs} == {}


@pytest.mark.parametrize("name", protocols.NAMES)
def test_the_books_protocols_read_differences_in_rows_that_they_have(name):
    settings = protocols.settings(name)
    assert set(settings["training"].get("on_differences", [])) <= set(settings["models"])


@pytest.mark.parametrize("name", protocols.NAMES)
def test_the_books_protocols_mean_the_same_clips_on_every_machine(name):
    """Unless it is told how many, `digits_32` draws as many as the profile has time for."""
    plan = Benchmark(name)
    tasks_of_rows = {row: plan.inputs(row)["task"] for row in plan.rows}  # baselines too
    assert not [row for row, task in tasks_of_rows.items() if task["source"] == "digits_32" and "training" not in task]


def test_a_row_may_be_a_variant_of_a_model(protocol, tmp_path):
    """It is the model's function with other arguments, and a job like any other; one that reads differences says so."""
    text = SMALL + f'variant = {{ model = "{MODEL}", depth = 2 }}\n'
    text = text.replace("seeds = [0, 1]", 'on_differences = ["variant"]\nseeds = [0]').replace("1e-3, 1e-2", "1e-3")
    protocol.write_text(text)
    plan = Benchmark(protocol, tmp_path)
    (usual,), (variant,) = (plan.jobs("calibration", [row]) for row in (MODEL, "variant"))
    assert (variant.name, variant.settings["model"]) == ("calibration/variant", MODEL)
    assert variant.settings["arguments"] == fingerprints.resolved_arguments(MODEL, {"depth": 2})
    assert variant.settings["differences"]
    assert "differences" not in usual.settings
    for stage in ("calibration", "search", "runs"):
        for job in plan.jobs(stage, ["variant"]):
            processes.do(job, tmp_path / plan.name)
    assert {file.stem for file in (tmp_path / plan.name / "runs").iterdir()} == {"variant-0"}
    with pytest.raises(SystemExit):
        main(["--protocol", str(protocol), "--folder", str(tmp_path), "--models", "variants"])


def test_conditions_of_training_are_those_of_a_row(protocol, tmp_path):
    """Of its search as well; a step is timed without, since a step on a rollout counts as often as it has frames."""
    row = f'rollouts = {{ model = "{MODEL}", training = {{ conditions = {{ rollout = 3 }} }} }}\n'
    protocol.write_text(SMALL + row)
    plan = Benchmark(protocol, tmp_path)
    (timed,) = plan.jobs("calibration", ["rollouts"])
    assert "conditions" not in timed.settings
    put_calibration(protocol, tmp_path, row="rollouts")
    assert [job.settings["conditions"] for job in plan.jobs("search", ["rollouts"])] == [{"rollout": 3}] * 2


def test_steps_may_be_given_and_rows_may_differ_in_more_than_arguments(protocol, tmp_path):
    """Each row meets each variant, with its own clips, steps and schedule; nothing is timed where steps are given."""
    text = SMALL.replace("seconds = 0.02", "steps = 6").replace("[1e-3, 1e-2]", "[1e-3]")
    protocol.write_text(
        "baselines = []\n" + text + "black = {}\n[variants]\nplain = {}\n"
        'other = { task = { training = 2 }, training = { steps = 4, schedule = "constant", seeds = [3] } }\n'
    )
    plan = Benchmark(protocol, tmp_path)
    rows = [f"{MODEL}-plain", f"{MODEL}-other"]
    assert plan.models == ["black-plain", "black-other", *rows]
    assert plan.jobs("calibration", plan.models) == []
    plain, other = plan.jobs("search", plan.models)
    assert (plain.settings["steps"], other.settings["steps"]) == (2, 2)  # half of them, in two rounds
    assert "schedule" not in plain.settings
    assert other.settings["schedule"] == "constant"
    assert (plain.settings["task"]["training"], other.settings["task"]["training"]) == (4, 2)
    for job in (plain, other):
        results.save(job.name, {"validation": 0.1, "history": [{"validation": 0.1}]}, plan.folder)
    runs = plan.jobs("runs", plan.models)
    assert [job.label for job in runs] == ["black-plain", "black-other", f"{rows[0]}-0", f"{rows[0]}-1", f"{rows[1]}-3"]
    assert [job.settings.get("steps") for job in runs] == [None, None, 6, 6, 4]
    processes.do(runs[-1], tmp_path / "out")
    stored_run = results.load(runs[-1].name, tmp_path / "out")
    assert [entry["step"] for entry in stored_run["history"]] == [2, 4]
    processes.do(runs[0], tmp_path / "out")
    assert results.load("runs/black-plain", tmp_path / "out")["history"] == []


def test_a_rate_at_which_training_diverges_is_tried_and_not_taken(protocol, tmp_path):
    protocol.write_text(SMALL.replace("[1e-3, 1e-2]", "[1e-3, 1e30]"))
    plan = Benchmark(protocol, tmp_path)
    put_calibration(protocol, tmp_path)
    for job in plan.jobs("search", [MODEL]):
        with warnings.catch_warnings(action="ignore"):
            processes.do(job, plan.folder)
    assert plan.tried(MODEL)[1e30] == float("inf")
    assert plan.learning_rate(MODEL) == 1e-3


def test_weights_are_stored_before_the_result_that_says_so(protocol, tmp_path, monkeypatch):
    """A kill in between must not leave a run that counts as measured and has no weights."""
    written = []
    monkeypatch.setattr("nextframe.benchmark.plan.write_atomically", lambda path, _: written.append(path.name))
    for row in ("conv_lstm", "unet"):
        Benchmark(protocol, tmp_path).store({f"runs/{row}-0.json": b"", f"{row}-0.weights.h5": b""})
    assert written == ["conv_lstm-0.weights.h5", "conv_lstm-0.json", "unet-0.weights.h5", "unet-0.json"]


def test_a_network_of_differences_is_scored_elsewhere_as_one(monkeypatch, tmp_path):
    rebuilt = []

    def score(self, network, *, horizon, seed, rebuild):
        rebuilt.append((network, rebuild((10, 40, 40, 1))))
        return {}

    monkeypatch.setattr(Task, "score", score)
    task = {"source": "digits_32", "training": 2}
    experiments.train_and_score("frames_as_channels", {"filters": 2, "depth": 2}, task, 1, differences=True)
    ((network, elsewhere),) = rebuilt
    assert elsewhere.name == network.name == "frames_as_channels_on_differences"
    assert elsewhere.input_shape == (None, 10, 40, 40, 1)


def test_a_protocol_may_say_what_differs_from_another(protocol, tmp_path):
    """Its seconds are steps as the other's calibration says, and each variant may be searched in its own way.

    Under any conditions: they cost nothing.
    """
    put_calibration(protocol, tmp_path, seconds_per_step=0.002)  # so that 0.02 seconds are 10 steps
    budgets = tmp_path / "budgets.toml"
    budgets.write_text(
        f'base = "{protocol}"\nbaselines = ["black"]\n[search]\nlearning_rates = [1e-3]\n[variants]\n'
        "short = { training = { seconds = 0.008 }, search = { share = 1.0 } }\n"
        "long = { training = { seconds = 0.2 } }\n"
        "noisy = { training = { conditions = { context_noise = 0.1 } } }\n"
    )
    plan = Benchmark(budgets, tmp_path)
    short, long, noisy = (f"{MODEL}-{variant}" for variant in ("short", "long", "noisy"))
    assert plan.models == ["black", short, long, noisy]
    assert plan.jobs("calibration", plan.models) == []
    searches = plan.jobs("search", [short, long])
    assert [job.label for job in searches] == [f"{short}-0.001", f"{long}-0.001"]
    assert [job.settings["steps"] for job in searches] == [4, 50]
    assert [plan.steps(row) for row in (short, long, noisy)] == [4, 100, 10]
    for job in searches:
        results.save(job.name, {"validation": 0.1}, plan.folder)
    assert {job.settings["horizon"] for job in plan.jobs("runs", [short, long])} == {3}


def test_a_row_that_the_base_does_not_have_is_explained(protocol, tmp_path):
    put_calibration(protocol, tmp_path)
    other = tmp_path / "other.toml"
    other.write_text(f'base = "{protocol}"\n[models]\nwider = {{ model = "{MODEL}", filters = 3 }}\n')
    with pytest.raises(ValueError, match="other: wider is no row of its base small.*give its steps, or add the row"):
        Benchmark(other, tmp_path).steps("wider")
    other.write_text(other.read_text() + "[training]\nsteps = 8\n")
    assert Benchmark(other, tmp_path).steps("wider") == 8


def test_rows_of_several_bases_may_be_compared(protocol, tmp_path):
    """Each row has the steps of the base that trains it; the rest is as in the first."""
    put_calibration(protocol, tmp_path, seconds_per_step=0.002)
    wider = tmp_path / "wider.toml"
    wider.write_text(f'{SMALL}wider = {{ model = "{MODEL}", filters = 3 }}\n')
    results.save("calibration/wider", {"seconds_per_step": 0.001}, tmp_path / "wider")
    both = tmp_path / "both.toml"
    both.write_text(
        f'base = ["{protocol}", "{wider}"]\n[training]\nseconds = 0.2\n'
        f"[models]\n{MODEL} = {{ filters = 2, depth = 2 }}\n"
        f'of_the_second = {{ model = "{MODEL}", filters = 3 }}\nof_none = {{ model = "{MODEL}", filters = 4 }}\n'
    )
    plan = Benchmark(both, tmp_path)
    assert plan.settings["search"] == Benchmark(protocol, tmp_path).settings["search"]
    assert (plan.steps(MODEL), plan.steps("of_the_second")) == (100, 200)
    with pytest.raises(ValueError, match="of_none is no row of its base small or wider"):
        plan.steps("of_none")


def test_a_model_without_weights_is_scored_as_it_is(protocol, tmp_path):
    """Also one that is no baseline of every protocol; and only rows of the protocol can be asked for."""
    protocol.write_text('baselines = ["mirrored_flow"]\n' + SMALL)
    plan = Benchmark(protocol, tmp_path)
    assert plan.models == ["mirrored_flow", MODEL]
    assert [plan.jobs(stage, ["mirrored_flow"]) for stage in ("calibration", "search")] == [[], []]
    assert [job.label for job in plan.jobs("runs", ["mirrored_flow"])] == ["mirrored_flow"]
    with pytest.raises(ValueError, match="model='conv3d': expected one of mirrored_flow"):
        runner.run_benchmark(protocol, ["conv3d"], folder=tmp_path)


def test_killed_again_and_again_it_loses_only_what_was_in_progress(protocol, tmp_path):
    """Killed before, while and after a job is done: at moments spread over a job, and as soon as a result is stored."""
    protocol.write_text(SMALL.replace("[1e-3, 1e-2]", "[1e-3]"))
    put_calibration(protocol, tmp_path)
    command = [sys.executable, "-m", "nextframe.benchmark", "--protocol", str(protocol), "--folder", str(tmp_path)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    kept = stored(tmp_path / "small")
    first_job = 0.0  # seconds until it was done, in place of a number, which would fit one machine
    for share in (None, 0.4, 0.8):
        begun = time.perf_counter()
        process = subprocess.Popen([*command, "--models", MODEL, "black"], **quiet)
        if share is None:
            while process.poll() is None and stored(tmp_path / "small").keys() == kept.keys():
                time.sleep(0.002)
            first_job = time.perf_counter() - begun
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(share * first_job)
        process.kill()  # the driver alone: its jobs must notice by themselves
        process.wait()
        now = stored(tmp_path / "small")
        for name, content in kept.items():
            assert now[name] == content, f"{name} was lost or measured again"
        for content in now.values():
            json.loads(content)
        assert share is not None or len(now) > len(kept), "nothing was stored"
        kept = now
    done = subprocess.run([*command, "--models", MODEL, "black"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    now = stored(tmp_path / "small")
    assert len(now) == 1 + 1 + 2 + 1  # calibration, search, runs, and the baseline's
    assert all(now[name] == content for name, content in kept.items())


def test_scores_over_a_horizon_are_those_of_the_metrics():
    """By hand, of a mean of the context, which errs in every way at once."""
    rng = np.random.default_rng(0)
    video = np.cumsum(rng.random((4, 5, 8, 8, 1), np.float32), axis=1) / 5
    context, future = video[:, :3], video[:, 3:]
    found = scoring.score_horizon(build("context_mean", (3, 8, 8, 1)), context, future)
    first = context.mean(axis=1)
    second = (context[:, 1] + context[:, 2] + first) / 3
    made = np.stack([first, second], axis=1)
    alone = np.stack([first, video[:, 1:4].mean(axis=1)], axis=1)

    def summed(error):
        return error.sum(axis=(2, 3, 4)).mean(axis=0)

    errors = summed((made - future) ** 2)
    expected = {
        "MSE per frame": errors,
        "MAE per frame": summed(np.abs(made - future)),
        "PSNR": metrics.psnr(future, made).mean(axis=0),
        "SSIM": metrics.ssim(future, made).mean(axis=0),
        "from true frames": summed((alone - future) ** 2),
        "skill": 1 - errors / summed((context[:, -1:] - future) ** 2),
        "sharpness": metrics.sharpness(made).mean(axis=0) / metrics.sharpness(future).mean(axis=0),
        "energy": metrics.energy(made).mean(axis=0) / metrics.energy(future).mean(axis=0),
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, err_msg=name)


def test_a_run_begins_with_its_seed_and_has_its_schedule(monkeypatch):
    """Of weights and of the order of the clips: what a spread over seeds is made of."""
    runs = []

    def fit(model, train, validation, **options):
        first = next(iter(train))[1].numpy()
        runs.append((model.get_weights()[0], first, options["schedule"]))
        return [{"step": 2, "loss": 0.1, "validation": 0.1}]

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(Task, "score", lambda *_, **__: {})
    job = {"model": MODEL, "arguments": {"filters": 2, "depth": 2}, "task": {"source": "digits_32", "training": 4}}
    job |= {"steps": 2, "rounds": 1, "learning_rate": 1e-3}
    for function, more in ((experiments.search_learning_rate, {}), (experiments.train_and_score, {"horizon": 1})):
        runs.clear()
        for seed, schedule in ((0, "cosine"), (0, "constant"), (1, "constant")):
            function(seed=seed, schedule=schedule, **job, **more)
        (begun, order, _), (same, again, _), (other, another, _) = runs
        assert np.array_equal(begun, same)
        assert np.array_equal(order, again)
        assert not np.array_equal(begun, other)
        assert not np.array_equal(order, another)
        assert [schedule for *_, schedule in runs] == ["cosine", "constant", "constant"]


def test_scores_over_a_horizon_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    context, future = (rng.random((7, frames, 8, 8, 1), np.float32) for frames in (3, 2))
    model = build("context_mean", (3, 8, 8, 1))
    whole = scoring.score_horizon(model, context, future)
    monkeypatch.setattr(scoring, "_AT_ONCE", 3)
    parts = scoring.score_horizon(model, context, future)
    assert whole.keys() == parts.keys()
    for name, values in whole.items():
        assert parts[name] == pytest.approx(values, rel=1e-6), name
    assert whole["from true frames"][0] == pytest.approx(whole["MSE per frame"][0])
    assert whole["from true frames"][1] != pytest.approx(whole["MSE per frame"][1])


def test_a_row_is_found_by_what_it_trains():
    plan = Benchmark("digits-32-sizes")
    for row in ("conv3d-filters-8", "stacked_hybrid-pooling-4"):
        inputs = plan.inputs(row)
        assert plan.row_of(inputs["model"], inputs["arguments"]) == row
    with pytest.raises(ValueError, match="digits-32-sizes: no row trains conv3d with {'filters': 9}"):
        plan.row_of("conv3d", {"filters": 9})


def test_the_tool_for_a_gpu_reads_stored_results_once_and_adds_the_runs_that_waited(protocol, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    import benchmark_gpu

    protocol.write_text(SMALL.replace("seconds = 0.02", "steps = 4"))
    queue = benchmark_gpu.Queue([str(protocol)], None, tmp_path)
    plan, read_file, files = Benchmark(protocol, tmp_path), Benchmark.read, []
    monkeypatch.setattr(Benchmark, "read", lambda self, name: files.append(name) or read_file(self, name))
    searches = [queue.take(), queue.take()]
    assert [order.job.stage for order in searches] == ["search", "search"]
    assert queue.take() is None
    assert files == []  # looked at when the queue was made
    for order in searches:
        results.save(order.job.name, {"settings": order.job.settings, "validation": 0.1}, plan.folder)
    for order in searches:  # both were stored before either is told
        queue.done(order)
    runs = [queue.take(), queue.take()]
    assert [order.job.settings["seed"] for order in runs] == [0, 1]
    assert queue.take() is None
    files.clear()
    queue.done(runs[0])
    assert files == []
