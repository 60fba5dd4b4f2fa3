"""Protocols: which clips, how they are split and how forecasts are scored, so that every chapter compares alike.

A chapter asks for a task by a function of this module. The benchmark's protocols are files beside it, `digits-32.toml`
and its like: which task, how long to train, and each model's arguments.
"""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe import clips, metrics, profiles, training, windows
from nextframe._utils.validation import one_of, whole_number
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import example_path
from nextframe.forecasting import predict_next


@dataclass(frozen=True)
class Task:
    """Clips to train on, clips to choose by, and windows to be scored on.

    Attributes:
        training_clips: uint8 `(count, time, height, width)`, or clips of one size in a list.
        validation_clips: The same.
        context: float32 `(windows, N, height, width, 1)`, of the test clips.
        future: float32 `(windows, horizon, height, width, 1)`, the frames after them.
        video: float32 `(1, time, height, width, 1)`, one long test clip, to look at.
        groups: Name → which of the windows it means, where some are also scored by themselves.
    """

    training_clips: np.ndarray | list[np.ndarray]
    validation_clips: np.ndarray | list[np.ndarray]
    context: np.ndarray
    future: np.ndarray
    video: np.ndarray
    groups: dict[str, slice] = field(default_factory=dict)

    @property
    def truth(self) -> np.ndarray:
        """Return the frame after each context, float32 `(windows, height, width, 1)`."""
        return self.future[:, 0]

    @property
    def context_shape(self) -> tuple[int, ...]:
        """What `nextframe.models.build` wants to know: `(N, height, width, 1)`."""
        return self.context.shape[1:]

    def fit(self, model: keras.Model, steps: int, learning_rate: float, *, seed: int = 0, **options: Any) -> list[dict]:
        """Train a model on the clips, in batches of 32 windows.

        Args:
            model: Maps a context to a target; or to one for each of its frames, and then it is trained on all of them.
            steps, learning_rate, options: As in `nextframe.training.fit`.
            seed: Of the order of the windows.

        Returns:
            The history of `nextframe.training.fit`.
        """
        context = self.context_shape[0]
        targets = {"sequence_targets": len(model.output_shape) == 5}
        dataset = windows.window_dataset(
            self.training_clips, context, batch_size=32, shuffle=True, seed=seed, **targets
        )
        validation = windows.window_dataset(self.validation_clips, context, batch_size=100, **targets)
        return training.fit(model, dataset, validation, steps=steps, learning_rate=learning_rate, **options)

    def skill(self, model: keras.Model) -> float:
        """Skill on the test windows, forecasts clipped to 0..1."""
        forecast = metrics.clip_to_unit(predict_next(model, self.context))
        return metrics.skill(self.truth, forecast, self.context[:, -1])


def digits_32(training: int | None = None, **changes: Any) -> Task:
    """Two digits of 16 pixels on 32×32, at 1 to 2.5 pixels a frame; ten frames of context, up to ten to forecast.

    Test clips are the same however many there are to train on, and their digits are in no other split.

    Args:
        training: Number of clips to train on. Default: as many as the profile has time for.
        changes: Other arguments of `nextframe.datasets.moving_digits.moving_digits`. Chapters compare models without
            any.
    """
    drawn: dict[str, Any] = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5)} | changes
    count = training or profiles.pick(ci=40, cpu=4000, gpu=10_000)
    test = windows.to_unit(moving_digits(500, 20, split="test", **drawn))
    return Task(
        training_clips=moving_digits(count, 20, split="train", **drawn),
        validation_clips=moving_digits(50, 20, split="validation", **drawn),
        context=test[:, :10],
        future=test[:, 10:],
        video=windows.to_unit(moving_digits(1, 60, split="test", seed=1, **drawn)),
    )


def real_clip(name: str, side: int = 64, horizon: int = 1) -> Task:
    """A real clip, cut in time: the first 70 % to train on, the next 15 % to choose by, the rest to be scored on.

    Args:
        name: One of `nextframe.EXAMPLES`.
        side: Frames are resized to so many pixels a side.
        horizon: Frames after each context of ten.
    """
    clip = clips.read_clip(example_path(name), size=side)
    training, validation, test = windows.chronological_split(clip)
    contexts, targets = windows.sliding_windows(test, context=10, horizon=horizon)
    return Task(
        training_clips=training[None],
        validation_clips=validation[None],
        context=windows.to_unit(contexts),
        future=windows.to_unit(targets),
        video=windows.to_unit(test[None]),
    )


def real_clips_64(names: Sequence[str]) -> Task:
    """Several real clips at 64×64, each cut in time as by `real_clip`: to learn from all, and be scored on each.

    Args:
        names: Of `nextframe.datasets.real_clips.EXAMPLES`.
    """
    parts = {name: real_clip(name, side=64, horizon=10) for name in names}
    ends = np.cumsum([len(part.context) for part in parts.values()])
    return Task(
        training_clips=[part.training_clips[0] for part in parts.values()],
        validation_clips=[part.validation_clips[0] for part in parts.values()],
        context=np.concatenate([part.context for part in parts.values()]),
        future=np.concatenate([part.future for part in parts.values()]),
        video=next(iter(parts.values())).video,
        groups={
            name: slice(int(end) - len(part.context), int(end))
            for (name, part), end in zip(parts.items(), ends, strict=True)
        },
    )


def moving_mnist_64(training: int = 10_000, test: int = 10_000) -> Task:
    """Moving MNIST (Srivastava et al., 2015): two digits of 28 pixels on 64×64, ten frames of context, ten to forecast.

    Clips to train on and to choose by are drawn here, from digits of their own, as fast as the official ones. Those
    to be scored on are the official test set, as `tensorflow_datasets` has it: a download of about 800 MB, once.

    Args:
        training: Number of clips to train on.
        test: Number of official clips to be scored on, from the first.

    Raises:
        ImportError: There is no `tensorflow_datasets`.
    """
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "moving_mnist_64 takes its test clips from tensorflow_datasets: pip install tensorflow-datasets"
        ) from error
    official = tensorflow_datasets.load("moving_mnist", split=f"test[:{whole_number('test', test)}]")
    videos = windows.to_unit(np.stack([clip["image_sequence"][..., 0] for clip in official.as_numpy_iterator()]))
    drawn: dict[str, Any] = {"canvas": 64, "digit_size": 28, "speed": (3.6, 3.6)}
    return Task(
        training_clips=moving_digits(training, 20, split="train", **drawn),
        validation_clips=moving_digits(200, 20, split="validation", **drawn),
        context=videos[:, :10],
        future=videos[:, 10:],
        video=videos[:1],
    )


TASKS = {function.__name__: function for function in (digits_32, real_clips_64, moving_mnist_64)}
_FOLDER = files("nextframe.benchmark")  # holds the protocols of the book
NAMES = tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def settings(protocol: str | os.PathLike) -> dict:
    """Read a protocol of the benchmark: its task, training, search and models, as in its file.

    Args:
        protocol: One of `NAMES`, or the path of a file of your own that is written like theirs.

    Raises:
        ValueError: Neither; or the file lacks a table.
    """
    if str(protocol).endswith(".toml"):
        text = Path(protocol).read_text(encoding="utf-8")
    else:
        one_of("protocol", protocol, NAMES)
        text = (_FOLDER / f"{protocol}.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    missing = {"task", "training", "search", "models"} - set(tables)
    if missing:
        raise ValueError(f"{protocol} has no table {', '.join(sorted(missing))}: write it like digits-32.toml")
    return tables


def load_task(source: str, **arguments: Any) -> Task:
    """Return the task that the `[task]` of such a file asks for.

    Args:
        source: One of `TASKS`.
        arguments: Of that function.
    """
    one_of("source", source, TASKS)
    return TASKS[source](**arguments)
