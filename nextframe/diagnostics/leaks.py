"""Leaks: whether a model sees the frames that it should predict, or data shows them to it."""

from collections.abc import Iterable

import keras
import numpy as np

from nextframe._utils.keras_layers import ROLLOUT, frames_ahead
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe.clips import check_clip
from nextframe.forecasting import check_one_forecast, predict_along
from nextframe.windows import to_unit


def leaks(model: keras.Model, frames: np.ndarray, seed: int = 0) -> list[tuple[int, int]]:
    """Find forecasts that see frames after their own time.

    Each frame is changed in turn. If the forecast of frame t + 1, made at time t, moves when frame t + 1 or a later one
    does, the model has been shown its own target.

    Args:
        model: Maps a context of N frames to a target, or to several frames ahead, of which the first is looked at; or,
            sequence to sequence, frames to one forecast each.
        frames: `(batch, time, height, width, channels)`, float32: more than N frames for the first kind of model, which
            reads them window by window; as many as it was built for, for the second.
        seed: Of the changes.

    Returns:
        Pairs (output time, input time) with input time > output time whose output moved. Empty: no leak.

    Raises:
        ValueError: The model gives neither one frame for a context nor one for each, nor several ahead.
    """
    check_one_forecast(model)
    sequences = len(model.output_shape) == len(model.input_shape) and frames_ahead(model) is None
    if sequences and model.output_shape[1] != model.input_shape[1]:
        raise ValueError(
            f"{model.name} makes {model.output_shape[1]} forecasts of {model.input_shape[1]} frames: "
            f'expected one forecast a frame, or one in all, or several ahead from a layer named "{ROLLOUT}"'
        )
    first = 0 if sequences else model.input_shape[1] - 1  # when the first forecast is made

    def forecast(frames: np.ndarray) -> np.ndarray:
        if sequences:
            with quiet_about_tracing():
                return model.predict_on_batch(frames)
        return predict_along(model, frames, check_range=False)  # of frames that were changed to probe

    before = forecast(frames)
    rng = np.random.default_rng(seed)
    found = []
    for changed in range(frames.shape[1]):
        other = np.array(frames)
        other[:, changed] += rng.standard_normal(other[:, changed].shape).astype(other.dtype)
        moved = np.abs(forecast(other) - before)
        moved = moved.reshape(*moved.shape[:2], -1).max(axis=(0, 2)) > 1e-6
        found += [(int(time), changed) for time in first + np.flatnonzero(moved) if time < changed]
    return sorted(found)


def data_leaks(context: np.ndarray, target: np.ndarray, training: Iterable[np.ndarray]) -> dict[str, float]:
    """Find test windows whose target is in their own context, or among the frames trained on.

    The check of a model, `leaks`, cannot see these: a model of one frame reads its context and nothing else, whatever
    the context holds. Frames are compared byte by byte. Windows in which nothing moves are left out, since each frame
    of theirs rightly equals the others. A video that repeats itself to the byte, such as a drawn light that blinks, has
    rightly shown its targets before: there, a share above 0 says that it repeats, and not that it leaks.

    Args:
        context: `(windows, N, height, width, 1)`, uint8 or float32.
        target: `(windows, height, width, 1)`, of the same type.
        training: Clips trained on, each `(time, height, width)`; see `nextframe.clips.check_clip`. They are compared as
            bytes, or as the floats that `to_unit` makes of them.

    Returns:
        Shares of the windows in which something moves: "in its context" and "in training". 0 and 0: no leak.

    Raises:
        ValueError: Not one target for each context; contexts and targets of two types, or of none of these; or what
            was trained on is no clip.
    """
    if len(context) != len(target) or context.shape[2:] != target.shape[1:]:
        raise ValueError(f"contexts {context.shape} and targets {target.shape}: expected one target for each context")
    if context.dtype != target.dtype or target.dtype not in (np.uint8, np.float32):  # their bytes would equal no others
        raise ValueError(
            f"contexts are {context.dtype} and targets {target.dtype}: expected both uint8, or both float32 as "
            "nextframe.windows.to_unit makes them"
        )

    def pixels(clip: np.ndarray) -> np.ndarray:
        frames = check_clip(clip)
        return frames if target.dtype == np.uint8 else to_unit(frames)

    targets = {frame.tobytes() for frame in target}
    # only these are kept: all frames trained on may take more memory than there is
    trained = {found for clip in training for frame in pixels(clip) if (found := frame.tobytes()) in targets}
    in_context, in_training, moving = 0, 0, 0
    for seen, wanted in zip(context, target, strict=True):
        frames, asked = [frame.tobytes() for frame in seen], wanted.tobytes()
        if len({*frames, asked}) == 1:
            continue
        moving += 1
        in_context += asked in frames
        in_training += asked in trained
    return {"in its context": in_context / max(moving, 1), "in training": in_training / max(moving, 1)}
