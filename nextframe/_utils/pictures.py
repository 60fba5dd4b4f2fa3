"""Pictures and arrays in files: read one by one, checked, greyed and resized."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from nextframe._utils.arrays import WEIGHTS, check_array, deep_range, scale

CHANNELS = {"red": 0, "green": 1, "blue": 2}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".webp"}
SEQUENCES = {"TIFF", "PNG", "WEBP"}  # formats whose pages are frames; further pages of a telephone's JPEG are previews
REDUCED = 254, 1  # TIFF's tag for the kind of page, and its bit for a small copy of another page
BITS = 258  # TIFF's tag for the bits of each colour
PLANES = 284, 2  # TIFF's tag for the order of the colours, and its value for one whole colour after another
# What Pillow raises for a damaged file: nearly anything, since it believes the header's numbers, sizes included
_WRONG_NUMBERS = (ValueError, TypeError, SyntaxError, LookupError, ArithmeticError, struct.error)
UNREADABLE = (OSError, Image.DecompressionBombError, *_WRONG_NUMBERS)


def are_pictures(path: Path) -> bool:
    """Whether a source is read as pictures: a folder, or one picture. Animations go to ffmpeg, which knows their rate.

    The pages of a TIFF are an exception: it has no rate, and ffmpeg would read the first page alone.
    """
    if path.is_dir() or path.suffix.lower() in {".tif", ".tiff"}:
        return True
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return False
    try:
        with Image.open(path) as image:
            return image.format not in SEQUENCES or getattr(image, "n_frames", 1) == 1
    except UNREADABLE:
        return True


def picture_frames(
    path: Path, size: tuple[int, int] | None, channel: str | None, value_range: tuple[float, float] | None = None
) -> Iterator[np.ndarray]:
    """Yield the pictures of a folder in natural order, or those of one file, uint8 `(height, width)`.

    Args:
        path: A folder, or a picture. Of a file with several pages or frames, each one is yielded.
        size: `(height, width)` to scale and crop to; None keeps each picture as it is.
        channel: "red", "green" or "blue" alone; None makes grey of all three.
        value_range: The values of black and white, for pictures with more than 8 bits a pixel.
    """
    limits = value_range
    for name, page in _all_pages(path, channel):
        deep = _is_deep(page)
        if not deep and value_range is not None:
            raise ValueError(
                f"{value_range=} needs numbers, and {name} holds a picture of 8 bits a pixel: leave it out"
            )
        if deep:
            limits = limits or _range_in_use(path, name, channel)
            page = Image.fromarray(scale(np.asarray(page), *limits))
        elif channel is not None:
            page = page.convert("RGB").getchannel(CHANNELS[channel])
        yield resize(page.convert("L"), size)


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return `(height, width)` of the first picture that `picture_frames` would yield, or None if there is none."""
    return next(((page.height, page.width) for _, page in _all_pages(path)), None)


def load_array(path: Path) -> np.ndarray:
    """Load the one array of an .npy or .npz file."""
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


def resize(image: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    """Scale an image to cover `(height, width)`, and crop it around its centre."""
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), method=Image.Resampling.BILINEAR)
    return np.asarray(image)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = [f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    return sorted(files, key=lambda file: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", file.name)])


def _all_pages(path: Path, channel: str | None = None) -> Iterator[tuple[str, Image.Image]]:
    """Yield each page, upright, with its file's name; colours of more than 8 bits become `channel`, or grey."""
    for file in _files(path):
        try:
            with Image.open(file) as image:
                for page in ImageSequence.Iterator(image) if image.format in SEQUENCES else [image]:
                    tag, reduced = REDUCED
                    if getattr(page, "tag_v2", {}).get(tag, 0) & reduced:
                        continue
                    if page.mode in ("RGB", "RGBA") and _has_deep_colours(page):
                        yield file.name, _deep_colours(file, page.tell(), channel)
                        continue
                    yield file.name, ImageOps.exif_transpose(page)
        except UNREADABLE as error:
            raise ValueError(f"{file.name} is not an image that can be read ({error}): remove or replace it") from error


def _has_deep_colours(page: Image.Image) -> bool:
    """Whether these colours have more than 8 bits each, of which Pillow would keep only 8."""
    tags = getattr(page, "tag_v2", {})
    deep = max(tags.get(BITS, (8,))) > 8
    tag, separate = PLANES
    if deep and tags.get(tag) == separate:
        # Pillow and OpenCV both read these wrong, and say nothing
        raise ValueError("its 16-bit colours are stored one after another; expected pixel by pixel, as a PNG has them")
    tiles = getattr(page, "tile", ())
    return deep or any(";16" in str(t.args) or (t.codec_name == "ppm" and t.args[1] > 255) for t in tiles)


def _deep_colours(file: Path, number: int, channel: str | None) -> Image.Image:
    """Read a page of more than 8 bits a colour: one of its colours, or grey of all three."""
    import cv2  # slow to start, and needed for such files alone

    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # upright, without transparency, blue first
    try:
        _, pages = cv2.imreadmulti(str(file), number, 1, flags=flags)
    except cv2.error:  # some damage makes it raise, and most makes it return nothing
        pages = ()
    if not pages:
        raise ValueError("OpenCV cannot decode its colours of more than 8 bits: cut short, or of a rare compression")
    page = pages[0]
    colours = page[..., ::-1]
    grey = colours @ WEIGHTS if channel is None else colours[..., CHANNELS[channel]]
    return Image.fromarray(np.rint(grey).astype(np.int32))


def _is_deep(page: Image.Image) -> bool:
    return page.mode.startswith(("I", "F"))


def _range_in_use(path: Path, first: str, channel: str | None) -> tuple[float, float]:
    """Return the range of pictures that hold floats in 0..1; complain about other numbers, which could mean anything.

    Args:
        path: As in `picture_frames`.
        first: Name of the first file that holds numbers.
        channel: As in `picture_frames`.
    """
    lows, highs, floats = [], [], False
    for _, page in _all_pages(path, channel):
        if _is_deep(page):
            pixels = np.asarray(page)
            lows.append(float(pixels.min()))
            highs.append(float(pixels.max()))
            floats |= page.mode == "F"
    low, high = float(np.min(lows)), float(np.max(highs))  # NaN if any pixel is
    if floats:
        some = np.array([low, (low + high) / 2, high], np.float32)
        try:
            check_array(some[None, None])
        except ValueError as error:
            raise ValueError(f"{first}: {error}") from None
        return 0, 1
    black, white = deep_range(low, max(high, 0))
    raise ValueError(
        f"{first} has more than 8 bits a pixel, here {low:.0f} to {high:.0f}; expected 0..255: pass "
        f"value_range=(low, high), the values that are black and white, such as ({black:.0f}, {white:.0f})"
    )
