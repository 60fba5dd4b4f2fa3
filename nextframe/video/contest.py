"""A contest on one video: baselines and a network, fitted on its first part, chosen on the next, scored on the last."""

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from nextframe import metrics, pretrained, training, windows
from nextframe._utils.step_bar import StepBar
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe.forecasting import predict_next
from nextframe.models.baselines import copy_last, half_extrapolation, optical_flow
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import Split

LEARNING_RATE = 1e-3  # on validation parts of three shipped clips as good as 3e-3, better than 3e-4 and 1e-2
ROUNDS = 10
PIXELS = 16 * 64 * 64  # in a batch, for frames of any size
SCALES = (0.25, 0.5, 0.75, 1.0, 1.25)  # of the motion that flow finds
BATCHES = 16  # forecast in one call, since each call takes a while to begin
FITTED_ON = 60  # windows that a baseline's factor is fitted on


@dataclass
class Contest:
    """The result of a contest: every model by name, their errors, and the name of the chosen one."""

    models: dict[str, keras.Model]
    validation: dict[str, float]  # MSE
    test: dict[str, np.ndarray]  # MSE of each window, in the order of time
    chosen: str
    network: str  # which weights: "shipped" or "trained"
    blended: str  # the baseline that the blend holds
    history: list[dict] = field(default_factory=list)  # of the training

    def scores(self) -> dict[str, dict]:
        """Return each model's scores for the report: mse, skill, its 95 % interval, and the number of windows.

        Where nothing moves in the test part, there is no skill, and no interval: None, since JSON has no NaN.
        """
        copying = self.test["copy_last"]
        moves = bool(copying.any())
        return {
            name: {
                "mse": float(errors.mean()),
                "skill": float(1 - errors.mean() / copying.mean()) if moves else None,
                "interval": list(metrics.skill_interval(errors, copying)) if moves else None,
                "windows": len(errors),
            }
            for name, errors in self.test.items()
        }


def batches(clips: list[np.ndarray], context: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield contexts and targets of all windows, in order, as floats: a few at a time, however long the video is."""
    for clip in clips:
        seen, ahead = windows.sliding_windows(clip, context)
        for start in range(0, len(seen), size):
            chosen = slice(start, start + size)
            yield windows.to_unit(seen[chosen]), windows.to_unit(ahead[chosen, 0])


def window_errors(model: keras.Model, clips: list[np.ndarray]) -> np.ndarray:
    """Return the MSE of each window of these clips, forecasts limited to 0..1, as float64 `(windows,)`."""
    size = batch_size(model)
    return np.concatenate(
        [
            metrics.mse(target, metrics.clip_to_unit(predict_next(model, seen, size)))
            for seen, target in batches(clips, model.input_shape[1], BATCHES * size)
        ]
    )


def fit_baselines(context_shape: tuple[int, ...], clips: list[np.ndarray]) -> dict[str, keras.Model]:
    """Return the baselines, those with a factor fitted on these clips.

    Args:
        context_shape: `(N, height, width, 1)`.
        clips: The part to train on.
    """
    copying, context = copy_last(context_shape), context_shape[0]
    size = batch_size(copying)
    count = sum(math.ceil((len(clip) - context) / size) for clip in clips)
    sample = list(itertools.islice(batches(clips, context, size), 0, None, max(1, count * size // FITTED_ON)))
    # least squares: how much of the last change comes again
    changes = [(seen[:, -1] - seen[:, -2], target - seen[:, -1]) for seen, target in sample]
    energy = sum(float(np.square(before).sum()) for before, _ in changes)
    factor = sum(float((before * after).sum()) for before, after in changes) / energy if energy else 0.0

    def error(model: keras.Model) -> float:
        return sum(float(metrics.mse(target, predict_next(model, seen, size)).sum()) for seen, target in sample)

    best = min((optical_flow(context_shape, scale) for scale in SCALES), key=error)
    return {
        "copy_last": copying,
        "half_extrapolation": half_extrapolation(context_shape, factor),
        "optical_flow": optical_flow(context_shape),
        "scaled_flow": best,
        "carried_flow": optical_flow(context_shape, carried=True),
    }


def blend(network: keras.Model, baseline: keras.Model, clips: list[np.ndarray]) -> keras.Model:
    """Return a weighted mean of two forecasts, the weight that does best on these clips: errors partly cancel.

    The weight of the network is the least-squares one, limited to 0..1.
    """
    size = batch_size(network)
    agreement = energy = 0.0
    for seen, target in batches(clips, network.input_shape[1], BATCHES * size):
        ours, theirs = (metrics.clip_to_unit(predict_next(model, seen, size)) for model in (network, baseline))
        agreement += float(((ours - theirs) * (target - theirs)).sum())
        energy += float(np.square(ours - theirs).sum())
    weight = min(1.0, max(0.0, agreement / energy)) if energy else 1.0
    context = keras.Input(network.input_shape[1:], name="context")
    return keras.Model(context, weight * network(context) + (1 - weight) * baseline(context), name="blend")


def flipped(clips: list[np.ndarray]) -> list[np.ndarray]:
    """Return each clip and its mirror images, left to right, top to bottom, and both: four times as much to learn."""
    return [turned for clip in clips for turned in (clip, clip[..., ::-1], clip[:, ::-1], clip[:, ::-1, ::-1])]


def planned_steps(network: keras.Model, clips: list[np.ndarray], seconds: float) -> int:
    """Estimate how many training steps fit into so many seconds: time a few, then restore the weights."""
    started = time.perf_counter()
    before = network.get_weights()
    network.compile(optimizer="adam", loss="mse", jit_compile=training.compiles_well(network))
    seen, target = next(batches(clips, network.input_shape[1], batch_size(network)))
    took = []
    with quiet_about_tracing():
        for _ in range(4):
            start = time.perf_counter()
            network.train_on_batch(seen, target)
            took.append(time.perf_counter() - start)
    network.set_weights(before)
    compiling = took[0]  # once more, when the training begins
    left = seconds - (time.perf_counter() - started) - 2 * compiling
    # a tenth for the validations between rounds
    return max(1, int(0.9 * left / min(took[1:])) // ROUNDS) * ROUNDS


def batch_size(model: keras.Model) -> int:
    """Windows in a batch: fewer of larger frames."""
    return max(1, PIXELS // (model.input_shape[2] * model.input_shape[3]))


def train_network(
    network: keras.Model,
    split: Split,
    error: float,
    steps: int,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    checkpoint: str | os.PathLike | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[str, float, list[dict]]:
    """Train a network on the first part of a video; undo it if the validation error does not fall.

    Args:
        network: With its shipped weights, which it gets back where training does not help.
        split: The video's parts: the first, with its mirror images, for training; the second for validation.
        error: MSE of the network on the validation part before training.
        steps, rounds, checkpoint, callbacks: As in `nextframe.training.fit`.
        seed: Of the order of the windows.

    Returns:
        Which weights it has, "shipped" or "trained"; their MSE on the validation part; and the history.
    """
    shipped, context = network.get_weights(), network.input_shape[1]
    # new datasets each time, since a used one would go on with another order
    data, held_out = (
        windows.window_dataset(parts, context, batch_size=batch_size(network), shuffle=shuffle, seed=seed)
        for parts, shuffle in ((flipped(split.train), True), (split.validation, False))
    )
    history = training.fit(
        network,
        data,
        held_out,
        steps=steps,
        rounds=rounds,
        learning_rate=LEARNING_RATE,
        checkpoint=checkpoint,
        callbacks=callbacks,
        progress=False,
    )
    trained = float(window_errors(network, split.validation).mean())
    if trained < error:
        return "trained", trained, history
    network.set_weights(shipped)
    return "shipped", error, history


def hold_contest(
    split: Split,
    context: int = FRAMES,
    seconds: float = 0,
    seed: int = 0,
    *,
    without: str | None = None,
    checkpoint: str | os.PathLike | None = None,
    plan: Callable[[Callable[[], int]], int] = lambda steps: steps(),
    progress: bool = False,
) -> Contest:
    """Compare the baselines, the network as it ships, and the network trained on this video.

    The network has the weights, shipped or trained, with the lower error on the validation part. It is also blended
    with the best baseline, in the proportion with the lowest error there. The model with the lowest error there is
    chosen. The test part is looked at once, after that.

    Args:
        split: The video's parts.
        context: Frames that the models see, at least 4.
        seconds: Of training; with 0 the shipped weights are used as they are.
        seed: Of the order of the windows.
        without: Name of the shipped clip, if this video is one: the network starts from weights that never saw it.
        checkpoint: As in `nextframe.training.fit`.
        plan: Takes a function that measures how many steps fit into the seconds, and returns the number to take. If it
            stores that number, an interrupted run can go on.
        progress: Whether to show a progress bar while the network trains.
    """
    height, width = split.train[0].shape[1:]
    context_shape = (context, height, width, 1)
    models = fit_baselines(context_shape, split.train)
    validation = {name: float(window_errors(model, split.validation).mean()) for name, model in models.items()}
    models["network"] = network = pretrained.load("flow_unet", context_shape, without=without)
    validation["network"] = float(window_errors(network, split.validation).mean())
    kept: str = "shipped"
    history: list[dict] = []
    if seconds > 0:
        steps = plan(lambda: planned_steps(network, flipped(split.train), seconds))
        keras.utils.set_random_seed(seed)
        bar = [StepBar(steps, ROUNDS)] if progress else []
        kept, validation["network"], history = train_network(
            network, split, validation["network"], steps, seed=seed, checkpoint=checkpoint, callbacks=bar
        )
    baseline = min((name for name in models if name != "network"), key=lambda name: validation[name])
    models["blend"] = blend(network, models[baseline], split.validation)
    validation["blend"] = float(window_errors(models["blend"], split.validation).mean())
    chosen = min(validation, key=lambda name: validation[name])
    test = {name: window_errors(model, split.test) for name, model in models.items()}
    return Contest(models, validation, test, chosen, kept, baseline, history)
