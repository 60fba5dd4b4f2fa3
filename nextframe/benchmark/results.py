"""The results store: measurements that take too long for a page to make as it runs, as small JSON files."""

import json
import os
import platform
from pathlib import Path

import keras

from nextframe._utils.files import PACKAGE, write_atomically
from nextframe.profiles import sees_gpu

FOLDER = PACKAGE / "results"


def save(name: str, result: dict, folder: str | os.PathLike = FOLDER) -> Path:
    """Store a result, with its environment: versions, machine and cores.

    Args:
        name: Of the result; the file is `name.json`, in a folder within if there is a `/`.
        result: Anything that JSON holds, without NaN.
        folder: Where to.

    Returns:
        The file, whole or not at all.
    """
    path = Path(folder) / f"{name}.json"
    machine = {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": f"{keras.backend.backend()} {_backend_version()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "processor": _processor(),
    }
    if (gpu := _gpu()) is not None:
        machine["gpu"] = gpu
    text = json.dumps(result | {"measured_with": machine}, indent=1, allow_nan=False) + "\n"
    return write_atomically(path, text.encode())


def load(name: str, folder: str | os.PathLike = FOLDER) -> dict:
    """Read a result that was stored by `save`.

    Raises:
        FileNotFoundError: No result has that name; the message lists those that exist.
    """
    path = Path(folder) / f"{name}.json"
    if not path.exists():
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(f"no result {name!r}: there is {there}")
    return json.loads(path.read_text(encoding="utf-8"))


def _processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gpu() -> str | None:
    """Name of the GPU that Keras computes on, if there is one and its backend tells the name."""
    if not sees_gpu():
        return None
    if keras.backend.backend() == "jax":
        import jax

        return jax.local_devices()[0].device_kind
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_name()
    import tensorflow as tf

    return tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0]).get("device_name")


def _backend_version() -> str:
    """Version of the backend, such as TensorFlow or JAX."""
    return __import__(keras.backend.backend()).__version__
