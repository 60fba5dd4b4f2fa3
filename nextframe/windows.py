"""Windows: slide over clips without copying them, split them in time, and feed them to Keras.

A *window* is one context of N frames with its target.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from nextframe._utils.cuts import warn_of_cuts
from nextframe._utils.validation import whole_number
from nextframe.clips import check_clip, check_clips

if TYPE_CHECKING:  # neither is loaded before a dataset is asked for, and TensorFlow only where it is the backend
    import keras
    import tensorflow as tf

Dataset: TypeAlias = "tf.data.Dataset | keras.utils.PyDataset"  # the first on TensorFlow, the second elsewhere


def to_unit(frames: np.ndarray) -> np.ndarray:
    """Turn frames into floats for models and metrics: uint8 `(..., h, w)` → float32 `(..., h, w, 1)` in 0..1."""
    frames = np.asarray(frames)
    if frames.dtype != np.uint8:
        raise ValueError(f"frames have dtype {frames.dtype}; expected uint8 (0..255): pass a clip or its windows")
    return frames[..., None] / np.float32(255)


def window_span(context: int, horizon: int = 1, frame_step: int = 1) -> int:
    """Number of consecutive frames that one window spans."""
    for name, value in {"context": context, "horizon": horizon, "frame_step": frame_step}.items():
        whole_number(name, value)
    return (context + horizon - 1) * frame_step + 1


def sliding_windows(
    clip: np.ndarray, context: int, horizon: int = 1, stride: int = 1, frame_step: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a clip into windows. Both results are read-only views: they add no memory to the clip's.

    Args:
        clip: `(time, height, width)`; see `nextframe.clips.check_clip`.
        context: Frames that the model sees.
        horizon: Frames after the context that it should predict.
        stride: Frames between the starts of two windows.
        frame_step: Frames between two frames of one window; 2 halves the frame rate.

    Returns:
        contexts: `(windows, context, height, width)`, uint8.
        targets: `(windows, horizon, height, width)`, uint8.

    Raises:
        ValueError: An argument is below 1, or the clip is shorter than one window.
    """
    clip = check_clip(clip)
    _, span = _starts(len(clip), context, horizon, stride, frame_step)
    every_frame = np.lib.stride_tricks.sliding_window_view(clip, span, axis=0)  # (starts, h, w, span)
    frames = np.moveaxis(every_frame, -1, 1)[::stride, ::frame_step]  # (windows, context + horizon, h, w)
    return frames[:, :context], frames[:, context:]


def _starts(frames: int, context: int, horizon: int, stride: int, frame_step: int) -> tuple[np.ndarray, int]:
    """First frames of the windows of a clip with so many frames, int64 `(windows,)`, and the frames that each spans."""
    span = window_span(context, horizon, frame_step)
    whole_number("stride", stride)
    if frames < span:
        raise ValueError(
            f"clip has {frames} frames; context={context}, horizon={horizon} and frame_step={frame_step} "
            f"need at least {span}: lower them or use a longer clip"
        )
    return np.arange(0, frames - span + 1, stride), span


def chronological_split(
    clip: np.ndarray, train: float = 0.7, validation: float = 0.15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a clip into three parts in time, before any window is taken: no frame is in two. Warns of scene cuts.

    Args:
        clip: `(time, height, width)`.
        train, validation: Fractions of the frames that come first, and next. The rest is for the test.

    Returns:
        The three parts, as views of the clip.

    Raises:
        ValueError: The fractions are not within 0..1, leave no rest, or leave a part without frames.
    """
    if not (train > 0 and validation > 0 and train + validation < 1):
        both = f"train={train} and validation={validation} sum to {train + validation:g}"
        raise ValueError(f"{both}: expected two fractions above 0 that leave a rest for the test")
    clip = check_clip(clip)
    warn_of_cuts([clip])
    first, second = round(len(clip) * train), round(len(clip) * (train + validation))
    parts = clip[:first], clip[first:second], clip[second:]
    for name, part in zip(("train", "validation", "test"), parts, strict=True):
        if len(part) == 0:
            raise ValueError(f"{name} gets none of the clip's {len(clip)} frames: raise its share or use a longer clip")
    return parts


def window_dataset(
    clips: np.ndarray | Sequence[np.ndarray],
    context: int,
    horizon: int = 1,
    stride: int = 1,
    frame_step: int = 1,
    *,
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int = 0,
    sequence_targets: bool = False,
    weights: Sequence[float] | None = None,
) -> Dataset:
    """Build the dataset of `(context, target)` batches for `fit`, `evaluate` and `predict`.

    A `tf.data.Dataset` on TensorFlow, a `keras.utils.PyDataset` elsewhere: the same batches in the same order.
    TensorFlow gathers batches from its own uint8 copy of the clips. So they take twice their memory (three times, for
    a moment, to join several clips), however many windows overlap.

    Args:
        clips: One clip `(time, height, width)`, or several: a list, or an array `(count, time, height, width)` such
            as `moving_digits` returns. No window crosses from clip to clip; where one has scene cuts, this warns.
        context, horizon, stride, frame_step: As in `sliding_windows`.
        batch_size: Windows in a batch; the last one may be smaller.
        shuffle: Draw the windows in another order in every epoch.
        seed: Of the shuffling: the same seed gives the same orders.
        sequence_targets: For models that forecast after every frame: the target is the context one frame later.
        weights: One for each clip, of its windows in the loss; 1 ÷ its error of copying makes all clips count alike.

    Returns:
        Dataset of float32 batches in 0..1: contexts `(batch, context, height, width, 1)` and targets
        `(batch, height, width, 1)`, or `(batch, horizon, height, width, 1)` where `horizon` is above 1, or
        `(batch, context, height, width, 1)` with `sequence_targets`. With `weights`, these too, one for each window,
        with an axis of 1 for each further axis of the target but the channel.

    Raises:
        ValueError: As `sliding_windows`; or the clips differ in size; or `batch_size` is below 1; or a horizon above 1
            is asked for with `sequence_targets`; or weights and clips differ in number.
    """
    if sequence_targets and horizon != 1:
        raise ValueError(f"{horizon=} with sequence_targets=True: each step forecasts one frame; leave horizon at 1")
    whole_number("batch_size", batch_size)
    clips = check_clips(clips)
    warn_of_cuts(clips)
    if weights is not None and len(weights) != len(clips):
        raise ValueError(f"{len(weights)} weights for {len(clips)} clips: expected one for each")
    starts_of, offset = [], 0
    for clip in clips:
        of_clip, span = _starts(len(clip), context, horizon, stride, frame_step)
        starts_of.append(offset + of_clip)
        offset += len(clip)
    starts = np.concatenate(starts_of)
    counts = None if weights is None else np.repeat(np.asarray(weights, np.float32), [len(each) for each in starts_of])
    if counts is not None:  # with as many axes as Keras's errors have: those of a target but the channel
        counts = counts.reshape(-1, *(3 if horizon > 1 or sequence_targets else 2) * [1])
    pixels = clips[0] if len(clips) == 1 else np.concatenate(clips)
    height, width = pixels.shape[1:]
    from nextframe._utils.batches import batches_of, on_tensorflow

    if not on_tensorflow():
        past = np.arange(0, context * frame_step, frame_step)
        future = past + frame_step if sequence_targets else np.arange(context * frame_step, span, frame_step)
        future = future if sequence_targets or horizon > 1 else future[0]  # one frame has no axis of time

        def gather_arrays(numbers: np.ndarray) -> tuple[np.ndarray, ...]:
            cut = tuple(to_unit(pixels[np.add.outer(starts[numbers], offsets)]) for offsets in (past, future))
            return cut if counts is None else (*cut, counts[numbers])

        return batches_of(len(starts), batch_size, gather_arrays, shuffle, seed)
    import tensorflow as tf

    # A variable, since tf.data copies a constant into its graph, twice; on the CPU, since clips may not fit a GPU.
    with tf.device("cpu"):
        frames = tf.Variable(pixels, trainable=False)

    def unit(numbers: tf.Tensor, *shape: int) -> tf.Tensor:
        """The frames with these numbers as floats in 0..1, in one pass over memory: this sets the speed."""
        pixels = tf.bitcast(tf.gather(frames, numbers), tf.quint8)
        pixels = tf.quantization.dequantize(pixels, 0.0, 1.0, mode="MIN_COMBINED")
        return tf.ensure_shape(pixels[..., None], (None, *shape, height, width, 1))

    def gather(numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        begin = tf.gather(starts, numbers)
        weight = () if counts is None else (tf.gather(counts, numbers),)
        seen = begin[:, None] + tf.range(0, context * frame_step, frame_step, dtype=tf.int64)
        if sequence_targets:
            return unit(seen, context), unit(seen + frame_step, context), *weight
        if horizon == 1:
            return unit(seen, context), unit(begin + span - 1), *weight
        ahead = begin[:, None] + tf.range(context * frame_step, span, frame_step, dtype=tf.int64)
        return unit(seen, context), unit(ahead, horizon), *weight

    return batches_of(len(starts), batch_size, gather, shuffle, seed)


def labelled_dataset(
    inputs: np.ndarray, labels: np.ndarray, *, batch_size: int = 32, shuffle: bool = False, seed: int = 0
) -> Dataset:
    """Build the dataset of `(input, label)` batches, for clips or features with one label each; see `window_dataset`.

    Args:
        inputs: uint8 clips `(count, time, height, width)`, which come out in 0..1; or float32 features as they are.
        labels: int64 `(count,)`.
        batch_size, shuffle, seed: As in `window_dataset`.

    Raises:
        ValueError: Not one label for each input, or `batch_size` is below 1.
    """
    whole_number("batch_size", batch_size)
    if len(inputs) != len(labels) or len(labels) == 0:
        raise ValueError(f"{len(inputs)} inputs and {len(labels)} labels: expected one for each, and at least one")
    labels = np.asarray(labels)
    from nextframe._utils.batches import batches_of, on_tensorflow

    if not on_tensorflow():

        def choose(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            chosen = inputs[numbers]
            return (to_unit(chosen) if inputs.dtype == np.uint8 else chosen), labels[numbers]

        return batches_of(len(labels), batch_size, choose, shuffle, seed)
    import tensorflow as tf

    with tf.device("cpu"):  # a variable, as in `window_dataset`
        kept = tf.Variable(inputs, trainable=False)

    def gather(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = tf.gather(kept, numbers)
        chosen = tf.cast(chosen, tf.float32)[..., None] / 255 if inputs.dtype == np.uint8 else chosen
        return chosen, tf.gather(labels, numbers)

    return batches_of(len(labels), batch_size, gather, shuffle, seed)


def endless(dataset: Dataset, first: int = 0) -> "tf.data.Dataset | Iterator[tuple]":
    """Return the batches of a dataset, epoch after epoch without end, from batch number `first` on.

    Args:
        dataset: Dataset from `window_dataset` or `labelled_dataset`.
        first: How many batches to leave out: those of a run that was cut off.
    """
    from nextframe._utils.batches import on_tensorflow

    return dataset.repeat().skip(first) if on_tensorflow() else dataset.endless(first)
