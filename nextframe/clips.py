"""Clips: read, check and write greyscale video.

A *clip* is a uint8 array `(time, height, width)` with values 0..255.
"""

import contextlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from nextframe._utils import ffmpeg
from nextframe._utils.arrays import check_array, check_axes, scale
from nextframe._utils.files import write_atomically
from nextframe._utils.pictures import CHANNELS, are_pictures, load_array, picture_frames, picture_size, resize
from nextframe._utils.validation import one_of, shown


def read_clip(
    source: str | os.PathLike,
    size: int | tuple[int, int] | None = None,
    fps: float | None = None,
    channel: str | None = None,
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Read a video, a folder of images or a NumPy file as one greyscale clip.

    Frames are decoded, greyed and resized one at a time, so a video of any resolution costs only the memory of the
    clip that comes out. A progress bar appears when reading takes longer than two seconds.

    Args:
        source: A video that ffmpeg reads (mp4, avi, gif, mov, webm, …), a folder of images (read in natural order:
            `frame2` before `frame10`), one image or a TIFF of many pages, or an `.npy` or `.npz` file that holds one
            clip. Images stand upright, as their EXIF orientation says.
        size: `(height, width)` in pixels, or one number for a square. Frames are scaled to cover that size and
            cropped around their centre, so nothing is stretched. Default: the size they have.
        fps: Frames per second to keep, for videos only. Default: every frame.
        channel: "red", "green" or "blue": that one alone, for forecasts in colour. Default: grey.
        value_range: For arrays and images that hold more than 8 bits a pixel, videos of 16, or a field such as rain or
            temperature: the values that become black and white. Values outside are limited to them.

    Returns:
        uint8 array `(time, height, width)`, values 0..255.

    Raises:
        FileNotFoundError: `source` does not exist.
        ValueError: `source` holds no readable clip, or `size`, `fps`, `channel` or `value_range` makes no sense for it.
    """
    size = _check_size(size)
    if channel is not None:
        one_of("channel", channel, CHANNELS)
    path = _existing(source)
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty (0 bytes): copy or download it again")
    is_array = _is_array(path)
    is_video = not is_array and not are_pictures(path)
    if fps is not None and not is_video:
        raise ValueError(f"fps={fps} needs a video, and {path.name} has no frame rate: take every k-th frame instead")
    if is_video:
        header = ffmpeg.read_header(path)
        decoded = ffmpeg.decode(path, header, size, fps, channel, value_range)
        return _collect(decoded, path.name, total=ffmpeg.expected_frames(header, fps))
    frames = _array_frames if is_array else picture_frames
    return _collect(frames(path, size, channel, value_range), path.name)


def frame_size(source: str | os.PathLike) -> tuple[int, int]:
    """Return `(height, width)` of a source's first frame, in pixels, as `read_clip` would read it without a size."""
    path = _existing(source)
    if _is_array(path):
        shape = load_array(path).shape
        if len(shape) == 4 and shape[-1] in (3, 4):  # in colour, of which `read_clip` takes one channel
            shape = shape[:3]
        height, width = check_array(np.broadcast_to(np.uint8(0), shape)).shape[1:]  # its axes, and not a pixel
        return height, width
    if are_pictures(path):
        found = picture_size(path)
    else:
        found = next((frame.shape for frame in ffmpeg.decode(path, ffmpeg.read_header(path))), None)
    if found is None:
        raise ValueError(f"{path.name} has no frames: expected at least one; choose another source")
    return found[0], found[1]


def frame_rate(source: str | os.PathLike) -> float | None:
    """Return a video's frames per second, or None for a source that has no rate."""
    path = _existing(source)
    if _is_array(path) or are_pictures(path):
        return None
    return ffmpeg.read_header(path).get("fps")


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
    """Return `clip` as uint8 `(time, height, width)`, or raise an error that says why it is no clip.

    Args:
        clip: `(time, height, width)` or `(time, height, width, 1)`; uint8 or bool, or floats in 0..1.

    Returns:
        uint8 array `(time, height, width)`: the same memory if it was uint8 already.

    Raises:
        ValueError: Another number of dimensions, colour, no frames, or values that are not a picture's.

    Warns:
        UserWarning: Floats that fill so few of the 256 grey levels that most of their detail is lost.
    """
    return check_array(clip)


def scale_to_bytes(field: np.ndarray, low: float, high: float) -> np.ndarray:
    """Turn a field into a clip: `low` becomes 0, `high` 255, and values outside are limited to them.

    Args:
        field: Of numbers, any shape; such as 16-bit pixels, temperatures or rates of rain.
        low, high: The range that matters. Choose it once, from data or from physical limits, and keep it.

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: `low` is not below `high`, or the field holds NaN.
    """
    return scale(field, low, high)


def check_clips(clips: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return one clip or several as a list of clips of one size, each checked by `check_clip`.

    Args:
        clips: One clip `(time, height, width)`, or several: a list, or an array `(count, time, height, width)`. Any
            of them with an axis of one channel at the end.

    Raises:
        ValueError: As `check_clip`; or there is no clip, or they differ in size, or an array of them has time first.
    """
    is_list = isinstance(clips, list | tuple)
    several = is_list or np.ndim(clips) == 5 or (np.ndim(clips) == 4 and np.shape(clips)[-1] not in (1, 3, 4))
    if several and not is_list:
        check_axes(np.asarray(clips))
    checked = [check_clip(clip) for clip in clips] if several else [check_clip(np.asarray(clips))]
    if not checked:
        raise ValueError("clips is empty: expected at least one clip")
    sizes = {clip.shape[1:] for clip in checked}
    if len(sizes) > 1:
        raise ValueError(f"clips have frames of different sizes, {sorted(sizes)}: read them with one size")
    return checked


def _is_array(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in {".npy", ".npz"}


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
        raise ValueError(f"size={shown(size)}: expected (height, width) in whole pixels, both at least 1")
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


def _array_frames(
    path: Path, size: tuple[int, int] | None, channel: str | None, value_range: tuple[float, float] | None
) -> Iterator[np.ndarray]:
    array = load_array(path)
    if channel is not None:
        if array.ndim != 4 or array.shape[-1] not in (3, 4):
            raise ValueError(f"{path.name} has shape {array.shape}: expected (time, height, width, 3) for {channel=}")
        array = array[..., CHANNELS[channel]]
    if value_range is not None:
        array = scale(array, *value_range)
    for frame in check_clip(array):
        yield resize(Image.fromarray(frame), size) if size else frame
