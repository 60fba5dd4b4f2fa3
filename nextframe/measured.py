"""Measured results: what takes too long for a page to measure as it runs, kept as small JSON files."""

import json
import os
import platform
from importlib.resources import files
from pathlib import Path

import keras

FOLDER = Path(str(files("nextframe"))) / "results"


def write(name: str, result: dict, folder: str | os.PathLike = FOLDER) -> Path:
    """Store a result, with what it was measured on: versions, machine and cores.

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
    text = json.dumps(result | {"measured_with": machine}, indent=1, allow_nan=False) + "\n"
    return put(path, text.encode())


def put(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all, whatever is there; also where two programs do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path


def read(name: str, folder: str | os.PathLike = FOLDER) -> dict:
    """Read a result that was stored by `write`.

    Raises:
        FileNotFoundError: There is none of that name; the message lists those there are.
    """
    path = Path(folder) / f"{name}.json"
    if not path.exists():
        there = ", ".join(sorted(other.stem for other in Path(folder).glob("*.json"))) or "none"
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


def _backend_version() -> str:
    """Version of TensorFlow, JAX or whatever computes."""
    return __import__(keras.backend.backend()).__version__
