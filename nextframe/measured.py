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
        name: Of the result; the file is `name.json`.
        result: Anything that JSON holds.
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
    }
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result | {"measured_with": machine}, indent=1) + "\n", encoding="utf-8")
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


def _backend_version() -> str:
    """Version of TensorFlow, JAX or whatever computes."""
    return __import__(keras.backend.backend()).__version__
