"""Cache of a frozen network's features of every frame, computed once."""

import hashlib
import io
import os
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from nextframe._utils.files import cache_folder, write_atomically
from nextframe._utils.structure import structure
from nextframe.windows import to_unit

_PART = 64  # clips in a file: an interruption loses one file at most


def cached_features(encoder: keras.Model, clips: np.ndarray, folder: str | os.PathLike | None = None) -> np.ndarray:
    """Return an encoder's features of every frame; compute only the missing ones.

    The place is named after a hash of the encoder's structure and weights and of the clips, so features of
    another encoder or other clips are never returned. After an interruption, the next call goes on where it stopped.

    Args:
        encoder: Maps a frame `(batch, height, width, 1)` to features, as `nextframe.models.frame_encoder` does.
        clips: uint8 `(count, time, height, width)`.
        folder: Where they are kept. Default: "features" in `nextframe._utils.files.cache_folder()`.

    Returns:
        float32 `(count, time, ...)`, one for each frame.
    """
    place = Path(folder or cache_folder() / "features") / _fingerprint(encoder, clips)
    starts = range(0, len(clips), _PART)
    files = [place / f"{start:06}.npy" for start in starts]
    missing = [(start, file) for start, file in zip(starts, files, strict=True) if not file.exists()]
    for start, file in tqdm(missing, desc="features", unit=" parts", delay=10):
        frames = to_unit(clips[start : start + _PART])
        found = encoder.predict(frames.reshape(-1, *frames.shape[2:]), batch_size=_PART, verbose=0)
        array = io.BytesIO()
        np.save(array, found.reshape(*frames.shape[:2], *found.shape[1:]))
        write_atomically(file, array.getbuffer())
    return np.concatenate([np.load(file) for file in files])


def _fingerprint(encoder: keras.Model, clips: np.ndarray) -> str:
    found = hashlib.sha256(repr((clips.shape, clips.dtype.str, keras.__version__)).encode())
    found.update(np.ascontiguousarray(clips).data)
    found.update(structure(encoder).encode())
    for array in encoder.get_weights():
        found.update(array.tobytes())
    return found.hexdigest()[:16]
