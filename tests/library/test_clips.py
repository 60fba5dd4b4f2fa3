"""Reading, checking and writing clips, and what happens to bad input."""

import shutil
import subprocess
import threading
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from PIL import Image

from nextframe import clips
from nextframe._utils import ffmpeg, files
from nextframe.datasets.mnist import mnist_digits
from nextframe.datasets.real_clips import example_path

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture
def clip():
    """A square that moves over a gradient: smooth enough for a lossy codec, different in every frame."""
    frames = np.tile(np.linspace(40, 200, 48, dtype=np.uint8), (12, 32, 1))
    for time_, frame in enumerate(frames):
        frame[8:20, 2 * time_ : 2 * time_ + 12] = 250
    return frames


@pytest.fixture(params=["folder", ".mp4", ".avi", ".gif", ".npy", ".npz"])
def source(request, tmp_path, clip):
    """The clip on disk, in every form that can be read."""
    if request.param == "folder":
        for number, frame in enumerate(clip):
            Image.fromarray(frame).save(tmp_path / f"frame{number}.png")
        return tmp_path
    clips.write_clip(tmp_path / f"clip{request.param}", clip)
    return tmp_path / f"clip{request.param}"


def test_every_source_gives_the_same_clip(source, clip):
    read = clips.read_clip(source)
    assert read.dtype == np.uint8
    assert read.shape == clip.shape
    largest = 12 if source.suffix == ".mp4" else 0  # mp4 is lossy
    assert np.abs(read.astype(int) - clip).max() <= largest


def test_every_source_is_resized_alike(source, clip):
    expected = clip[:, :, 8:40].reshape(12, 16, 2, 16, 2).mean((2, 4))  # the square in the middle, halved
    read = clips.read_clip(source, size=16)
    assert read.shape == (12, 16, 16)
    assert np.abs(read - expected).mean() < 6


def test_frames_are_read_in_natural_order(tmp_path):
    for number in (1, 2, 10):
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / f"frame{number}.png")
    assert clips.read_clip(tmp_path)[:, 0, 0].tolist() == [1, 2, 10]


def test_colour_is_turned_grey(tmp_path):
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    assert clips.read_clip(tmp_path)[0, 0, 0] == round(0.299 * 255)


def test_fps_keeps_frames_in_time(tmp_path, clip):
    clips.write_clip(tmp_path / "clip.avi", clip, fps=12)
    assert np.array_equal(clips.read_clip(tmp_path / "clip.avi", fps=6), clip[::2])


def test_odd_sides_survive_mp4(tmp_path, clip):
    clips.write_clip(tmp_path / "odd.mp4", clip[:, :31, :47])
    assert clips.read_clip(tmp_path / "odd.mp4").shape == (12, 31, 47)


@pytest.mark.parametrize(("name", "frames"), [("bottle", 217), ("box", 455)])
def test_example_clips(name, frames):
    path = example_path(name)
    assert path.stat().st_size < 400_000
    clip = clips.read_clip(path)
    assert clip.shape == (frames, 240, 320)
    assert clip.std() > 20  # a picture, not a blank


def test_digits():
    images, labels = mnist_digits()
    assert images.shape == (10_000, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert len(np.unique(images.reshape(10_000, -1), axis=0)) == 10_000
    assert np.bincount(labels).min() > 800


def test_large_video_is_streamed(tmp_path):
    """A 4K video is read small without ever holding more than a few full frames, in this process."""
    video = tmp_path / "video.mp4"
    pattern = ["-f", "lavfi", "-i", "testsrc2=size=3840x2160:rate=25", "-frames:v", "60"]
    subprocess.run([FFMPEG, "-v", "error", *pattern, "-preset", "ultrafast", video], check=True)
    process, peak, done = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        clip = clips.read_clip(video, size=64)
    finally:
        done.set()
        thread.join()
    assert clip.shape == (60, 64, 64)
    assert peak[0] - before < 3 * 3840 * 2160


def test_an_interrupted_read_leaves_no_ffmpeg_behind():
    frames = ffmpeg.decode(example_path("box"), None, None)
    next(frames)
    assert [child for child in psutil.Process().children() if "ffmpeg" in child.name()]
    frames.close()
    assert not [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


def test_progress_is_shown_on_long_reads_only(capsys, monkeypatch):
    clips.read_clip(example_path("box"), size=16)
    assert capsys.readouterr().err == ""
    bar = clips.tqdm
    monkeypatch.setattr(clips, "tqdm", lambda *args, **options: bar(*args, **{**options, "delay": 0}))
    clips.read_clip(example_path("box"), size=16)
    shown = capsys.readouterr().err
    assert "reading box.mp4" in shown
    assert "455/456" in shown  # frames read, and how many the header's duration and frame rate promised


# ---- bad input: each error names the value, what was expected and the cure ----


def error_message(function, *args, **kwargs):
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def test_missing_file(tmp_path):
    message = error_message(clips.read_clip, tmp_path / "nope.mp4")
    assert "nope.mp4" in message
    assert "check the path" in message


def test_empty_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "empty.mp4 is empty (0 bytes): copy or download it again" in error_message(
        clips.read_clip, tmp_path / "empty.mp4"
    )


@pytest.mark.parametrize("fps", [None, 5])
def test_text_renamed_to_mp4(tmp_path, fps):
    (tmp_path / "text.mp4").write_text("not a video")
    message = error_message(clips.read_clip, tmp_path / "text.mp4", fps=fps)
    assert "text.mp4 is not a video that ffmpeg can read" in message
    assert "convert it to mp4" in message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_mp4(tmp_path, share):
    whole = example_path("bottle").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(share * len(whole))])
    message = error_message(clips.read_clip, tmp_path / "cut.mp4")
    assert "cut.mp4 is cut short or damaged" in message
    assert "again" in message


def test_damage_in_the_middle(tmp_path):
    """Decoders carry on after damage unless they are told to stop; made-up pixels are an error."""
    video = bytearray(example_path("box").read_bytes())
    video[len(video) // 2 : len(video) // 2 + 4000] = np.random.default_rng(0).bytes(4000)
    (tmp_path / "damaged.mp4").write_bytes(video)
    assert "damaged.mp4 is" in error_message(clips.read_clip, tmp_path / "damaged.mp4")


def test_sound_only(tmp_path):
    sound = ["-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([FFMPEG, "-v", "error", *sound, tmp_path / "sound.m4a"], check=True)
    message = error_message(clips.read_clip, tmp_path / "sound.m4a")
    assert "sound.m4a has no video stream, only sound" in message
    assert "choose another file" in message


def test_zero_frames(tmp_path):
    message = error_message(clips.read_clip, tmp_path)
    assert "has no frames: expected at least one" in message
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8), np.uint8))
    assert "(0, 8, 8) has no frames" in error_message(clips.read_clip, tmp_path / "none.npy")


def test_frames_of_different_sizes(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "a1.png")
    Image.new("L", (8, 7)).save(tmp_path / "a2.png")
    message = error_message(clips.read_clip, tmp_path)
    assert "frame 1 is 7×8, those before it are 6×8" in message
    assert "pass size" in message
    assert clips.read_clip(tmp_path, size=4).shape == (2, 4, 4)


def test_broken_image_in_folder(tmp_path):
    (tmp_path / "a1.png").write_bytes(b"no picture")
    assert "a1.png is not an image that can be read" in error_message(clips.read_clip, tmp_path)


def test_image_with_more_than_8_bits(tmp_path):
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "deep.png")
    assert "deep.png has more than 8 bits a pixel: scale it to 0..255" in error_message(clips.read_clip, tmp_path)


@pytest.mark.parametrize("size", [0, -3, (64, 0), (1, 2, 3), 6.5])
def test_size_out_of_range(size):
    message = error_message(clips.read_clip, example_path("box"), size=size)
    assert f"size={size!r}" in message
    assert "at least 1" in message


@pytest.mark.parametrize("fps", [0, -1, 1000])
def test_fps_out_of_range(fps):
    message = error_message(clips.read_clip, example_path("box"), fps=fps)
    assert f"fps={fps}" in message
    assert "lower fps" in message


def test_fps_without_frame_rate(tmp_path, clip):
    np.save(tmp_path / "clip.npy", clip)
    assert "has no frame rate: take every k-th frame instead" in error_message(
        clips.read_clip, tmp_path / "clip.npy", fps=5
    )


def test_npz_with_two_arrays(tmp_path, clip):
    np.savez(tmp_path / "two.npz", a=clip, b=clip)
    assert "['a', 'b']; expected one clip" in error_message(clips.read_clip, tmp_path / "two.npz")


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz", "BAD.NPY"])
def test_npy_that_is_none(tmp_path, name):
    (tmp_path / name).write_text("no array")
    assert f"{name} is not a NumPy file" in error_message(clips.read_clip, tmp_path / name)


def test_damaged_npz(tmp_path, clip):
    clips.write_clip(tmp_path / "clip.npz", clip)
    whole = (tmp_path / "clip.npz").read_bytes()
    (tmp_path / "clip.npz").write_bytes(whole[:200] + b"????" + whole[204:])
    assert "clip.npz is not a NumPy file that can be read" in error_message(clips.read_clip, tmp_path / "clip.npz")


def test_odd_names(tmp_path, clip, monkeypatch):
    """A colon looks like a protocol to ffmpeg, and macOS leaves hidden files beside pictures."""
    monkeypatch.chdir(tmp_path)
    clips.write_clip("10:30.avi", clip)
    assert np.array_equal(clips.read_clip("10:30.avi"), clip)
    Image.fromarray(clip[0]).save("frame1.png")
    (tmp_path / "._frame1.png").write_bytes(b"no picture")
    assert len(clips.read_clip(tmp_path)) == 1


def test_pixels_that_are_not_square(tmp_path, clip):
    clips.write_clip(tmp_path / "square.avi", clip)
    aspect = ["-vf", "setsar=2", "-c:v", "ffv1"]
    subprocess.run([FFMPEG, "-v", "error", "-i", tmp_path / "square.avi", *aspect, tmp_path / "wide.avi"], check=True)
    assert clips.read_clip(tmp_path / "wide.avi").shape == (12, 32, 96)


def test_no_frame_is_read_twice(tmp_path):
    """Also where the camera paused: a video whose frames are not evenly spaced in time."""
    frames = np.arange(0, 250, 5, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    clips.write_clip(tmp_path / "even.avi", frames, fps=25)
    pause = ["-vf", "setpts=PTS+gt(N\\,20)*2/TB", "-fps_mode", "passthrough", "-c:v", "libx264", "-qp", "0"]
    subprocess.run([FFMPEG, "-v", "error", "-i", tmp_path / "even.avi", *pause, tmp_path / "uneven.mkv"], check=True)
    kept = clips.read_clip(tmp_path / "uneven.mkv", fps=12)[:, 0, 0].astype(int)
    assert 20 <= len(kept) <= 30
    assert (np.diff(kept) > 0).all()


def test_write_into_a_folder_that_is_not_there(tmp_path, clip):
    message = error_message(clips.write_clip, tmp_path / "nowhere" / "clip.mp4", clip)
    assert "nowhere' to write clip.mp4 into: make it first" in message


@pytest.mark.parametrize(
    ("array", "named", "cure"),
    [
        (np.zeros((5, 8, 8, 3), np.uint8), "(5, 8, 8, 3) is in colour", "convert to grey"),
        (np.zeros((2, 5, 8, 8, 1), np.uint8), "(2, 5, 8, 8, 1) is not a clip", "pass one clip"),
        (np.zeros((8, 8), np.uint8), "(8, 8) is not a clip", "pass one clip"),
        (np.full((5, 8, 8), 200.0), "values 200 to 200; expected 0..1", "divide by 255"),
        (np.full((5, 8, 8), -0.5), "values -0.5 to -0.5; expected 0..1", "divide by 255"),
        (np.full((5, 8, 8), np.nan), "NaN; expected values in 0..1", "fill or drop"),
        (np.zeros((5, 8, 8), np.int64), "dtype int64; expected uint8", "convert it"),
        (np.zeros((0, 8, 8), np.uint8), "(0, 8, 8) has no frames", "check how it was cut"),
    ],
)
def test_arrays_that_are_not_clips(array, named, cure):
    message = error_message(clips.check_clip, array)
    assert named in message
    assert cure in message


def test_check_clip_converts_what_it_may(clip):
    assert clips.check_clip(clip) is clip
    assert np.array_equal(clips.check_clip(clip / 255), clip)
    assert np.array_equal(clips.check_clip(clip[..., None]), clip)
    assert clips.check_clip(clip > 100).max() == 255


def test_check_clips_takes_one_or_several(clip):
    for one in (clip, clip[..., None], [clip], clip[None]):
        (checked,) = clips.check_clips(one)
        assert np.array_equal(checked, clip)
    assert len(clips.check_clips((clip, clip[1:]))) == len(clips.check_clips(np.stack([clip, clip]))) == 2
    with pytest.raises(ValueError, match="different sizes"):
        clips.check_clips([clip, clip[:, 1:]])


def test_unknown_example():
    assert "name='cup': expected one of bottle, box" in error_message(example_path, "cup")


def test_damaged_asset(tmp_path, monkeypatch):
    shutil.copytree(files.ASSETS, tmp_path, dirs_exist_ok=True)
    whole = (tmp_path / "digits.npz").read_bytes()
    (tmp_path / "digits.npz").write_bytes(whole[:1000] + b"!" + whole[1001:])
    (tmp_path / "box.mp4").unlink()
    monkeypatch.setattr(files, "ASSETS", tmp_path)
    assert "digits.npz is damaged" in error_message(mnist_digits)
    assert "reinstall nextframe" in error_message(mnist_digits)
    assert "box.mp4 is damaged (SHA-256 nothing" in error_message(example_path, "box")


@pytest.mark.parametrize(
    ("name", "fps", "named"), [("clip.mov", 25, "expected a name ending in .mp4"), ("clip.mp4", 0, "fps=0")]
)
def test_bad_arguments_of_write_clip(tmp_path, clip, name, fps, named):
    assert named in error_message(clips.write_clip, tmp_path / name, clip, fps)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path, clip, monkeypatch):
    clips.write_clip(tmp_path / "clip.npy", clip)

    write_bytes = Path.write_bytes

    def fail_half_way(path, content):
        write_bytes(path, content[:10])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fail_half_way)
    with pytest.raises(OSError, match="disk full"):
        clips.write_clip(tmp_path / "clip.npy", clip[:2])
    assert np.array_equal(clips.read_clip(tmp_path / "clip.npy"), clip)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.npy"]
