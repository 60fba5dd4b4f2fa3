"""This book's own trained weights: the best run of each model under the protocol `digits-32`.

Modules that need NumPy alone are imported through this one, so Keras waits until a model is loaded.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nextframe._utils.files import ASSETS, sha256
from nextframe._utils.validation import one_of

if TYPE_CHECKING:
    import keras

FOLDER = ASSETS / "trained"
INDEX = "index.json"  # what ships: each model's arguments, context shape and checksum


def load(name: str, folder: str | os.PathLike = FOLDER) -> keras.Model:
    """Build a model with the weights that it ships with.

    Args:
        name: One of `names()`.
        folder: Where the weights are.

    Returns:
        Model from a context `(batch, 10, 32, 32, 1)` to a target `(batch, 32, 32, 1)`, trained on moving digits.

    Raises:
        ValueError: No weights of that name, or the file is not the one that was shipped.
    """
    from nextframe.models import build

    shipped = read_index(folder)
    one_of("name", name, shipped)
    about = shipped[name]
    path = Path(folder) / f"{name}.weights.h5"
    if sha256(path) != about["sha256"]:
        raise ValueError(f"{path} is not the file that was shipped (its SHA-256 differs): install nextframe again")
    model = build(name, tuple(about["context_shape"]), **about["arguments"])
    model.load_weights(path)
    return model


def names(folder: str | os.PathLike = FOLDER) -> list[str]:
    """Return the names of the models that ship with weights."""
    return list(read_index(folder))


def read_index(folder: str | os.PathLike = FOLDER) -> dict[str, dict]:
    """Return what ships: model → its run, arguments, context shape and checksum."""
    return json.loads((Path(folder) / INDEX).read_text(encoding="utf-8"))["models"]
