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
STEERED_FOLDER = ASSETS / "steered"
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
            "steerable", trained on the paddle game.
        context_shape: `(N, height, width, 1)`. "flow_unet" fits any; the others only the one they were trained for.
        without: For "flow_unet": a clip of `nextframe.datasets.real_clips` that its training left out, so that scores
            on that clip are honest.
        folder: Folder of the weights for moving digits.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`; "steerable" reads
        an action beside the context.

    Raises:
        ValueError: No weights of that name, another context shape, or the file is not the one that was shipped.
    """
    from nextframe.models import build
    from nextframe.models.inputs import check_context_shape

    video, steered, digits = (read_index(each) for each in (VIDEO_FOLDER, STEERED_FOLDER, folder))
    one_of("name", name, [*digits, *steered, *(name for name, about in video.items() if name == about["model"])])
    shipped = digits | steered | video
    if without is not None:
        one_of(
            "without", without, [key.partition("-without-")[2] for key in video if key.startswith(f"{name}-without-")]
        )
    key = name if without is None else f"{name}-without-{without}"
    about = shipped[key]
    trained_for = tuple(about["context_shape"])
    context_shape = trained_for if context_shape is None else check_context_shape(context_shape)
    if name not in video and context_shape != trained_for:
        raise ValueError(
            f"context_shape={context_shape}: {name} was trained for {trained_for}: cut and resize to that, or "
            "load 'flow_unet', which fits any"
        )
    where = VIDEO_FOLDER if name in video else STEERED_FOLDER if name in steered else folder
    path = Path(where) / f"{key}.weights.h5"
    if sha256(path) != about["sha256"]:
        raise ValueError(f"{path} is not the file that was shipped (its SHA-256 differs): install nextframe again")
    model = build(name, context_shape, **about["arguments"])
    model.load_weights(path)
    return model


def names(folder: str | os.PathLike = FOLDER) -> list[str]:
    """Return the names of the models that ship with weights from moving digits."""
    return list(read_index(folder))


def read_index(folder: str | os.PathLike = FOLDER) -> dict[str, dict]:
    """Return the contents of a folder of weights: model → its run, arguments, context shape and checksum."""
    return json.loads((Path(folder) / INDEX).read_text(encoding="utf-8"))["models"]
