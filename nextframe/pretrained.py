"""This book's own trained weights: the best run of each model under the protocol `digits-32`, and a few others.

Importing any module of the package imports this one, so it imports Keras only when a model is loaded.
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
VIDEO_FOLDER = ASSETS / "video"
FOLDERS = {"steerable": ASSETS / "steered", "many-futures": ASSETS / "futures"}  # of other protocols than `digits-32`
INDEX = "index.json"  # each model's arguments, context shape and checksum


def load(
    name: str,
    context_shape: tuple[int, ...] | None = None,
    *,
    without: str | None = None,
    folder: str | os.PathLike = FOLDER,
) -> keras.Model:
    """Build a model with the weights that it ships with.

    Args:
        name: One of `names()`, trained on moving digits of 32×32 pixels; or "flow_unet", trained on real video; or
            "steerable", trained on the paddle game; or "many_futures", "flow_matching" and "mean_cnn", trained on a
            digit that leaves each wall in a random direction.
        context_shape: `(N, height, width, 1)`. "flow_unet" fits any; the others only the one they were trained for.
        without: For "flow_unet": a clip of `nextframe.datasets.real_clips` that its training left out, so that scores
            on that clip are honest.
        folder: Folder of the weights for moving digits.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`; "steerable" reads
        an action beside the context, and what "many_futures" and "flow_matching" make is said there.

    Raises:
        ValueError: No weights of that name, another context shape, or the file is not the one that was shipped.
    """
    from nextframe.models import build
    from nextframe.models.inputs import check_context_shape

    video = read_index(VIDEO_FOLDER)
    folders = dict.fromkeys(read_index(folder), folder)
    folders |= {name: where for where in FOLDERS.values() for name in read_index(where) if name not in folders}
    one_of("name", name, [*folders, *(name for name, about in video.items() if name == about["model"])])
    shipped = video if name in video else read_index(folders[name])
    if without is not None:
        left_out = [key.partition("-without-")[2] for key in video if key.startswith(f"{name}-without-")]
        if not left_out:
            raise ValueError(f"without={without!r}: {name} learned from no clip of the package; leave without away")
        one_of("without", without, left_out)
    key = name if without is None else f"{name}-without-{without}"
    about = shipped[key]
    trained_for = tuple(about["context_shape"])
    context_shape = trained_for if context_shape is None else check_context_shape(context_shape)
    if name not in video and context_shape != trained_for:
        raise ValueError(
            f"context_shape={context_shape}: {name} was trained for {trained_for}: cut and resize to that, or "
            "load 'flow_unet', which fits any"
        )
    path = Path(folders.get(name, VIDEO_FOLDER)) / f"{key}.weights.h5"
    if sha256(path) != about["sha256"]:
        raise ValueError(f"{path} is not the file that was shipped (its SHA-256 differs): install nextframe again")
    model = build(about.get("model", name), context_shape, **about["arguments"])
    model.load_weights(path)
    return model


def names(folder: str | os.PathLike = FOLDER) -> list[str]:
    """Return the names of the models that ship with weights from moving digits."""
    return list(read_index(folder))


def read_index(folder: str | os.PathLike = FOLDER) -> dict[str, dict]:
    """Return the contents of a folder of weights: model → its run, arguments, context shape and checksum."""
    return json.loads((Path(folder) / INDEX).read_text(encoding="utf-8"))["models"]
