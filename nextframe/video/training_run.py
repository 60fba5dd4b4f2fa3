"""Training on one video, in rounds: after each it can be watched, stopped, and resumed later."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from nextframe import clips, metrics, pretrained
from nextframe.models.baselines import copy_last, optical_flow
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import Split, scene_cuts, split_scenes
from nextframe.video import contest
from nextframe.video.forecast import shipped_as

ROUND = 5  # seconds, about: the longest wait for a stop


@dataclass
class TrainingRun:
    """The state of a run: its network, data and schedule, and its progress."""

    name: str
    network: keras.Model
    split: Split
    errors: dict[str, float]  # MSE on validation: of copy_last, optical_flow, and shipped, the network before training
    steps: int
    rounds: int
    seen: np.ndarray  # one window of the validation part: (1, FRAMES, height, width, 1), floats 0..1
    target: np.ndarray  # (1, height, width, 1)
    history: list[dict[str, float]] = field(default_factory=list)  # {"step": …, "loss": …, "validation": …} a round
    kept: str = "shipped"  # which weights the network has: "shipped" or "trained"

    def forecast(self) -> np.ndarray:
        """Return the network's forecast of the window's target as it is now, limited to 0..1."""
        # called as a function: `predict` would trace it anew, for as many steps at once as `fit` was compiled for
        return metrics.clip_to_unit(keras.ops.convert_to_numpy(self.network(self.seen, training=False)))


def prepare(source: str | os.PathLike, size: int, fps: float | None, seconds: float) -> TrainingRun:
    """Read and split a video, load the network, score the forecasts to beat, and measure how many steps fit.

    Args:
        source, fps: As in `nextframe.clips.read_clip`.
        size: Of the square frames, in pixels.
        seconds: Of training.

    Raises:
        FileNotFoundError: `source` does not exist.
        ValueError: No video, or one that is too short for three parts.
    """
    source = Path(source)
    clip = clips.read_clip(source, size, fps)
    split = split_scenes(clip, scene_cuts(clip), FRAMES)
    shape = (FRAMES, size, size, 1)
    # for a clip that ships, weights that never saw it
    network = pretrained.load("flow_unet", shape, without=shipped_as(source))
    models = {"copy_last": copy_last(shape), "optical_flow": optical_flow(shape), "shipped": network}
    errors = {name: float(contest.window_errors(model, split.validation).mean()) for name, model in models.items()}
    planned = contest.planned_steps(network, contest.flipped(split.train), seconds)
    rounds = min(planned, max(contest.ROUNDS, int(seconds) // ROUND))
    steps = planned // rounds * rounds  # rounds of one length take several steps at once
    # the window with the most motion shows the most
    seen, target = max(
        contest.batches(split.validation, FRAMES, 1), key=lambda window: metrics.mse(window[1], window[0][:, -1])[0]
    )
    return TrainingRun(source.name, network, split, errors, steps, rounds, seen, target)


def train(run: TrainingRun, checkpoint: str | os.PathLike, go_on: Callable[[], bool]) -> float:
    """Train until the end or a stop, and leave the weights that did best on validation.

    Called again with the same checkpoint, it goes on where it was stopped, and ends with the same weights as a run
    that was not.

    Args:
        run: A run from `prepare`; its history grows.
        checkpoint: As in `nextframe.training.fit`.
        go_on: Called after each round; returns whether there shall be another.

    Returns:
        MSE on the validation part of the weights that are kept.
    """

    def after_round(epoch: int, logs: dict[str, float]) -> None:
        step = (epoch + 1) * run.steps // run.rounds
        run.history.append({"step": step, "loss": logs["loss"], "validation": logs["val_loss"]})
        if not go_on():
            run.network.stop_training = True

    run.kept, error, _ = contest.train_network(
        run.network,
        run.split,
        run.errors["shipped"],
        run.steps,
        rounds=run.rounds,
        checkpoint=checkpoint,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=after_round)],
    )
    return error
