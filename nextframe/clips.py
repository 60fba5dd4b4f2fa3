"""Clips: read, check and write greyscale video.

A *clip* is a uint8 array `(time, height, width)` with values 0..255.
"""

import contextlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from nextframe._utils import ffmpeg
from nextframe._utils.files import write_atomically

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm"}


def read_clip(
    source: str | os.PathLike, size: int | tuple[int, int] | None = None, fps: float | None = None
) -> np.ndarray:
    """Read a video, a folder of images or a NumPy file as one greyscale clip.

    Frames are decoded, greyed and resized one at a time, so a video of any resolution costs only the memory of the
    clip that comes out. A progress bar appears when reading takes longer than two seconds.

    Args:
        source: A video that ffmpeg reads (mp4, avi, gif, mov, webm, …), a folder of images (read in natural order:
            `frame2` before `frame10`), or an `.npy` or `.npz` file that holds one clip.
        size: `(height, width)` in pixels, or one number for a square. Frames are scaled to cover that size and
            cropped around their centre, so nothing is stretched. Default: the size they have.
        fps: Frames per second to keep, for videos only. Default: every frame.

    Returns:
        uint8 array `(time, height, width)`, values 0..255.

    Raises:
        FileNotFoundError: `source` does not exist.
        ValueError: `source` holds no readable clip, or `size` or `fps` makes no sense for it.
    """
    size = _check_size(size)
    path = _existing(source)
    is_video = path.is_file() and path.suffix.lower() not in {".npy", ".npz"}
    if fps is not None and not is_video:
        raise ValueError(f"fps={fps} needs a video, and {path.name} has no frame rate: take every k-th frame instead")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty (0 bytes): copy or download it again")
    if is_video:
        return _collect(ffmpeg.decode(path, size, fps), path.name, total=ffmpeg.expected_frames(path, fps))
    frames = _folder_frames(path, size) if path.is_dir() else _array_frames(path, size)
    return _collect(frames, path.name)


def write_clip(path: str | os.PathLike, clip: np.ndarray, fps: float = 25) -> None:
    """Write a clip as mp4 (small, nearly exact), avi or gif (exact), `.npy` or `.npz` (exact).

    The file appears whole or not at all.

    Args:
        path: Where to write; the suffix chooses the format.
        clip: `(time, height, width)`, uint8 0..255 or float 0..1.
        fps: Frames per second of a video. (A gif counts in hundredths of a second, so it gets the nearest rate.)

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: The suffix is not one of those above, or the clip or `fps` is not valid.
    """
    path, clip = Path(path), check_clip(clip)
    known = [*ffmpeg.ENCODERS, ".npy", ".npz"]
    if path.suffix not in known:
        raise ValueError(f"cannot write {path.name!r}: expected a name ending in {', '.join(known)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder at {str(path.parent)!r} to write {path.name} into: make it first")
    if not fps > 0:
        raise ValueError(f"fps={fps}: expected a number above 0")
    if path.suffix in ffmpeg.ENCODERS:
        write_atomically(path, ffmpeg.encode(clip, fps, path.suffix))
        return
    array = io.BytesIO()
    if path.suffix == ".npy":
        np.save(array, clip)
    else:
        np.savez_compressed(array, clip=clip)
    write_atomically(path, array.getbuffer())


def check_clip(clip: np.ndarray) -> np.ndarray:
    """Return `clip` as uint8 `(time, height, width)`, or say what keeps it from being one.

    Args:
        clip: `(time, height, width)` or `(time, height, width, 1)`; uint8 or bool, or floats in 0..1.

    Returns:
        uint8 array `(time, height, width)`: the same memory if it was uint8 already.

    Raises:
        ValueError: Another number of dimensions, colour, no frames, or values that are not a picture's.
    """
    clip = np.asarray(clip)
    if clip.ndim == 4 and clip.shape[-1] == 1:
        clip = clip[..., 0]
    if clip.ndim == 4 and clip.shape[-1] in (3, 4):
        raise ValueError(
            f"array of shape {clip.shape} is in colour; expected (time, height, width): "
            "convert to grey first, for example clip @ [0.299, 0.587, 0.114]"
        )
    if clip.ndim != 3:
        raise ValueError(f"array of shape {clip.shape} is not a clip; expected (time, height, width): pass one clip")
    if 0 in clip.shape:
        raise ValueError(f"clip of shape {clip.shape} has no frames or no pixels: check how it was cut")
    if clip.dtype == bool:
        return clip.astype(np.uint8) * 255
    if np.issubdtype(clip.dtype, np.floating):
        low, high = float(clip.min()), float(clip.max())  # NaN anywhere makes both NaN
        if np.isnan(low):
            raise ValueError("clip holds NaN; expected values in 0..1: fill or drop those frames")
        if low < 0 or high > 1:
            raise ValueError(
                f"float clip has values {low:.4g} to {high:.4g}; expected 0..1: divide by 255, or pass uint8"
            )
        return np.rint(clip * 255).astype(np.uint8)
    if clip.dtype != np.uint8:
        raise ValueError(f"clip has dtype {clip.dtype}; expected uint8 (0..255) or floats in 0..1: convert it first")
    return clip


def check_clips(clips: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return one clip or several as a list of clips of one size, each checked by `check_clip`.

    Args:
        clips: One clip `(time, height, width)`, or several: a list, or an array `(count, time, height, width)`.

    Raises:
        ValueError: As `check_clip`; or there is no clip, or they differ in size.
    """
    several = isinstance(clips, (list, tuple)) or (np.ndim(clips) == 4 and np.shape(clips)[-1] not in (1, 3, 4))
    checked = [check_clip(clip) for clip in clips] if several else [check_clip(np.asarray(clips))]
    if not checked:
        raise ValueError("clips is empty: expected at least one clip")
    sizes = {clip.shape[1:] for clip in checked}
    if len(sizes) > 1:
        raise ValueError(f"clips have frames of different sizes, {sorted(sizes)}: read them with one size")
    return checked


def _existing(source: str | os.PathLike) -> Path:
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"no file or folder at {str(source)!r}: check the path (working folder: {Path.cwd()})")
    return path


def _check_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, Iterable) else (size, size)
    if len(sides) != 2 or any(int(side) != side or side < 1 for side in sides):
        raise ValueError(f"size={size!r}: expected (height, width) in whole pixels, both at least 1")
    return int(sides[0]), int(sides[1])


def _collect(frames: Iterable[np.ndarray], name: str, total: int | None = None) -> np.ndarray:
    """Gather frames of one size into a clip, holding each frame once."""
    pixels, shape = bytearray(), None
    with contextlib.closing(tqdm(frames, desc=f"reading {name}", total=total, unit=" frames", delay=2)) as bar:
        for index, frame in enumerate(bar):
            shape = shape or frame.shape
            if frame.shape != shape:
                raise ValueError(
                    f"{name}: frame {index} is {frame.shape[0]}×{frame.shape[1]}, those before it are "
                    f"{shape[0]}×{shape[1]}: pass size=(height, width) to bring them to one size"
                )
            pixels += frame.tobytes()
    if shape is None:
        raise ValueError(f"{name} has no frames: expected at least one; choose another source")
    return np.frombuffer(pixels, np.uint8).reshape(-1, *shape)


def _folder_frames(path: Path, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    files = [f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    for file in sorted(files, key=lambda file: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", file.name)]):
        try:
            with Image.open(file) as image:
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"{file.name} has more than 8 bits a pixel: scale it to 0..255 and save again")
                yield _resize(image.convert("L"), size)
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{file.name} is not an image that can be read ({error}): remove or replace it") from error


def _array_frames(path: Path, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    for frame in check_clip(_load_array(path)):
        yield _resize(Image.fromarray(frame), size) if size else frame


def _load_array(path: Path) -> np.ndarray:
    try:
        # a memory map reads frames as they are needed; an .npz cannot be mapped
        loaded = np.load(path, mmap_mode="r")
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is not a NumPy file that can be read ({error}): save it again") from error
    if len(arrays) != 1:
        raise ValueError(f"{path.name} holds the arrays {list(arrays)}; expected one clip: save the clip alone")
    return next(iter(arrays.values()))


def _resize(image: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), method=Image.Resampling.BILINEAR)
    return np.asarray(image)
