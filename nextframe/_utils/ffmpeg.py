"""ffmpeg: decode a video into small grey frames, encode a clip, read a header.

The program comes inside the wheel of imageio-ffmpeg, so there is nothing to install by hand. It is run as a process of
its own, since its exit status and its complaints are the only way to tell a damaged video from a whole one.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nextframe._utils.arrays import deep_range, scale

ENCODERS = {
    ".mp4": ["-c:v", "libx264", "-crf", "16", "-movflags", "+faststart"],  # small, and off by a grey level or so
    ".avi": ["-c:v", "ffv1", "-pix_fmt", "gray"],
    ".gif": ["-c:v", "gif", "-pix_fmt", "gray"],
}


def decode(
    path: Path,
    header: dict[str, float],
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    channel: str | None = None,
    value_range: tuple[float, float] | None = None,
) -> Iterator[np.ndarray]:
    """Yield the frames of a video, greyed and resized: only finished frames cross the pipe, each as a PGM image.

    Args:
        path: The video.
        header: What `read_header` found: nearly nothing in a file that is not a video, and decoding then says why.
        size: `(height, width)` to scale and crop to; None keeps each frame as it is.
        fps: Frames per second to keep; None keeps all.
        channel: "red", "green" or "blue" alone; None makes grey of all three.
        value_range: The values of black and white, for a video with 16 bits a pixel. Default: 0 and 65535.

    Yields:
        uint8 `(height, width)`.

    Raises:
        ValueError: Not a video, a damaged one, `fps` above the video's own, a range for a video of fewer bits, or no
            range for one stored in 16 bits whose pixels use fewer.
    """
    deep = "deep" in header
    if value_range is not None and not deep:
        raise ValueError(f"{value_range=} needs numbers, and {path.name} is a video of 8 to 14 bits: leave it out")
    filters = []
    if fps is not None:
        native = header.get("fps", fps)
        if not 0 < fps <= native:
            raise ValueError(f"fps={fps}: expected above 0 and at most the {native:g} of {path.name}: lower fps")
        # The first frame of each period, and no frame twice, as the filter "fps" gives where the camera paused.
        # (The thousandth keeps rounding from pushing a frame into the period before.)
        period = f"floor(%s*{fps}+0.001)"
        filters.append(f"select='isnan(prev_selected_t)+gt({period % 't'},{period % 'prev_selected_t'})'")
    # Grey first, and these flags: every version of ffmpeg then gives the same pixels.
    flags = "flags=bilinear+accurate_rnd+bitexact"
    grey = "gray16" if deep else "gray"
    planes = "gbrp16" if deep else "gbrp"
    grey = f"format={grey}" if channel is None else f"format={planes},extractplanes={channel[0]},format={grey}"
    filters.append(f"{grey},scale=iw*sar:ih:{flags},setsar=1")  # pixels that are not square are made so
    if size is not None:
        height, width = size
        filters.append(f"scale={width}:{height}:force_original_aspect_ratio=increase:{flags},crop={width}:{height}")
    # -xerror stops at damage instead of going on; 0:V:0 is the first real video stream, not a cover picture
    reading = [_program(), "-v", "error", "-xerror", "-nostdin", "-i", f"file:{path}"]
    filtered = ["-map", "0:V:0", "-vf", ",".join(filters), "-fps_mode", "passthrough"]
    pictures = ["-pix_fmt", "gray16be" if deep else "gray", "-f", "image2pipe", "-c:v", "pgm", "-"]
    stored, highest = np.dtype(">u2" if deep else np.uint8), 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*reading, *filtered, *pictures], stdout=subprocess.PIPE, stderr=log)
        assert process.stdout  # a pipe was asked for
        try:
            while process.stdout.readline() == b"P5\n":
                width, height = map(int, process.stdout.readline().split())
                process.stdout.readline()  # the largest value: 255, or 65535
                frame = process.stdout.read(width * height * stored.itemsize)
                if len(frame) == width * height * stored.itemsize:
                    pixels = np.frombuffer(frame, stored).reshape(height, width)
                    highest = max(highest, int(pixels.max()))
                    yield scale(pixels, *(value_range or (0, 65535))) if deep else pixels
            status = process.wait()
        finally:  # also when the reader stops early or is interrupted
            process.kill()
            process.stdout.close()
            process.wait()
        log.seek(0)
        _raise_for_ffmpeg(path, status, log.read())
    _, white = deep_range(0, highest)
    if deep and value_range is None and 0 < white < 65535:
        raise ValueError(
            f"{path.name} has 16 bits a pixel and uses values up to {highest}; expected 0..65535: pass "
            f"value_range=(low, high), the values that are black and white, such as (0, {white})"
        )


def encode(clip: np.ndarray, fps: float, suffix: str = ".mp4") -> bytes:
    """Encode a clip as the bytes of a video.

    Args:
        clip: uint8 `(time, height, width)`, or `(time, height, width, 3)` in colour.
        fps: Frames per second.
        suffix: One of `ENCODERS`.
    """
    count, height, width = clip.shape[:3]
    source_format = "gray" if clip.ndim == 3 else "rgb24"
    encoder = list(ENCODERS[suffix])
    if suffix == ".mp4":
        encoder += ["-pix_fmt", "yuv420p" if height % 2 == width % 2 == 0 else "yuv444p"]  # the first needs even sides
    raw = ["-f", "rawvideo", "-pix_fmt", source_format, "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    # mp4 is written back to front, so ffmpeg needs a real file and cannot use a pipe
    with tempfile.TemporaryDirectory() as workdir:
        video = Path(workdir, "clip" + suffix)
        reproducible = ["-threads", "1", "-fflags", "+bitexact"]
        command = [_program(), "-v", "error", *raw, *encoder, *reproducible, str(video)]
        done = subprocess.run(command, input=np.ascontiguousarray(clip).tobytes(), capture_output=True)
        if done.returncode:
            raise ValueError(f"ffmpeg could not encode {count} frames of {height}×{width}: {_reason(done.stderr)}")
        return video.read_bytes()


def read_header(path: Path) -> dict[str, float]:
    """The header's entries, as far as ffmpeg finds them: `fps`, `seconds` of duration, and `deep` for 16 bits."""
    done = subprocess.run([_program(), "-nostdin", "-i", f"file:{path}"], capture_output=True)
    log = done.stderr.decode(errors="replace")
    header: dict[str, float] = {}
    if re.search(r"Video: .*\b(gray|ya|rgb|bgr|rgba|bgra|gbra?p|yuva?4\d\dp)(16|48|64)(le|be)?\b", log):
        header["deep"] = True
    # ffmpeg gives the mean rate as "fps", and as "tbr" the rate between pauses, if it finds one. Where frames come at
    # uneven times, as from a telephone, it finds none and gives the file's clock, such as 90,000 a second.
    found_rates = [re.search(rf"Video: .* ([\d.]+)(k?) {unit}", log) for unit in ("fps", "tbr")]
    rates = [float(found[1]) * (1000 if found[2] else 1) for found in found_rates if found]
    if rates:
        header["fps"] = rates[-1] if rates[-1] < 3 * rates[0] else rates[0]
    if found := re.search(r"Duration: (\d+):(\d+):([\d.]+)", log):
        header["seconds"] = 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])
    return header


def expected_frames(header: dict[str, float], fps: float | None) -> int | None:
    """How many frames the progress bar should count to; None if the header does not say."""
    return round(header.get("seconds", 0) * (fps or header.get("fps", 0))) or None


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


def _reason(log: bytes) -> str:
    """The first complaint in ffmpeg's log, without the address of the part that makes it."""
    lines = log.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return re.sub(r"^\[[^]]*\] *", "", lines[0]).rstrip(". ")


def _program() -> str:
    """Path of ffmpeg; imported here, since only videos need it."""
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()
