"""Reading, checking and writing clips, and what happens to bad input."""

import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import psutil
import pytest
import tifffile  # comes with scikit-image
from PIL import Image

import nextframe
from nextframe import clips, metrics
from nextframe._utils import ffmpeg, files
from nextframe.datasets.mnist import mnist_digits
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import CLIPS, example_path

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


@pytest.mark.parametrize("name", CLIPS)
def test_example_clips(name):
    path, about = example_path(name), CLIPS[name]
    clip = clips.read_clip(path)
    assert clip.shape == (about.frames, *about.size)
    assert clip.std() > 20  # a picture, not a blank
    assert ffmpeg.read_header(path)["fps"] == pytest.approx(about.fps, abs=0.05)
    assert clips.frame_rate(path) == pytest.approx(about.fps, abs=0.05)
    change = np.abs(np.diff(clip.astype(int), axis=0)).mean(axis=(1, 2))  # in grey levels
    assert np.median(change) > 1.5  # it moves
    cuts = np.flatnonzero(change > 30) + 1
    assert list(cuts) == ([116] if name == "city" else [])
    repeats = {"heart": [11, 28, 44, 61, 77, 94, 110], "bunny": [7, 32, 57, 82, 107]}  # as their sources have them
    if name in repeats:
        assert list(np.flatnonzero(change < 0.2) + 1) == repeats[name]


def test_the_clips_are_small_together():
    assert sum(example_path(name).stat().st_size for name in CLIPS) < 4e6


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
    frames = ffmpeg.decode(example_path("box"), ffmpeg.read_header(example_path("box")))
    next(frames)
    assert [child for child in psutil.Process().children() if "ffmpeg" in child.name()]
    frames.close()
    assert not [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


def test_a_header_is_read_once(monkeypatch):
    """Both the frame rate and the progress bar need it, and each reading starts ffmpeg."""
    read, headers = ffmpeg.read_header, []

    def counted(path):
        headers.append(read(path))
        return headers[-1]

    monkeypatch.setattr(ffmpeg, "read_header", counted)
    assert clips.read_clip(example_path("box"), size=16, fps=5).shape[1:] == (16, 16)
    assert len(headers) == 1


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


def advised_range(message):
    """The last value_range=… or "such as (…)" that a message gives."""
    low, high = re.findall(r"\(([-\d.e]+), ([-\d.e]+)\)", message)[-1]
    return float(low), float(high)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.pgm"])
@pytest.mark.parametrize(("bits", "level"), [(12, 2048), (16, 40_000)])
@pytest.mark.parametrize("alone", [True, False])
def test_image_with_more_than_8_bits(tmp_path, name, bits, level, alone):
    """A file or a folder of them: refused, and read right with the range that the message names."""
    pixels = np.full((4, 6), level, np.uint16)
    pixels[0] = 0
    Image.fromarray(pixels).save(tmp_path / name)
    source = tmp_path / name if alone else tmp_path
    message = error_message(clips.read_clip, source)
    assert f"{name} has more than 8 bits a pixel, here 0 to {level}; expected 0..255: pass value_range=" in message
    assert advised_range(message) == (0, 2**bits - 1)
    clip = clips.read_clip(source, value_range=advised_range(message))
    assert clip.shape == (1, 4, 6)
    assert np.array_equal(clip[0], np.rint(pixels / (2**bits - 1) * 255))
    assert clips.read_clip(source, size=2, value_range=(0, 2**bits - 1)).shape == (1, 2, 2)
    assert clips.frame_size(source) == (4, 6)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.ppm", "with_alpha.png"])
@pytest.mark.parametrize("alone", [True, False])
def test_image_with_more_than_8_bits_a_colour(tmp_path, name, alone):
    """Pillow would drop the lower ones in silence, and the rest would be nearly black."""
    levels = np.stack(np.meshgrid([0, 4000], [0, 2000], [0, 1000, 3000], indexing="ij"), axis=-1).reshape(4, 3, 3)
    alpha = np.full((4, 3, 1), 65535)
    stored = np.concatenate([levels[..., ::-1], *[alpha] * name.startswith("with_alpha")], axis=-1)
    cv2.imwrite(str(tmp_path / name), stored.astype(np.uint16))
    source = tmp_path / name if alone else tmp_path
    grey = np.rint(levels @ [0.299, 0.587, 0.114])
    message = error_message(clips.read_clip, source)
    assert f"{name} has more than 8 bits a pixel, here 0 to {grey.max():.0f}; expected 0..255: pass value_ra" in message
    white = advised_range(message)[1]
    assert white == 4095
    expected = np.rint(grey / white * 255)
    assert np.array_equal(clips.read_clip(source, value_range=(0, white))[0], expected)
    for number, channel in enumerate(("red", "green", "blue")):
        expected = np.rint(levels[..., number] / white * 255)
        assert np.array_equal(clips.read_clip(source, channel=channel, value_range=(0, white))[0], expected)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "pages.tif", "deep.ppm"])
@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow's, before the error
def test_truncated_image_with_more_than_8_bits_a_colour(tmp_path, name, share, alone):
    """Alone, or after a whole one in a folder."""
    levels = np.random.default_rng(0).integers(65536, size=(3, 40, 60, 3)).astype(np.uint16)
    if name.endswith("tif"):  # with the pages' headers before the pixels: OpenCV would put them behind
        tifffile.imwrite(tmp_path / name, levels[: 1 if name == "deep.tif" else 3], photometric="rgb")
    else:
        cv2.imwrite(str(tmp_path / name), levels[0])
    if not alone:
        shutil.copy(tmp_path / name, tmp_path / f"a whole {name}")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    source = tmp_path / name if alone else tmp_path
    for value_range in (None, (0, 65535)):
        message = error_message(clips.read_clip, source, value_range=value_range)
        assert message.startswith(f"{name} is not an image that can be read (")
        assert message.endswith("remove or replace it")


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_colours_of_16_bits_in_separate_planes(tmp_path, compression):
    """Neither Pillow nor OpenCV reads them right, and neither says so. Those of 8 bits are read."""
    levels = np.random.default_rng(0).integers(65536, size=(3, 4, 6))
    layout = {"photometric": "rgb", "planarconfig": "separate", "compression": compression}
    tifffile.imwrite(tmp_path / "deep.tif", levels.astype(np.uint16), **layout)
    for options in ({}, {"value_range": (0, 65535)}):
        message = error_message(clips.read_clip, tmp_path / "deep.tif", **options)
        assert message.startswith("deep.tif is not an image that can be read (its 16-bit colours are stored one after")
    levels >>= 8
    tifffile.imwrite(tmp_path / "flat.tif", levels.astype(np.uint8), **layout)
    assert np.array_equal(clips.read_clip(tmp_path / "flat.tif", channel="green")[0], levels[1])


def test_the_range_of_all_pages_is_advised(tmp_path):
    """The first page alone may be dark."""
    pages = [Image.fromarray(np.full((4, 4), level, np.uint16)) for level in (100, 3000, 60_000)]
    pages[0].save(tmp_path / "deep.tif", save_all=True, append_images=pages[1:])
    message = error_message(clips.read_clip, tmp_path / "deep.tif")
    assert "here 100 to 60000" in message
    assert clips.read_clip(tmp_path / "deep.tif", value_range=advised_range(message))[:, 0, 0].tolist() == [0, 12, 233]
    for number, low in enumerate((0.5, 0.501)):
        field = np.linspace(low, low + 0.001, 16, dtype=np.float32).reshape(4, 4)
        Image.fromarray(field).save(tmp_path / f"{number}.tif")
    (tmp_path / "deep.tif").unlink()
    with pytest.warns(UserWarning, match=r"pass value_range=\(0.5, 0.502\)") as caught:
        clips.read_clip(tmp_path)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("shape", "size"), [((9, 4, 6), (4, 6)), ((9, 4, 6, 1), (4, 6)), ((1, 9, 4, 6), (4, 6)), ((9, 4, 6, 3), (4, 6))]
)
def test_the_size_of_an_arrays_frames(tmp_path, shape, size):
    np.save(tmp_path / "a.npy", np.full(shape, 300.0))  # in a range that is yet to be named
    assert clips.frame_size(tmp_path / "a.npy") == size
    np.save(tmp_path / "a.npy", np.zeros((4, 6), np.uint8))
    assert "(4, 6) is not a clip; expected (time, height, width): give it an axis" in error_message(
        clips.frame_size, tmp_path / "a.npy"
    )


def test_images_of_floats(tmp_path):
    """As an array of them would be: 0..1 is a picture, another range needs to be named."""
    for number, level in enumerate((0.0, 1.0)):
        Image.fromarray(np.full((4, 4), level, np.float32)).save(tmp_path / f"{number}.tif")
    assert clips.read_clip(tmp_path)[:, 0, 0].tolist() == [0, 255]
    Image.fromarray(np.array([[-32, 19], [19, 70]], np.float32)).save(tmp_path / "0.tif")
    message = error_message(clips.read_clip, tmp_path / "0.tif")
    assert "0.tif: float clip has values -32 to 70; expected 0..1: pass value_range=(-32, 70)" in message
    assert clips.read_clip(tmp_path / "0.tif", value_range=(-32, 70))[0].tolist() == [[0, 128], [128, 255]]


@pytest.mark.parametrize("value_range", [(0, 1), (0, 255)])
def test_a_range_for_pictures_of_8_bits(tmp_path, value_range):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    message = error_message(clips.read_clip, tmp_path, value_range=value_range)
    assert f"value_range={value_range} needs numbers, and a.png holds a picture of 8 bits a pixel" in message


def test_numbers_of_more_than_16_bits_get_their_own_range():
    """Scaled to 32 bits, all of them would be black."""
    levels = np.linspace(0, 70_000, 256).astype(np.int32)
    clip = np.broadcast_to(levels, (2, 8, 256))
    message = error_message(clips.check_clip, clip)
    assert "value_range=(0, 70000)" in message
    assert clips.scale_to_bytes(clip, 0, 70_000).max() == 255


@pytest.mark.parametrize(("dtype", "level", "white"), [(np.uint16, 4000, 4095), (np.int32, 60_000, 65535)])
def test_arrays_with_more_than_8_bits(tmp_path, dtype, level, white):
    array = np.zeros((2, 4, 4), dtype)
    array[1] = level
    np.save(tmp_path / "deep.npy", array)
    message = error_message(clips.read_clip, tmp_path / "deep.npy")
    assert f"dtype {array.dtype}; expected uint8" in message
    assert f"pass value_range=(0, {white})" in message
    expected = round(level / white * 255)
    assert clips.read_clip(tmp_path / "deep.npy", value_range=(0, white))[:, 0, 0].tolist() == [0, expected]
    assert f"nextframe.clips.scale_to_bytes(clip, 0, {white})" in message
    assert clips.check_clip(clips.scale_to_bytes(array, 0, white))[1, 0, 0] == expected


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_video_with_more_than_8_bits(tmp_path, bits, suffix):
    ramp = np.tile(np.linspace(0, 1, 64), (3, 16, 1))
    raw = np.rint(ramp * (2**bits - 1)).astype("<u2").tobytes()
    grey = f"gray{bits}le"
    video = ["-f", "rawvideo", "-pix_fmt", grey, "-s", "64x16", "-i", "-", "-c:v", "ffv1", "-pix_fmt", grey]
    subprocess.run([FFMPEG, "-v", "error", *video, tmp_path / f"deep{suffix}"], input=raw, check=True)
    clip = clips.read_clip(tmp_path / f"deep{suffix}")
    assert clip.shape == (3, 16, 64)
    assert np.abs(clip - ramp * 255).max() < 1


@pytest.mark.parametrize("pixels", ["gray16le", "rgb48le"])
def test_video_of_12_bits_in_16(tmp_path, pixels):
    """As a scientific camera writes them: refused, and read right with the range that the message names."""
    ramp = np.tile(np.rint(np.linspace(0, 4000, 64)), (3, 16, 1))
    raw = (ramp if pixels == "gray16le" else ramp[..., None].repeat(3, -1)).astype("<u2").tobytes()
    video = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", "64x16", "-i", "-", "-c:v", "ffv1"]
    subprocess.run([FFMPEG, "-v", "error", *video, tmp_path / "deep.mkv"], input=raw, check=True)
    message = error_message(clips.read_clip, tmp_path / "deep.mkv")
    assert re.search(r"deep.mkv has 16 bits a pixel and uses values up to 40\d\d; expected 0..65535", message)
    read = clips.read_clip(tmp_path / "deep.mkv", value_range=advised_range(message))
    assert np.abs(read - ramp / 4095 * 255).max() < 2
    assert clips.read_clip(tmp_path / "deep.mkv", (8, 32), channel="green", value_range=(0, 4095)).shape == (3, 8, 32)
    message = error_message(clips.read_clip, example_path("box"), value_range=(0, 4095))
    assert "value_range=(0, 4095) needs numbers, and box.mp4 is a video of 8 to 14 bits" in message


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".png", ".webp"])
def test_every_frame_of_a_picture_is_read(tmp_path, suffix):
    levels = list(range(0, 200, 20))
    first, *others = [Image.new("L", (8, 6), level) for level in levels]
    options = {"lossless": True} if suffix == ".webp" else {}
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / f"many{suffix}", tmp_path / "folder" / f"many{suffix}"):
        first.save(path, save_all=True, append_images=others, **options)
        source = path if path.parent == tmp_path else path.parent
        if suffix != ".gif" or source.is_file():  # a folder's GIF is no picture of the clip
            assert clips.read_clip(source)[:, 0, 0].tolist() == levels
            assert clips.frame_size(source) == (6, 8)


def test_a_tiff_has_no_frame_rate(tmp_path):
    page = Image.new("L", (4, 4))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page])
    assert clips.frame_rate(tmp_path / "a.tif") is None
    assert "has no frame rate" in error_message(clips.read_clip, tmp_path / "a.tif", fps=2)


def test_small_copies_in_a_tiff_are_no_frames(tmp_path):
    small = Image.new("L", (2, 2))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    Image.new("L", (4, 4)).save(tmp_path / "a.tif", save_all=True, append_images=[small])
    assert clips.read_clip(tmp_path / "a.tif").shape == (1, 4, 4)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_stand_upright(tmp_path, orientation):
    """As the camera's note says, from a file and from a folder alike."""
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :8] = 255  # the upper left corner as it is stored
    note = Image.Exif()
    note[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=note, quality=100)
    upright = np.rot90(stored, {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    for source in (tmp_path / "a.jpg", tmp_path):
        (frame,) = clips.read_clip(source)
        assert frame.shape == upright.shape == clips.frame_size(source)
        assert np.abs(frame.astype(int) - upright).max() < 20


def test_a_flat_field_is_not_made_black_and_white_in_silence(tmp_path):
    field = (0.5 + np.linspace(-0.0005, 0.0005, 48).reshape(3, 4, 4)).astype(np.float32)
    np.save(tmp_path / "field.npy", field)
    for read, source in ((clips.read_clip, tmp_path / "field.npy"), (clips.check_clip, field)):
        with pytest.warns(UserWarning, match="are 2 of 256 grey levels: .*pass value_range=") as caught:
            read(source)
    low, high = advised_range(str(caught[0].message).split("), ")[0] + ")")
    clip = clips.read_clip(tmp_path / "field.npy", value_range=(low, high))
    assert np.abs(clip.ravel() - np.linspace(0, 255, 48)).max() <= 1
    assert clips.check_clip(np.array([0, 1, 2], np.uint8).repeat(16).reshape(3, 4, 4) / 255)[-1, 0, 0] == 2  # exact


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


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ("PTS+0.01*mod(N\\,3)/TB", 30),  # the mean, since no rate fits: ffmpeg gives the file's clock
        ("PTS+gt(N\\,20)*2/TB", 25),  # the rate between pauses
    ],
)
def test_the_rate_of_frames_at_uneven_times(tmp_path, times, rate):
    clips.write_clip(tmp_path / "even.avi", np.zeros((60, 16, 16), np.uint8), fps=rate)
    fine = ["-vf", f"settb=1/90000,setpts={times}", "-enc_time_base", "1:90000", "-fps_mode", "passthrough"]
    subprocess.run([FFMPEG, "-v", "error", "-i", tmp_path / "even.avi", *fine, tmp_path / "uneven.mp4"], check=True)
    assert clips.frame_rate(tmp_path / "uneven.mp4") == pytest.approx(rate, abs=0.5)


def test_write_into_a_folder_that_is_not_there(tmp_path, clip):
    message = error_message(clips.write_clip, tmp_path / "nowhere" / "clip.mp4", clip)
    assert "nowhere' to write clip.mp4 into: make it first" in message


@pytest.mark.parametrize(
    ("array", "named", "cure"),
    [
        (np.zeros((5, 8, 8, 3), np.uint8), "(5, 8, 8, 3) is in colour", "convert to grey"),
        (np.zeros((2, 5, 8, 8, 1), np.uint8), "(2, 5, 8, 8, 1) is not a clip", "pass one clip"),
        (np.zeros((8, 8), np.uint8), "(8, 8) is not a clip", "frame[None]"),
        (np.full((5, 8, 8), 200.0), "values 200 to 200; expected 0..1", "divide by 255"),
        (np.full((5, 8, 8), -0.1), "values -0.1 to -0.1; expected 0..1", "clip_to_unit"),
        (np.full((5, 8, 8), np.nan), "NaN; expected values in 0..1", "fill or drop"),
        (np.zeros((5, 8, 8), np.int64), "dtype int64; expected uint8", "convert it"),
        (np.zeros((0, 8, 8), np.uint8), "(0, 8, 8) has no frames", "check how it was cut"),
    ],
)
def test_arrays_that_are_not_clips(array, named, cure):
    message = error_message(clips.check_clip, array)
    assert named in message
    assert cure in message


@pytest.mark.parametrize(
    ("low", "high", "advice"),
    [
        (0, 1.02, "metrics.clip_to_unit(clip)"),
        (-0.1, 1, "metrics.clip_to_unit(clip)"),
        (0, 255, "clip / 255"),
        (0, 200, "clip / 255"),
        (-0.5, 255.4, "metrics.clip_to_unit(clip / 255)"),
        (-32, 70, "clips.scale_to_bytes(clip, -32, 70)"),
        (0, 70, "clips.scale_to_bytes(clip, 0, 70)"),
        (0, 100, "clips.scale_to_bytes(clip, 0, 100)"),
        (-0.5, 0.5, "clips.scale_to_bytes(clip, -0.5, 0.5)"),
        (0, 30, "clips.scale_to_bytes(clip, 0, 30)"),
        (0, 4095, "clips.scale_to_bytes(clip, 0, 4095)"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_advice_for_floats_works(low, high, advice, dtype):
    clip = np.linspace(low, high, 2 * 32 * 32).reshape(2, 32, 32).astype(dtype)
    message = error_message(clips.check_clip, clip)
    assert f"values {low:g} to {high:g}; expected 0..1" in message
    assert advice in message
    assert "255" in advice or "divide" not in message
    follow = {"clip": clip, "clips": clips, "metrics": metrics}
    followed = clips.check_clip(eval(advice, follow))
    assert followed.min() <= 2
    assert followed.max() >= 200


@pytest.mark.parametrize(
    ("colour", "advice"),
    [
        (np.uint8([255, 255, 255]), '(clip @ [0.299, 0.587, 0.114]).round().astype("uint8")'),
        (np.uint8([255, 255, 255, 0]), '(clip[..., :3] @ [0.299, 0.587, 0.114]).round().astype("uint8")'),
        (np.int64([255, 255, 255]), '(clip @ [0.299, 0.587, 0.114]).round().astype("uint8")'),
        (np.uint16([4095, 4095, 4095]), "nextframe.clips.scale_to_bytes(clip @ [0.299, 0.587, 0.114], 0, 4095)"),
        (np.float32([1, 1, 1]), "clip @ [0.299, 0.587, 0.114]"),
        (np.float32([255, 255, 255]), "clip @ [0.299, 0.587, 0.114] / 255"),
        (np.float64([1, 1, 1, 1]), "clip[..., :3] @ [0.299, 0.587, 0.114]"),
    ],
)
def test_advice_for_colour_works(colour, advice):
    clip = np.zeros((2, 8, 8, len(colour)), colour.dtype)
    clip[1] = colour
    assert error_message(clips.check_clip, clip).endswith(f"convert to grey first: {advice}")
    assert clips.check_clip(eval(advice, {"clip": clip, "nextframe": nextframe}))[:, 0, 0].tolist() == [0, 255]


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_advice_for_whole_numbers_works(dtype):
    clip = np.arange(128).reshape(2, 8, 8).astype(dtype)
    assert 'convert it first, with clip.astype("uint8")' in error_message(clips.check_clip, clip)
    assert np.array_equal(clips.check_clip(clip.astype("uint8")), clip)


@pytest.mark.parametrize("name", ["frame.mp4", "frame.npy"])
def test_one_frame_is_not_written_as_many(tmp_path, name):
    frame = np.random.default_rng(0).integers(0, 256, (32, 48, 1), np.uint8)
    message = error_message(clips.write_clip, tmp_path / name, frame)
    assert "shape (32, 48, 1) looks like one frame" in message
    assert "as in frame[None]" in message
    assert not (tmp_path / name).exists()
    clips.write_clip(tmp_path / name, frame[None])
    assert clips.read_clip(tmp_path / name).shape == (1, 32, 48)
    assert "in colour" in error_message(clips.check_clip, np.zeros((32, 48, 3), np.uint8)[None])
    assert "looks like one frame" in error_message(clips.check_clip, np.zeros((32, 48, 3), np.uint8))
    assert clips.check_clip(np.zeros((5, 4, 4), np.uint8)).shape == (5, 4, 4)  # tiny, but a clip


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


def test_check_clips_takes_several_with_channels(clip):
    several = np.stack([clip, clip])[..., None]
    assert [each.shape for each in clips.check_clips(several)] == [clip.shape] * 2
    assert np.array_equal(clips.check_clips(several)[1], clip)
    assert "in colour" in error_message(clips.check_clips, np.zeros((2, 5, 8, 8, 3), np.uint8))


@pytest.mark.parametrize("channel", [False, True])
def test_time_first_is_refused(channel):
    """The layout of Moving MNIST's own file, (20, 10000, 64, 64): frames would be cut from many clips."""
    digits = moving_digits(400, 20, canvas=32, digits=1)
    stored = digits.swapaxes(0, 1)
    array = stored[..., None] if channel else stored
    message = error_message(clips.check_clips, array)
    assert "(20, 400, 32, 32" in message
    assert "looks like 400 clips of 20 frames with time first" in message
    assert "pass it with .swapaxes(0, 1)" in message
    checked = clips.check_clips(array.swapaxes(0, 1))
    assert len(checked) == 400
    assert np.array_equal(checked[7], digits[7])
    assert len(clips.check_clips(list(array))) == 20  # whoever means it may


@pytest.mark.parametrize("array", [np.zeros((20, 400, 8, 8), np.uint8), np.zeros((5, 100, 8, 8, 1), np.uint8)])
def test_time_first_is_suspected_where_pixels_do_not_tell(array):
    assert "time first" in error_message(clips.check_clips, array)


def test_few_long_clips_are_not_time_first():
    few = moving_digits(3, 120, canvas=32, digits=1)
    assert len(clips.check_clips(few)) == 3
    assert len(clips.check_clips(clips.read_clip(example_path("box"), size=16)[None])) == 1


def test_unknown_example():
    assert "name='cup': expected one of bottle, box, heart, city, tree, bunny" in error_message(example_path, "cup")


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
