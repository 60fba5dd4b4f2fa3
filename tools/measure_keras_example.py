"""Train the network of Keras's own example of next-frame prediction on this book's digits, and store its score.

The design is the one that its page describes: three ConvLSTM2D layers of 64 filters with kernels of 5, 3 and 1, batch
normalisation between them, a Conv3D with a sigmoid that pads time on both sides, cross-entropy, Adam, batches of 5. It
is trained for a fixed time, and scored as it is used: by its last output, for which no later frame exists.

    python tools/measure_keras_example.py [seconds]
"""

import sys
import time

import keras
import numpy as np

from nextframe import forecasting, metrics, windows
from nextframe.benchmark import results, tasks
from nextframe.models import build


def network(shape: tuple[int, ...]) -> keras.Model:
    inputs = x = keras.Input(shape)
    for size in (5, 3, 1):
        x = keras.layers.ConvLSTM2D(64, size, padding="same", return_sequences=True, activation="relu")(x)
        if size > 1:
            x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Conv3D(1, 3, padding="same", activation="sigmoid")(x))


class TimeIsUp(Exception):
    """How training is left in the middle of an epoch."""


class StopAfter(keras.callbacks.Callback):
    """End training once so many seconds have passed since its first step was done."""

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self.steps = seconds, 0
        self.started: float | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.started = self.started or time.perf_counter()  # the first step is spent on tracing
        self.steps += 1
        passed = time.perf_counter() - self.started
        print(f"\rstep {self.steps}, {passed:.0f} s, loss {logs['loss']:.4f}", end="", flush=True)
        if passed > self.seconds:
            raise TimeIsUp


def main(seconds: float) -> None:
    task = tasks.digits_32()
    keras.utils.set_random_seed(0)
    model = network(task.context_shape)
    model.compile(optimizer="adam", loss="binary_crossentropy", jit_compile=False)
    dataset = windows.window_dataset(task.training_clips, 10, batch_size=5, shuffle=True, sequence_targets=True)
    clock = StopAfter(seconds)
    try:
        model.fit(dataset.repeat(), steps_per_epoch=1_000_000, verbose=0, callbacks=[clock])
    except TimeIsUp:
        print()
    outputs = model.predict(task.context, verbose=0)
    copied = build("copy_last", task.context_shape)
    last = forecasting.predict_next(copied, task.context)
    result = {
        "parameters": model.count_params(),
        "seconds": seconds,
        "steps": clock.steps,
        "windows": clock.steps * 5,
        "seed": 0,
        "mse_per_frame": float(metrics.mse(task.truth, outputs[:, -1], per="frame").mean()),
        "mse_per_frame_of_steps_it_has_seen": float(
            np.square(outputs[:, :-1] - task.context[:, 1:]).sum(axis=(2, 3, 4)).mean()
        ),
        "mse_per_frame_of_copying": float(metrics.mse(task.truth, last, per="frame").mean()),
    }
    print(results.save("keras_example", result), result)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 180)
