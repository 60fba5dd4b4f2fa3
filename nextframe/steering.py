"""Steering: train and roll out a model that reads a context and an action, and forecasts the frame after both."""

import keras
import numpy as np
from keras import ops

from nextframe._utils.batches import batches_of, on_tensorflow
from nextframe._utils.tf_logging import quiet_about_tracing
from nextframe._utils.validation import whole_number
from nextframe.forecasting import check_context
from nextframe.windows import Dataset, to_unit


def steered_dataset(
    frames: np.ndarray,
    actions: np.ndarray,
    context: int,
    horizon: int = 1,
    *,
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int = 0,
    rare: np.ndarray | None = None,
    share: float = 0.3,
) -> Dataset:
    """Build the dataset of `((context, action), target)` batches from recorded episodes.

    Args:
        frames: uint8 `(count, time, height, width)`.
        actions: Whole numbers `(count, time − 1)`: the action taken at each frame but the last, which led to the next.
        context: Frames that the model sees.
        horizon: Frames after the context, with the action that led to each.
        batch_size, shuffle, seed: As in `nextframe.windows.window_dataset`.
        rare: bool `(count, time)`, frames that are rare and worth more: windows whose targets are among them come
            several times in an epoch.
        share: How large a part of an epoch they are then, about.

    Returns:
        Dataset of contexts `(batch, context, height, width, 1)`, float32 in 0..1; actions `(batch,)`, int32; and
        targets `(batch, height, width, 1)`. With a horizon above 1, actions `(batch, horizon)` and targets
        `(batch, horizon, height, width, 1)`.

    Raises:
        ValueError: A number below 1, not one action for each frame but the last, or episodes that are too short.
    """
    for name, value in {"context": context, "horizon": horizon, "batch_size": batch_size}.items():
        whole_number(name, value)
    if np.ndim(frames) != 4 or np.shape(actions) != (len(frames), np.shape(frames)[1] - 1):
        raise ValueError(
            f"frames have shape {np.shape(frames)} and actions {np.shape(actions)}; expected (count, time, height, "
            "width) and (count, time − 1): one action for each frame but the last"
        )
    if not 0 < share < 1:
        raise ValueError(f"share={share}: expected a number between 0 and 1, such as 0.3")
    count, time = frames.shape[:2]
    places = time - context - horizon + 1  # at which a window can begin
    if places < 1:
        raise ValueError(
            f"episodes have {time} frames; context={context} and horizon={horizon} need at least "
            f"{context + horizon}: lower them, or record longer episodes"
        )
    windows = np.arange(count * places)
    if rare is not None:
        targets = np.lib.stride_tricks.sliding_window_view(rare[:, context:], horizon, axis=1)
        worth = windows[targets.any(axis=-1).ravel()]
        others = len(windows) - len(worth)
        copies = round(share / (1 - share) * others / max(len(worth), 1)) - 1
        windows = np.concatenate([windows, *[worth] * max(copies, 0)])
    past, future = np.arange(context), np.arange(context, context + horizon)
    if horizon == 1:
        future = future[0]

    def gather(numbers: np.ndarray) -> tuple:
        episode, first = np.divmod(windows[numbers], places)
        seen, ahead = (np.add.outer(first, offsets) for offsets in (past, future))
        of = episode[:, None]
        others = of if horizon > 1 else episode
        acted = actions[others, ahead - 1].astype(np.int32)
        return (to_unit(frames[of, seen]), acted), to_unit(frames[others, ahead])

    if not on_tensorflow():
        return batches_of(len(windows), batch_size, gather, shuffle, seed)
    import tensorflow as tf

    side = frames.shape[2:]
    shapes = [
        (context, *side, 1),
        () if horizon == 1 else (horizon,),
        (*side, 1) if horizon == 1 else (horizon, *side, 1),
    ]

    def gather_tensors(numbers: tf.Tensor) -> tuple:
        def flat(numbers: np.ndarray) -> tuple:
            (seen, acted), target = gather(numbers)
            return seen, acted, target

        parts = tf.numpy_function(flat, [numbers], [tf.float32, tf.int32, tf.float32])
        seen, acted, target = (tf.ensure_shape(part, (None, *shape)) for part, shape in zip(parts, shapes, strict=True))
        return (seen, acted), target

    return batches_of(len(windows), batch_size, gather_tensors, shuffle, seed)


def unrolled(model: keras.Model, horizon: int = 1, *, noise: float = 0.0, rounded: bool = False) -> keras.Model:
    """Build the model that trains another one: its forecasts for several actions in a row, each frame fed back.

    It has no weights of its own. Fit it, and `model` has learned.

    Args:
        model: Maps a context and an action to a target, like `nextframe.models.steerable`.
        horizon: Actions in a row.
        noise: Standard deviation of the noise that is added to true frames in training, in shares of white (context
            noise); 0 adds none.
        rounded: Whether a frame is rounded to black and white before it is fed back. No gradient passes through then.

    Returns:
        Model from a context and actions `(batch, horizon)` to frames `(batch, horizon, height, width, 1)`; with a
        horizon of 1, from what `model` reads to what it makes.
    """
    whole_number("horizon", horizon)
    context = keras.Input(model.inputs[0].shape[1:], name="context")
    actions = keras.Input((horizon,) if horizon > 1 else (), dtype="int32", name="action")
    seen = keras.layers.GaussianNoise(noise)(context) if noise else context
    frames = []
    for step in range(horizon):
        frame = model([seen, actions[:, step] if horizon > 1 else actions])
        frames.append(frame)
        fed = ops.stop_gradient(ops.round(frame)) if rounded else frame
        seen = ops.concatenate([seen[:, 1:], ops.expand_dims(fed, 1)], axis=1)
    made = ops.stack(frames, axis=1) if horizon > 1 else frames[0]
    return keras.Model([context, actions], made, name="unrolled")


def steer(model: keras.Model, context: np.ndarray, actions: np.ndarray, *, rounded: bool = True) -> np.ndarray:
    """Roll a model out: it answers to one action after another, and sees no frame after its context but its own.

    Args:
        model: Maps a context and an action to a target. One that reads a context alone ignores the actions.
        context: `(batch, N, height, width, 1)`, float32 in 0..1.
        actions: Whole numbers `(batch, steps)`, at least one step.
        rounded: Whether each frame is rounded to black and white before it is fed back; else it is clipped to 0..1.

    Returns:
        float32 `(batch, steps, height, width, 1)`, as they are fed back.

    Raises:
        ValueError: Not a row of whole numbers for each context, an action that the model does not know, or contexts
            that do not fit the model.
    """
    check_context(model, context)
    actions = np.asarray(actions)
    if actions.ndim != 2 or len(actions) != len(context) or 0 in actions.shape:
        raise ValueError(
            f"actions have shape {actions.shape}; expected ({len(context)}, steps): a row for each context"
        )
    if not np.issubdtype(actions.dtype, np.integer):
        raise ValueError(f"actions have dtype {actions.dtype}; expected whole numbers: use actions.astype(int)")
    known = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    if known and not (actions.min() >= 0 and actions.max() < known[0]):
        raise ValueError(f"actions are {actions.min()} to {actions.max()}; {model.name} knows 0 to {known[0] - 1}")
    seen, frames = context, []
    for action in actions.astype(np.int32).T:
        with quiet_about_tracing():
            frame = model.predict_on_batch([seen, action] if len(model.inputs) > 1 else seen)
        frame = np.round(frame) if rounded else frame
        frames.append(np.clip(frame, 0, 1).astype(np.float32))
        seen = np.concatenate([seen[:, 1:], frames[-1][:, None]], axis=1)
    return np.stack(frames, axis=1)
