"""Probes: questions to a model that its error does not answer.

What does it cost? Does a shifted film give a shifted forecast? How far back does it look, and does order matter? Can it
remember? Does it see what it should predict?
"""

import json
import subprocess
import sys

import keras
import numpy as np
from keras import layers, ops

from nextframe.checks import one_of, whole_number
from nextframe.forecasting import predict_along, predict_next
from nextframe.layers import ConvGRU2D, FoldFrames
from nextframe.metrics import clip_to_unit
from nextframe.models import build
from nextframe.training import fit
from nextframe.windows import to_unit, window_dataset

# Layers that have weights and compute next to nothing beside a matrix product: their work is not counted.
_CHEAP = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)


# ---- cost ----


def forward_flops(model: keras.Model) -> int:
    """Count the floating-point operations of one forecast: two for each product of a matrix or a convolution.

    Biases, activations, pooling and reshaping are left out; they are small beside the products. Padding is counted as
    if it were pixels, as Keras computes it.

    Raises:
        ValueError: A layer has weights, and this function does not know what it computes.
    """
    return sum(_layer_flops(layer) for layer in model.layers)


def training_flops(model: keras.Model) -> int:
    """Operations of training on one example: forward, and about twice that for the gradients."""
    return 3 * forward_flops(model)


def peak_training_memory(name: str, context_shape: tuple[int, ...], batch_size: int = 16, **size) -> float:
    """Measure the memory that one training step takes at its peak, in megabytes, weights and gradients included.

    The step runs in a process of its own, so nothing else counts. On a GPU it is the GPU's memory. On a CPU it is what
    the process takes beyond what it had before the model was built, with what TensorFlow needs to trace the model; it
    is read from Linux's /proc, so it is measured on Linux only.

    Args:
        name: A model of `nextframe.models.MODELS`.
        context_shape: `(N, height, width, 1)`.
        batch_size: Contexts in the batch.
        **size: The model's own arguments.
    """
    job = json.dumps({"name": name, "context_shape": list(context_shape), "batch_size": batch_size, "size": size})
    done = subprocess.run([sys.executable, "-c", _MEMORY, job], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"one training step of {name} failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.split()[-1])


_MEMORY = """
import json, sys
from pathlib import Path
import keras, numpy as np
from nextframe.models import build


def status(field):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field)]
    return float(line.split()[1]) / 1e3


job = json.loads(sys.argv[1])
keras.ops.matmul(np.ones((2, 2), "float32"), np.ones((2, 2), "float32"))  # the backend's own start-up
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
model = build(job["name"], job["context_shape"], **job["size"])
model.compile(optimizer="adam", loss="mse", jit_compile=False)
context = np.zeros((job["batch_size"], *job["context_shape"]), "float32")
model.train_on_batch(context, context[:, 0])
peak = status("VmHWM") - before
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    if tf.config.list_physical_devices("GPU"):
        peak = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6
print(peak)
"""


# ---- space ----


def shift_error(model: keras.Model, context: np.ndarray, shift: int, margin: int | None = None) -> float:
    """How far the forecast of a shifted film is from the shifted forecast of the film: 0 if they are equal.

    ‖f(shift x) − shift f(x)‖ ÷ ‖f(x)‖, on pixels at least `margin` from the border, since what enters there is new.

    Args:
        model: Maps a context to a target.
        context: `(batch, N, height, width, 1)`, float32.
        shift: Pixels to the right.
        margin: Pixels to leave out at each border. Default: `shift`, or more if the model looks further.
    """
    margin = abs(shift) if margin is None else margin
    if 2 * margin >= min(context.shape[2:4]):
        raise ValueError(f"margin={margin} leaves nothing of frames of {context.shape[2]}×{context.shape[3]}: lower it")
    inside = (slice(None), *[slice(margin, -margin or None)] * 2)
    forecast = predict_next(model, context)
    of_shifted = predict_next(model, np.roll(context, shift, axis=3))
    shifted = np.roll(forecast, shift, axis=2)
    return float(np.linalg.norm((of_shifted - shifted)[inside]) / np.linalg.norm(forecast[inside]))


# ---- time ----


def temporal_receptive_field(model: keras.Model, context: np.ndarray, seed: int = 0) -> np.ndarray:
    """How much each frame of the context can move the forecast.

    The norm of the gradient of a random projection of the forecast with respect to each frame, averaged over the batch.

    Returns:
        `(N,)`: oldest frame first; 0 where the forecast does not depend on a frame at all.
    """
    context = np.asarray(context, np.float32)
    projection = np.random.default_rng(seed).standard_normal((len(context), *model.output_shape[1:])).astype("float32")
    gradient = _gradient(model, context, projection)
    return np.sqrt(np.square(gradient).sum(axis=(2, 3, 4))).mean(axis=0)


def order_sensitivity(model: keras.Model, context: np.ndarray, seed: int = 0) -> dict[str, float]:
    """How much the forecast changes when the context's frames change places: ‖change‖ ÷ ‖forecast‖.

    Returns:
        {"reversed": …, "shuffled": …}; 0 for a model to which order means nothing.
    """
    forecast = predict_next(model, context)
    count = context.shape[1]
    order = np.random.default_rng(seed).permutation(count)
    while count > 1 and (order == np.arange(count)).all():
        order = np.roll(order, 1)
    orders = {"reversed": slice(None, None, -1), "shuffled": order}
    return {
        name: float(np.linalg.norm(predict_next(model, context[:, order]) - forecast) / np.linalg.norm(forecast))
        for name, order in orders.items()
    }


# ---- memory ----


def blinking_clips(count: int, length: int, period: int, canvas: int = 16, seed: int = 0) -> np.ndarray:
    """Draw clips whose next frame was decided `period` frames ago: a light that repeats a random pattern.

    Args:
        count: Number of clips.
        length: Frames in each.
        period: Length of the pattern. Frame t equals frame t − period, and nothing later tells what it is.
        canvas: Side of a frame; the light is a square in its middle.
        seed: Of the patterns.

    Returns:
        uint8 `(count, length, canvas, canvas)`.
    """
    pattern = np.random.default_rng(seed).integers(0, 2, (count, period), dtype=np.uint8)
    lit = pattern[:, np.arange(length) % period] * np.uint8(255)
    light = np.zeros((canvas, canvas), np.uint8)
    light[canvas // 4 : -(canvas // 4), canvas // 4 : -(canvas // 4)] = 1
    return lit[:, :, None, None] * light


def hidden_clips(count: int, length: int, hidden: int, canvas: int = 16, seed: int = 0) -> np.ndarray:
    """Draw clips in which an object moves, is hidden for `hidden` frames, and comes out in the last one.

    Where it comes out follows from how it moved before. While it is hidden, the whole frame is grey.

    Args:
        count: Number of clips.
        length: Frames in each; the last is the one to predict.
        hidden: Frames just before the last that show nothing; at most `length − 3`, so that a motion can be seen.
        canvas: Side of a frame; the object is a square of a quarter of that.
        seed: Of the paths.

    Returns:
        uint8 `(count, length, canvas, canvas)`.

    Raises:
        ValueError: `hidden` leaves fewer than two frames to see.
    """
    if not 0 <= hidden <= length - 3:
        raise ValueError(f"hidden={hidden}: expected 0 to {length - 3}, so that two frames show the motion")
    rng = np.random.default_rng(seed)
    size = canvas // 4
    room = canvas - size
    row, start = rng.integers(0, room + 1, (2, count))
    stop = rng.integers(0, room + 1, count)
    column = np.rint(start[:, None] + (stop - start)[:, None] * np.arange(length) / (length - 1)).astype(int)
    rows, columns = np.indices((canvas, canvas))
    inside = (rows >= row[:, None, None]) & (rows < row[:, None, None] + size)
    inside = inside[:, None] & (columns >= column[..., None, None]) & (columns < column[..., None, None] + size)
    clips = np.where(inside, np.uint8(255), np.uint8(0))
    clips[:, length - 1 - hidden : length - 1] = 128
    return clips


def as_windows(clips: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Split clips of `context + 1` frames or more: the last `context` frames before the last, and the last frame.

    Returns:
        contexts `(count, context, height, width, 1)` and targets `(count, height, width, 1)`, float32 in 0..1.
    """
    return to_unit(clips[:, -1 - context : -1]), to_unit(clips[:, -1])


MEMORY_TASKS = {"blinking": blinking_clips, "hidden": hidden_clips}


def memory_network(
    name: str, back: int, steps: int, task: str = "blinking", context: int = 20, learning_rate: float = 3e-3, **size
) -> keras.Model:
    """Train a model on a task that takes memory.

    Args:
        name: A model of `nextframe.models.MODELS`.
        back: How far back the next frame was decided: the light's period, or for how many frames the object is hidden.
        steps: Batches of 32 windows to train on.
        task: "blinking" or "hidden", for `blinking_clips` or `hidden_clips`.
        context: Frames that the model sees.
        learning_rate: As in `nextframe.training.fit`.
        **size: The model's own arguments.

    Raises:
        ValueError: An unknown task, or a `back` that the context is too short for.
    """
    training, validation = (_memory_clips(task, back, context, split) for split in ("training", "validation"))
    keras.utils.set_random_seed(0)
    model = build(name, (context, *training.shape[2:], 1), **size)
    dataset = window_dataset(training, context, shuffle=True)
    held_out = window_dataset(validation, context, batch_size=100)
    fit(model, dataset, held_out, steps=steps, rounds=2, learning_rate=learning_rate, progress=False)
    return model


def memory_of(model: keras.Model, back: int, task: str = "blinking") -> float:
    """Measure how much a model remembers, on clips drawn anew.

    That is 1 − MSE ÷ MSE of the mean target: 0 is the level of no memory, where every forecast is that mean; 1 is
    perfect memory. (Skill against copying would flatter here, since the last frame is a bad forecast.)

    Args:
        model: Maps a context `(batch, N, 16, 16, 1)` to a target `(batch, 16, 16, 1)`.
        back, task: As in `memory_network`.

    Raises:
        ValueError: An unknown task, or a `back` that the model's context is too short for.
    """
    context = model.input_shape[1]
    seen, truth = as_windows(_memory_clips(task, back, context, "test"), context)
    missed = np.square(truth - clip_to_unit(predict_next(model, seen))).mean()
    return float(1 - missed / truth.var(axis=0).mean())


def memory_skill(name: str, back: int, steps: int, task: str = "blinking", **options) -> float:
    """Train a model as `memory_network` does, with the same arguments, and return its `memory_of`."""
    return memory_of(memory_network(name, back, steps, task, **options), back, task)


def _memory_clips(task: str, back: int, context: int, split: str) -> np.ndarray:
    one_of("task", task, MEMORY_TASKS)
    whole_number("back", back)
    if back > context - 2:
        raise ValueError(f"back={back} is too far for a context of {context} frames: expected at most {context - 2}")
    seed, count = {"training": (0, 2000), "validation": (1, 200), "test": (2, 200)}[split]
    return MEMORY_TASKS[task](count, context + 1, back, seed=seed)


# ---- leaks ----


def leaks(model: keras.Model, frames: np.ndarray, seed: int = 0) -> list[tuple[int, int]]:
    """Find forecasts that see frames after their own time.

    Each frame is changed in turn. If the forecast of frame t + 1, made at time t, moves when frame t + 1 or a later one
    does, the model has been shown what it should predict.

    Args:
        model: Maps a context of N frames to a target; or, sequence to sequence, frames to one forecast each.
        frames: `(batch, time, height, width, channels)`, float32: more than N frames for the first kind of model, which
            reads them window by window; as many as it was built for, for the second.
        seed: Of the changes.

    Returns:
        Pairs (output time, input time) with input time > output time whose output moved. Empty: no leak.

    Raises:
        ValueError: The model gives neither one frame for a context nor one for each.
    """
    sequences = len(model.output_shape) == len(model.input_shape)
    if sequences and model.output_shape[1] != model.input_shape[1]:
        raise ValueError(
            f"{model.name} makes {model.output_shape[1]} forecasts of {model.input_shape[1]} frames: "
            "expected one forecast a frame, or one in all"
        )
    first = 0 if sequences else model.input_shape[1] - 1  # when the first forecast is made

    def forecast(frames):
        return ops.convert_to_numpy(model(frames)) if sequences else predict_along(model, frames)

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


def _layer_flops(layer: keras.layers.Layer) -> int:
    if not layer.weights:
        return 0
    if isinstance(layer, layers.TimeDistributed | FoldFrames):
        steps, *inputs = layer.input.shape[1:]
        return steps * _product_flops(layer.layer, tuple(inputs), layer.output.shape[2:])
    return _product_flops(layer, layer.input.shape[1:], layer.output.shape[1:])


def _product_flops(layer: keras.layers.Layer, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
    """Operations of one layer for one example; shapes without the batch axis."""
    if isinstance(layer, keras.Model):
        return forward_flops(layer)
    if isinstance(layer, layers.LSTM | layers.GRU):
        gates = 4 if isinstance(layer, layers.LSTM) else 3
        return 2 * inputs[0] * gates * layer.units * (inputs[1] + layer.units)
    if isinstance(layer, layers.ConvLSTM2D | ConvGRU2D):
        gates = 4 if isinstance(layer, layers.ConvLSTM2D) else 3
        height, width = outputs[-3:-1]
        each = int(np.prod(layer.cell.kernel_size)) * (inputs[-1] + layer.cell.filters)
        return 2 * inputs[0] * gates * layer.cell.filters * each * height * width
    if isinstance(layer, layers.Dense):
        return 2 * int(np.prod(outputs)) * inputs[-1]
    if isinstance(layer, layers.Conv2D | layers.Conv3D):
        each = int(np.prod(layer.kernel_size)) * inputs[-1] // layer.groups
        return 2 * int(np.prod(outputs)) * each
    if isinstance(layer, layers.Conv2DTranspose):
        return 2 * int(np.prod(inputs)) * int(np.prod(layer.kernel_size)) * layer.filters
    if isinstance(layer, layers.DepthwiseConv2D):
        return 2 * int(np.prod(outputs)) * int(np.prod(layer.kernel_size))
    if isinstance(layer, _CHEAP):
        return 0
    raise ValueError(f"do not know how many operations {type(layer).__name__} ({layer.name}) takes: add it to probes")


def _gradient(model: keras.Model, context: np.ndarray, projection: np.ndarray) -> np.ndarray:
    """Gradient of the sum of `projection` × forecast with respect to the context."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            watched = tf.convert_to_tensor(context)
            tape.watch(watched)
            total = tf.reduce_sum(model(watched, training=False) * projection)
        gradient = tape.gradient(total, watched)
        return np.zeros_like(context) if gradient is None else gradient.numpy()
    if keras.backend.backend() == "jax":
        import jax

        def total(watched):
            return (model(watched, training=False) * projection).sum()

        return np.asarray(jax.grad(total)(context))
    raise NotImplementedError(f"gradients need TensorFlow or JAX, and Keras runs on {keras.backend.backend()}")
