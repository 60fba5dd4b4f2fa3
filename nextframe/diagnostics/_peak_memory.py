"""Take one training step in a process of its own, and print the megabytes that it needed; see `cost`."""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from nextframe.models import build
from nextframe.profiles import sees_gpu


def main() -> None:
    """Read the model and the batch from the command line."""
    job = json.loads(sys.argv[1])
    keras.ops.matmul(np.ones((2, 2), "float32"), np.ones((2, 2), "float32"))  # start the backend
    before = _megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    model = build(job["name"], job["context_shape"], **job["size"])
    model.compile(optimizer="adam", loss="mse", jit_compile=False)
    context = np.zeros((job["batch_size"], *job["context_shape"]), "float32")
    model.train_on_batch(context, np.zeros((len(context), *model.output_shape[1:]), "float32"))
    peak = _gpu_megabytes()
    print(_megabytes("VmHWM") - before if peak is None else peak)


def _megabytes(field: str) -> float:
    """Read a field of Linux's /proc/self/status, such as "VmHWM", the peak of the resident memory."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(field)]
    return float(line.split()[1]) / 1e3


def _gpu_megabytes() -> float | None:
    """Peak of the first GPU's memory, or None where the backend sees no GPU."""
    if not sees_gpu():
        return None
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6
    if backend == "jax":
        import jax

        return jax.local_devices()[0].memory_stats()["peak_bytes_in_use"] / 1e6
    import torch

    return torch.cuda.max_memory_allocated() / 1e6


if __name__ == "__main__":
    main()
