"""Files: atomic writes, what JSON can hold, shipped assets with their checksums, and the folder of the cache."""

import hashlib
import math
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

PACKAGE = Path(str(files("nextframe")))
ASSETS = PACKAGE / "assets"


def write_atomically(path: str | os.PathLike, content: bytes | memoryview) -> Path:
    """Write a file atomically, replacing an existing one; safe for two processes at once."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def without_nan(value: Any) -> Any:
    """JSON has no NaN or infinity: None in their place."""
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def asset_checksums() -> dict[str, str]:
    """Return the SHA-256 that each shipped file of data must have, by its name."""
    lines = (ASSETS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {file: checksum for checksum, file in map(str.split, lines)}


def asset_path(name: str) -> Path:
    """Return the path of a file in `assets/`, after checking its SHA-256.

    Raises:
        ValueError: The file is missing or damaged.
    """
    expected = asset_checksums()[name]
    path = ASSETS / name
    found = sha256(path) if path.exists() else "nothing"
    if found != expected:
        raise ValueError(f"{path} is damaged (SHA-256 {found}, expected {expected}): reinstall nextframe")
    return path


def cache_folder() -> Path:
    """Return the folder for downloads and features: the environment's NEXTFRAME_CACHE, else ~/.cache/nextframe."""
    return Path(os.environ.get("NEXTFRAME_CACHE") or Path.home() / ".cache" / "nextframe")
