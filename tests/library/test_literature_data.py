"""The literature's own files, in small: Moving MNIST's test set, and a folder of KTH's videos."""

import subprocess

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from nextframe import clips, windows
from nextframe.datasets.kth import TEST_PERSONS, TRAIN_PERSONS, kth_videos, read_kth, squeeze
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.moving_mnist import moving_mnist_test

# ---- Moving MNIST ----


@pytest.fixture(scope="module")
def drawn():
    return moving_digits(30, 20, digits=2, speed=(3.6, 3.6), whole_pixels=True, split="test")


@pytest.fixture
def file(drawn, tmp_path):
    """Of the official file's format: time first."""
    np.save(tmp_path / "mnist_test_seq.npy", drawn.swapaxes(0, 1))
    return tmp_path / "mnist_test_seq.npy"


def test_clips_come_first(drawn, file):
    found = moving_mnist_test(file)
    assert (found.shape, found.dtype) == ((30, 20, 64, 64), np.uint8)
    assert np.array_equal(found, drawn)
    assert np.array_equal(moving_mnist_test(file.parent), drawn)  # the folder will do
    assert np.array_equal(moving_mnist_test(str(file), count=7), drawn[:7])


def test_pixels_stay_in_the_file(file):
    found = moving_mnist_test(file, count=3)
    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_the_library_takes_such_clips(drawn, file):
    found = moving_mnist_test(file)
    np.testing.assert_array_equal(windows.to_unit(found[:, :10]), windows.to_unit(drawn[:, :10]))
    contexts, targets = next(iter(windows.window_dataset(found, 10, batch_size=300)))
    assert contexts.shape == (300, 10, 64, 64, 1)
    np.testing.assert_allclose(np.asarray(targets)[0, ..., 0] * 255, drawn[0, 10], atol=1e-4)


def test_no_file(tmp_path):
    for missing in (tmp_path, tmp_path / "elsewhere.npy"):
        with pytest.raises(FileNotFoundError, match=r"no file at .*\.npy.*http.*/mnist_test_seq.npy .*download it"):
            moving_mnist_test(missing)


def test_a_file_cut_short(file):
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"mnist_test_seq.npy is cut short at 2,456,728 bytes.*download it again"):
        moving_mnist_test(file)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"PK\x03\x04 and so on"])
def test_another_kind_of_file(content, tmp_path):
    (tmp_path / "page.npy").write_bytes(content)
    with pytest.raises(ValueError, match="page.npy is no NumPy file, it begins with .*: download it again"):
        moving_mnist_test(tmp_path / "page.npy")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda clips: clips.swapaxes(0, 1),
            r"uint8 of shape \(30, 20, 64, 64\).*first already, so read it with np.load",
        ),
        (lambda clips: clips[:10], r"shape \(10, 30, 64, 64\); expected uint8 \(20, clips, 64, 64\), time first: down"),
        (lambda clips: clips[..., :32], r"shape \(20, 30, 64, 32\); expected"),
        (lambda clips: clips / 255, r"float64 of shape \(20, 30, 64, 64\); expected uint8"),
        (lambda clips: clips[0], r"shape \(30, 64, 64\); expected"),
    ],
)
def test_another_array(change, named, drawn, tmp_path):
    np.save(tmp_path / "other.npy", change(drawn.swapaxes(0, 1)))
    with pytest.raises(
        ValueError, match=f"other.npy holds {named}" if "uint8 of" in named or "float64" in named else named
    ):
        moving_mnist_test(tmp_path / "other.npy")


def test_twenty_clips_are_in_the_official_order(drawn, tmp_path):
    """Their shape does not tell: the official file's order is what is expected."""
    np.save(tmp_path / "twenty.npy", drawn[:20].swapaxes(0, 1))
    assert np.array_equal(moving_mnist_test(tmp_path / "twenty.npy"), drawn[:20])


@pytest.mark.parametrize(
    ("count", "named"),
    [(31, "count=31 is more than the 30 clips of mnist_test_seq.npy: lower it"), (0, "count=0: exp")],
)
def test_a_count_that_the_file_has_not(count, named, file):
    with pytest.raises(ValueError, match=named):
        moving_mnist_test(file, count)


# ---- KTH ----

LIST = """
This database contains sequences of six classes of actions performed by
25 subjects in four different conditions (see below).

Training:   person11, 12, 13, 14, 15, 16, 17, 18
Test:       person22, 02, 03, 05, 06, 07, 08, 09, 10

person01_boxing_d1\t\tframes\t1-4, 5-9, 12-14
person01_walking_d2    \tframes\t3-8
person13_handclapping_d3\t*missing*
person17_boxing_d1\t\tframes\t1-5, 9-30, 31-40
person17_running_d4\t\tframes\t6-12, 1-5
"""
NAMES = ("person01_boxing_d1", "person01_walking_d2", "person17_boxing_d1", "person17_running_d4")


def one_video(number):
    """14 frames of 120×160 in which something smooth moves."""
    rows, columns = np.mgrid[:120, :160]
    frames = [128 + 100 * np.sin(rows / 19 + time / 2 + number) * np.cos(columns / 23 - time / 3) for time in range(14)]
    return np.rint(frames).astype(np.uint8)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The archives' folders, with MPEG-4 in avi as there."""
    folder = tmp_path_factory.mktemp("kth")
    (folder / "00sequences.txt").write_text(LIST)
    for number, name in enumerate(NAMES):
        path = folder / name.split("_")[1] / f"{name}_uncomp.avi"
        path.parent.mkdir(exist_ok=True)
        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "160x120", "-r", "25", "-i", "-"]
        encoded = ["-c:v", "mpeg4", "-q:v", "1", "-pix_fmt", "yuv420p", str(path)]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *encoded]
        subprocess.run(command, input=one_video(number).tobytes(), check=True)
    return folder


def test_videos_are_found_in_their_folders(unpacked):
    found = kth_videos(unpacked)
    assert [video.path.name.removesuffix("_uncomp.avi") for video in found] == [
        "person01_boxing_d1",
        "person17_boxing_d1",
        "person17_running_d4",
        "person01_walking_d2",
    ]
    first, *_, last = found
    assert (first.person, first.action, first.setting) == (1, "boxing", 1)
    assert first.stretches == ((1, 4), (5, 9), (12, 14))
    assert (last.person, last.action, last.setting, last.stretches) == (1, "walking", 2, ((3, 8),))


def test_persons_and_actions_are_chosen(unpacked):
    assert {video.person for video in kth_videos(unpacked, TRAIN_PERSONS)} == {1}
    assert {video.person for video in kth_videos(unpacked, TEST_PERSONS)} == {17}
    assert {video.action for video in kth_videos(unpacked, actions=["walking", "running"])} == {"walking", "running"}
    assert sorted([*TRAIN_PERSONS, *TEST_PERSONS]) == list(range(1, 26))


def test_a_clip_for_each_stretch(unpacked):
    """Frames are counted from 1, and the last one is included."""
    video = kth_videos(unpacked)[0]
    found = read_kth(video, size=None)
    assert [clip.shape for clip in found] == [(4, 120, 160), (5, 120, 160), (3, 120, 160)]
    assert all(clip.dtype == np.uint8 for clip in found)
    whole = clips.read_clip(video.path)
    assert np.array_equal(np.concatenate(found), whole[[*range(9), 11, 12, 13]])
    assert np.abs(whole.astype(int) - one_video(0)).mean() < 2  # and in the right order, up to what MPEG-4 loses


def test_stretches_end_where_the_video_does(unpacked):
    assert [len(clip) for clip in read_kth(kth_videos(unpacked, [17], ["boxing"])[0])] == [5, 6]


def test_stretches_keep_the_order_of_the_list(unpacked):
    video = kth_videos(unpacked, actions=["running"])[0]
    first, second = read_kth(video, size=None)
    assert np.array_equal(np.concatenate([second, first]), clips.read_clip(video.path)[:12])


def test_frames_are_squeezed_into_squares(unpacked):
    video = kth_videos(unpacked)[0]
    squeezed, whole = read_kth(video), read_kth(video, size=None)
    assert [clip.shape for clip in squeezed] == [(4, 128, 128), (5, 128, 128), (3, 128, 128)]
    for small, large in zip(squeezed, whole, strict=True):
        assert np.array_equal(small, squeeze(large, 128))


@pytest.mark.parametrize("size", [64, 128, 200])
def test_squeezing_equals_opencv(size):
    clip = np.random.default_rng(0).integers(0, 256, (2, 120, 160), dtype=np.uint8)
    found = squeeze(clip, size)
    assert found.dtype == np.uint8
    expected = [cv2.resize(frame.astype(np.float32), (size, size)) for frame in clip]
    assert np.abs(found - np.array(expected)).max() < 0.51  # it is rounded to bytes


def test_without_the_list_videos_are_whole(unpacked, tmp_path):
    name = "boxing/person01_boxing_d1_uncomp.avi"
    (tmp_path / "person01_boxing_d1.avi").write_bytes((unpacked / name).read_bytes())
    (tmp_path / "person01_notes.txt").write_text("no video")
    (video,) = kth_videos(tmp_path)
    assert video.stretches == ()
    assert [clip.shape for clip in read_kth(video, size=32)] == [(14, 32, 32)]


def test_a_damaged_video(unpacked, tmp_path):
    content = (unpacked / "boxing" / "person01_boxing_d1_uncomp.avi").read_bytes()
    (tmp_path / "person01_boxing_d4_uncomp.avi").write_bytes(content[: len(content) // 8])
    (video,) = kth_videos(tmp_path)
    with pytest.raises(ValueError, match="person01_boxing_d4_uncomp.avi .*: (check|copy)"):
        read_kth(video)


def test_no_folder_and_no_video(tmp_path, unpacked):
    with pytest.raises(FileNotFoundError, match=r"no folder at .*nowhere'.*https://www.csc.kth.se/cvap/actions/"):
        kth_videos(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"has no video of persons \[1, 2.* and 0 of others.*person01_boxing_d1_unc"):
        kth_videos(tmp_path)
    with pytest.raises(ValueError, match=r"has no video of persons \[2, 3\] and actions boxing, and 4 of others"):
        kth_videos(unpacked, [3, 2], ["boxing"])


def test_persons_and_actions_that_do_not_exist(unpacked):
    with pytest.raises(ValueError, match="action='dancing': expected one of boxing, handclapping, handwaving"):
        kth_videos(unpacked, actions=["dancing"])
    with pytest.raises(ValueError, match="person=26: expected one of 1, 2, 3"):
        kth_videos(unpacked, persons=[1, 26])
    with pytest.raises(ValueError, match="size=0: expected a whole number, at least 1"):
        read_kth(kth_videos(unpacked)[0], size=0)


@pytest.mark.parametrize(
    ("listed", "named"),
    [
        (
            "person01_boxing_d1\tframes\t1-4, 5",
            "00sequences.txt, line 2: .*5': expected stretches such as 1-95, 96-185",
        ),
        ("person01_boxing_d1\tframes\t9-5", "line 2: .*expected stretches"),
        ("person01_boxing_d1\tframes\t0-5", "line 2: .*expected stretches"),
        ("person01_boxing_d1\tframes\t", "line 2: .*expected stretches"),
        ("nothing at all", "lists no video: download it again from https.*/00sequences.txt"),
        ("person02_boxing_d1\tframes\t1-4", "does not list person01_boxing_d1, which is in .*: download both again"),
    ],
)
def test_a_list_that_cannot_be_read(listed, named, tmp_path):
    (tmp_path / "person01_boxing_d1_uncomp.avi").write_bytes(b"")
    (tmp_path / "00sequences.txt").write_text(f"\n{listed}\n")
    with pytest.raises(ValueError, match=named):
        kth_videos(tmp_path)
