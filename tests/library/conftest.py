"""What tests share: a training run that is cut off, and a benchmark that looks as if it had been run."""

import contextlib

import keras
import pytest
from keras import ops

from nextframe._utils.rounds import Rounds
from nextframe.benchmark import fingerprints, results
from nextframe.benchmark.plan import Benchmark

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # A test calls a network a few times: to optimise its graph takes longer than that saves
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

PROTOCOL = """
[task]
source = "digits_32"
training = 4
[training]
seconds = 1
rounds = 1
seeds = [0, 1]
horizon = 1
[search]
learning_rates = [1e-3]
share = 1
[models]
"""


@pytest.fixture
def computed_anew():
    """A function after which fingerprints are computed anew, as they are after a test that changes code."""

    def clear():
        for cached in (fingerprints._today, fingerprints._task):
            cached.cache_clear()

    yield clear
    clear()


@pytest.fixture
def straight_on():
    """Build a model that forecasts several frames ahead: each pixel goes on as it changed last."""

    def build(context_shape, horizon, name="rollout"):
        context = keras.Input(context_shape)
        last, step = context[:, -1], context[:, -1] - context[:, -2]
        frames = ops.stack([last + ahead * step for ahead in range(1, horizon + 1)], axis=1)
        return keras.Model(context, keras.layers.Activation("linear", name=name)(frames), name="straight_on")

    return build


@pytest.fixture
def fit_one_batch():
    """Train a model on one batch, step by step; return the loss before each step."""

    def fit(model, x, y, steps, learning_rate=0.01):
        optimizer = keras.optimizers.Adam(learning_rate)
        optimizer.build(model.trainable_variables)  # else TensorFlow traces the step twice, which is most of the time
        model.compile(optimizer, "mse")
        return [float(model.train_on_batch(x, y)) for _ in range(steps)]

    return fit


@pytest.fixture
def cut_off(monkeypatch):
    """A context in which training is interrupted, as by Ctrl-C, once so many of its rounds are stored."""

    @contextlib.contextmanager
    def interrupted_after(rounds):
        save = Rounds.save

        def save_and_stop(state):
            save(state)
            if state.done == rounds:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Rounds, "save", save_and_stop)
            with pytest.raises(KeyboardInterrupt):
                yield

    return interrupted_after


@pytest.fixture
def store_result():
    """Store what a job might have measured, as if today."""

    def store(plan, job, result):
        depends = fingerprints.today(job.settings)
        results.save(job.name, {"settings": job.settings, "fingerprint": depends} | result, plan.folder)

    return store


@pytest.fixture
def store_benchmark(tmp_path, store_result):
    """Write a protocol of one model with two seeds, `small.toml`, and results of all stages; return its plan."""

    def store(model, arguments, runs):
        path = tmp_path / "small.toml"
        path.write_text(f"{PROTOCOL}{model} = {arguments}\n")
        plan = Benchmark(path, tmp_path)
        stages = {"calibration": [{"seconds_per_step": 0.1}], "search": [{"validation": 1.0}], "runs": runs}
        for stage, measured in stages.items():
            for job, result in zip(plan.jobs(stage, [model]), measured, strict=True):
                store_result(plan, job, result)
        return path, plan

    return store
