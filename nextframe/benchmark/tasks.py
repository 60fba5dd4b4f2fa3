"""Tasks: which clips, how they are split and which windows are scored, so that every chapter compares alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from nextframe import clips, metrics, profiles, training, windows
from nextframe._utils.validation import one_of, whole_number
from nextframe.datasets.memory_tasks import MEMORY_TASKS, as_windows, memory_clips
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import example_path
from nextframe.forecasting import predict_next
from nextframe.scenes import Split, scene_cuts, split_scenes

BEFORE = {"tree": 53}  # frames that are used; after them a hand waves in front of it
MOVES = 0.5  # grey levels: a stretch in which copying's root mean square error is lower counts as still


@dataclass(frozen=True)
class Task:
    """Clips to train on, clips to choose by, and windows to be scored on.

    Attributes:
        training_clips: uint8 `(count, time, height, width)`, or clips of one size in a list.
        validation_clips: The same.
        context: float32 `(windows, N, height, width, 1)`, of the test clips.
        future: float32 `(windows, horizon, height, width, 1)`, the frames after them.
        video: float32 `(1, time, height, width, 1)`, one long test clip, to look at.
        groups: Name → slice of the windows, where some are also scored by themselves.
        weights: How much each clip counts in the loss, of those to train on and of those to choose by; see
            `nextframe.windows.window_dataset`.
    """

    training_clips: np.ndarray | list[np.ndarray]
    validation_clips: np.ndarray | list[np.ndarray]
    context: np.ndarray
    future: np.ndarray
    video: np.ndarray
    groups: dict[str, slice] = field(default_factory=dict)
    weights: tuple[list[float], list[float]] | tuple[None, None] = (None, None)

    @property
    def truth(self) -> np.ndarray:
        """Return the frame after each context, float32 `(windows, height, width, 1)`."""
        return self.future[:, 0]

    @property
    def context_shape(self) -> tuple[int, ...]:
        """The shape that `nextframe.models.build` takes: `(N, height, width, 1)`."""
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
        targets: dict[str, Any] = {"sequence_targets": len(model.output_shape) == 5}
        counts, validation_counts = self.weights
        dataset = windows.window_dataset(
            self.training_clips, context, batch_size=32, shuffle=True, seed=seed, weights=counts, **targets
        )
        validation = windows.window_dataset(
            self.validation_clips, context, batch_size=100, weights=validation_counts, **targets
        )
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
    to_choose_by = 50 if training else profiles.pick(ci=5, cpu=50, gpu=50)
    test = windows.to_unit(moving_digits(500, 20, split="test", **drawn))
    return Task(
        training_clips=moving_digits(count, 20, split="train", **drawn),
        validation_clips=moving_digits(to_choose_by, 20, split="validation", **drawn),
        context=test[:, :10],
        future=test[:, 10:],
        video=windows.to_unit(moving_digits(1, 60, split="test", seed=1, **drawn)),
    )


def free_flight(training: int) -> Task:
    """One digit of 14 pixels that crosses 48×48 without meeting a wall; ten frames of context, the next to forecast.

    A digit stays 7 pixels away from the frame's edges. So a clip can be shifted by up to 7 pixels, and what was true of
    it is true of the shifted one: a perfect forecaster is equivariant here, which it is not between walls.

    Args:
        training: Number of clips to train on.
    """

    def drawn(count: int, split: str, length: int = 11) -> np.ndarray:
        clips = moving_digits(count, length, digits=1, canvas=34, digit_size=14, speed=(1, 2), walls=None, split=split)
        return np.pad(clips, [(0, 0), (0, 0), (7, 7), (7, 7)])

    test = windows.to_unit(drawn(500, "test"))
    return Task(
        training_clips=drawn(training, "train"),
        validation_clips=drawn(200, "validation"),
        context=test[:, :10],
        future=test[:, 10:],
        video=test[:1],
    )


def memory(task: str, back: int, context: int) -> Task:
    """Clips whose next frame was decided `back` frames ago; one window in each clip.

    Args:
        task, back, context: As in `nextframe.datasets.memory_tasks.memory_clips`.
    """
    seen, truth = as_windows(memory_clips(task, back, context, "test"), context)
    return Task(
        training_clips=memory_clips(task, back, context, "training"),
        validation_clips=memory_clips(task, back, context, "validation"),
        context=seen,
        future=truth[:, None],
        video=windows.to_unit(MEMORY_TASKS[task](1, context + 3, back, seed=3)),
    )


def read_real_clip(name: str, side: int) -> np.ndarray:
    """Return a real clip as protocols see it, uint8 `(time, side, side)`: the tree until a hand waves before it."""
    return clips.read_clip(example_path(name), size=side)[: BEFORE.get(name)]


def real_clips_64(names: Sequence[str], sections: int, context: int) -> Task:
    """Several real clips at 64×64: to learn from all, and be scored on each, at several places along it.

    Each scene of a clip is cut into equal sections, and each section in time: 60 % to train on, 15 % to choose by, 25 %
    to be scored on. Where a section follows another, its first frames are left out, so that no training frame lies
    next to a scored one. Stretches in which nothing moves are not scored; see `something_moves`. In the loss,
    each clip's errors are divided by those of copying on its training parts.

    Args:
        names: Of `nextframe.datasets.real_clips.EXAMPLES`.
        sections: Of each scene.
        context: Frames that models see, and frames that are left out between two sections.
    """
    whole_number("sections", sections)
    joined, tests = Split([], [], []), {}
    counts: tuple[list[float], list[float]] = ([], [])
    for name in names:
        clip = read_real_clip(name, 64)
        parts = Split([], [], [])
        for scene in np.split(clip, scene_cuts(clip)):
            for number, section in enumerate(np.array_split(scene, sections)):
                parts += split_scenes(section[context if number else 0 :], [], context)
        weight = 1 / float(np.mean([copying_error(part) for part in parts.train]))
        for of_part, trained in zip(counts, (parts.train, parts.validation), strict=True):
            of_part += [weight] * len(trained)
        joined += parts
        windows_of = [windows.sliding_windows(part, context) for part in parts.test if something_moves(part)]
        tests[name] = tuple(np.concatenate(frames) for frames in zip(*windows_of, strict=True))
    ends = np.cumsum([len(contexts) for contexts, _ in tests.values()])
    return Task(
        training_clips=joined.train,
        validation_clips=joined.validation,
        context=windows.to_unit(np.concatenate([contexts for contexts, _ in tests.values()])),
        future=windows.to_unit(np.concatenate([targets for _, targets in tests.values()])),
        video=windows.to_unit(joined.test[0][None]),
        groups={
            name: slice(int(end) - len(contexts), int(end))
            for (name, (contexts, _)), end in zip(tests.items(), ends, strict=True)
        },
        weights=counts,
    )


def something_moves(clip: np.ndarray) -> bool:
    """Whether copying is wrong by half a grey level or more, over a whole clip `(time, height, width)`."""
    return 255 * copying_error(clip) ** 0.5 >= MOVES


def copying_error(clip: np.ndarray) -> float:
    """Return the MSE of copying the last frame, over a whole clip `(time, height, width)`."""
    frames = windows.to_unit(clip)
    return float(metrics.mse(frames[1:], frames[:-1]).mean())


def moving_mnist_64(training: int = 10_000, test: int = 10_000) -> Task:
    """Moving MNIST (Srivastava et al., 2015): two digits of 28 pixels on 64×64, ten frames of context, ten to forecast.

    Clips to train on and to choose by are drawn here, from digits of their own, and move as the official ones do: by
    whole pixels. Those to be scored on are the official test set, as `tensorflow_datasets` has it: a download of about
    800 MB, once.

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
    drawn: dict[str, Any] = {"canvas": 64, "digit_size": 28, "speed": (3.6, 3.6), "whole_pixels": True}
    return Task(
        training_clips=moving_digits(training, 20, split="train", **drawn),
        validation_clips=moving_digits(200, 20, split="validation", **drawn),
        context=videos[:, :10],
        future=videos[:, 10:],
        video=videos[:1],
    )


TASKS = {function.__name__: function for function in (digits_32, free_flight, memory, real_clips_64, moving_mnist_64)}


def load_task(source: str, **arguments: Any) -> Task:
    """Return the task that the `[task]` of such a file asks for.

    Args:
        source: One of `TASKS`.
        arguments: Of that function.
    """
    one_of("source", source, TASKS)
    return TASKS[source](**arguments)
