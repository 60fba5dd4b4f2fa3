"""The tasks of the book: which clips, and how they are split, so that every chapter compares alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nextframe import clips, metrics, profiles, windows
from nextframe._utils.validation import one_of, whole_number
from nextframe.benchmark.futures_task import random_walls_32
from nextframe.benchmark.steered import paddle_game
from nextframe.benchmark.task import AnyTask, LabelledTask, Task
from nextframe.datasets.labelled_motion import moving_digits_with_labels
from nextframe.datasets.memory_tasks import MEMORY_TASKS, as_windows, memory_clips
from nextframe.datasets.moving_digits import SPLITS, moving_digits, paths
from nextframe.datasets.real_clips import example_path
from nextframe.scenes import Split, scene_cuts, split_scenes

BEFORE = {"tree": 53}  # frames that are used; after them a hand waves in front of it
MOVES = 0.5  # grey levels: a stretch in which copying's root mean square error is lower counts as still
# How the clips of `digits_32` are drawn, and what is other in the clips that it is also scored on
DIGITS_32: dict[str, Any] = {"canvas": 32, "digit_size": 16, "speed": (1, 2.5)}
ELSEWHERE: dict[str, dict[str, Any]] = {
    **{f"drawn again, {number}": {"seed": 100 + number} for number in (1, 2)},
    **{f"walls at {pixels}": {"walls": pixels} for pixels in (1, 2, 3)},
    "40 × 40": {"canvas": 40},
}


def digits_32(training: int | None = None, elsewhere: bool = False, **changes: Any) -> Task:
    """Two digits of 16 pixels on 32×32, at 1 to 2.5 pixels a frame; ten frames of context, up to ten to forecast.

    Test clips are the same however many there are to train on, and their digits are in no other split.

    Args:
        training: Number of clips to train on. Default: as many as the profile has time for.
        elsewhere: Whether to also score on test clips drawn again, on some between walls 1, 2 or 3 pixels further in,
            and on some on 40×40.
        changes: Other arguments of `nextframe.datasets.moving_digits.moving_digits`. Chapters compare models without
            any.
    """
    drawn = DIGITS_32 | changes
    count = profiles.pick(ci=40, cpu=4000, gpu=10_000) if training is None else training
    to_choose_by = profiles.pick(ci=5, cpu=50, gpu=50) if training is None else 50

    def tested(**other: Any) -> np.ndarray:
        return windows.to_unit(moving_digits(500, 20, split="test", **drawn | other))

    moved = {name: tested(**other) for name, other in ELSEWHERE.items()} if elsewhere else {}
    test = tested()
    return Task(
        training_clips=moving_digits(count, 20, split="train", **drawn),
        validation_clips=moving_digits(to_choose_by, 20, split="validation", **drawn),
        context=test[:, :10],
        future=test[:, 10:],
        video=windows.to_unit(moving_digits(1, 60, split="test", seed=1, **drawn)),
        elsewhere={name: (videos[:, :10], videos[:, 10]) for name, videos in moved.items()},
    )


def digits_32_paths(where: str | None = None) -> np.ndarray:
    """Return the paths of the digits in the test clips of `digits_32`; see `nextframe.datasets.moving_digits.paths`.

    Args:
        where: One of `ELSEWHERE`. Default: the test itself.
    """
    one_of("where", where, (None, *ELSEWHERE))
    return paths(500, 20, split="test", **DIGITS_32 | (ELSEWHERE[where] if where else {}))


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


def labelled_motion(question: str, training: int, canvas: int = 32, length: int = 10) -> LabelledTask:
    """One digit that moves in one of eight directions: which direction, or which digit?

    Args:
        question: "direction" or "digit".
        training: Number of clips to train on; a quarter as many are there to choose by, and 500 to be scored on.
        canvas: Side of a frame in pixels; the digit's side and speed grow with it.
        length: Frames in each clip.
    """
    counts = {"train": training, "validation": max(training // 4, 1), "test": 500}
    scale = canvas / 32
    drawn: dict[str, Any] = {"canvas": canvas, "digit_size": round(14 * scale), "speed": (scale, 1.5 * scale)}
    found = {split: moving_digits_with_labels(count, length, split=split, **drawn) for split, count in counts.items()}
    return LabelledTask(
        clips={split: found[split][0] for split in SPLITS},
        labels={split: found[split][1][question] for split in SPLITS},
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


def moving_mnist_64(training: int = 10_000, test: int = 10_000, official: bool = True, validation: int = 200) -> Task:
    """Moving MNIST (Srivastava et al., 2015): two digits of 28 pixels on 64×64, ten frames of context, ten to forecast.

    Clips to train on and to choose by are drawn here, of digits of their own, and move as the official ones do: by
    whole pixels. Those to be scored on are the official test set, which `tensorflow_datasets` downloads once (800 MB).

    Args:
        training, validation: Numbers of clips to train on, and to choose by.
        test: Number of clips to be scored on; of the official ones, from the first.
        official: Whether to be scored on those. If not, on clips drawn here in the same way, of digits that no other
            clip has: no download, and no number for the literature's table.

    Raises:
        ImportError: There is no `tensorflow_datasets`.
    """
    drawn: dict[str, Any] = {"canvas": 64, "digit_size": 28, "speed": (3.6, 3.6), "whole_pixels": True}
    tested = _official_moving_mnist(test) if official else moving_digits(test, 20, split="test", **drawn)
    videos = windows.to_unit(tested)
    return Task(
        training_clips=moving_digits(training, 20, split="train", **drawn),
        validation_clips=moving_digits(validation, 20, split="validation", **drawn),
        context=videos[:, :10],
        future=videos[:, 10:],
        video=videos[:1],
    )


def _official_moving_mnist(count: int) -> np.ndarray:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "moving_mnist_64 takes its test clips from tensorflow_datasets: pip install tensorflow-datasets"
        ) from error
    clips = tensorflow_datasets.load("moving_mnist", split=f"test[:{whole_number('test', count)}]")
    return np.stack([clip["image_sequence"][..., 0] for clip in clips.as_numpy_iterator()])


TASKS = {
    function.__name__: function
    for function in (
        digits_32,
        free_flight,
        memory,
        real_clips_64,
        moving_mnist_64,
        labelled_motion,
        random_walls_32,
        paddle_game,
    )
}


def load_task(source: str, **arguments: Any) -> AnyTask:
    """Return the task that the table `[task]` of a protocol asks for.

    Args:
        source: One of `TASKS`.
        arguments: Of that function.
    """
    one_of("source", source, TASKS)
    return TASKS[source](**arguments)
