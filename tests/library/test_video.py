"""Your own video: scenes, the contest, and the command from a file to its report."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import imageio_ffmpeg
import keras
import numpy as np
import pytest
from PIL import Image

import nextframe
from nextframe import clips, metrics, pretrained, training, windows
from nextframe.__main__ import main
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import CLIPS, example_path
from nextframe.forecasting import predict_next
from nextframe.layers.flow_proposals import PROPOSALS, flow_proposals
from nextframe.models import build
from nextframe.scenes import Split, scene_cuts, split_scenes
from nextframe.video import contest, forecast_video, report, training_run
from nextframe.video.forecast import shipped_as

FILES = {"next.png", "forecast.mp4", "comparison.mp4", "model.keras", "report.html", "report.json"}


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth random picture, uint8."""
    rough = np.random.default_rng(seed).integers(0, 256, (height // 8 + 2, width // 8 + 2)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))


def panned(count: int, side: int = 32, step: int = 1, seed: int = 0) -> np.ndarray:
    """A window that moves over a texture by `step` pixels a frame."""
    wide = texture(side, side + step * count, seed)
    return np.stack([wide[:, step * index : step * index + side] for index in range(count)])


def shown_at(places, side: int = 48) -> np.ndarray:
    """A window of a texture, each frame from another column on."""
    wide = texture(side, side + max(places))
    return np.stack([wide[:, place : place + side] for place in places])


# --- scenes


def test_a_planted_cut_is_found_and_fast_motion_is_none():
    assert scene_cuts(np.concatenate([panned(20, seed=1), panned(30, seed=2)])) == [20]
    assert scene_cuts(panned(30, step=9)) == []
    flash = panned(30).astype(int)
    flash[12] += 90
    assert scene_cuts(np.clip(flash, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("name", CLIPS)
def test_cuts_of_the_clips_that_ship(name):
    assert scene_cuts(clips.read_clip(example_path(name), size=64)) == ([116] if name == "city" else [])


def test_what_is_scored_comes_after_what_is_trained_on():
    clip = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    split = split_scenes(clip, [60, 66], context=4)
    numbers = [[part[:, 0, 0].tolist() for part in parts] for parts in (split.train, split.validation, split.test)]
    (first, short, last), chosen, tested = numbers
    assert short == list(range(60, 66))  # too short for three parts, long enough for a window
    assert first + chosen[0] + tested[0] == list(range(60))
    assert last + chosen[1] + tested[1] == list(range(66, 100))
    assert [len(part) for part in (first, chosen[0], tested[0])] == [36, 9, 15]


def test_a_video_that_is_too_short_says_how_long_it_must_be():
    clip = panned(20)
    with pytest.raises(ValueError, match="the longest scene has 14 frames; with context=4 expected at least 15"):
        split_scenes(clip, [14], context=4)
    assert [len(part) for part in split_scenes(clip[:15], [], context=4).test] == [5]


# --- the network


def test_proposals_move_things_on():
    frames = windows.to_unit(panned(5, side=48, step=2))[..., 0]
    found = dict(zip(PROPOSALS, flow_proposals(frames[:4]), strict=True))
    inner = slice(8, -8)

    def error(image):
        return float(np.square(image - frames[4])[inner, inner].mean())

    copying = error(frames[3])
    for name in ("flow", "carried", "accelerated", "before", "third"):
        assert error(found[name]) < 0.05 * copying, name
    assert 0.05 * copying < error(found["half"]) < 0.6 * copying


@pytest.mark.parametrize(
    ("places", "proposal", "scale", "expected"),
    [
        ([0, 4, 8, 12], "flow", 0.5, 14),
        ([0, 4, 8, 12], "carried", 0.5, 14),
        ([0, 4, 8, 12], "half", 1.0, 14),
        ([0, 1, 3, 6], "flow", 1.0, 9),
        ([0, 1, 3, 6], "accelerated", 1.0, 10),
    ],
)
def test_how_far_a_proposal_goes(places, proposal, scale, expected):
    seen = windows.to_unit(shown_at([*places, expected]))
    (found,) = flow_proposals(seen[:4, ..., 0], (proposal,), scale)
    around = [windows.to_unit(shown_at([*places, expected + by]))[-1, ..., 0] for by in (-1, 0, 1)]
    errors = [np.square(found - frame)[8:-8, 8:-8].mean() for frame in around]
    assert errors[1] < 0.2 * min(errors[0], errors[2])


def test_where_nothing_moves_it_copies():
    still = np.repeat(windows.to_unit(texture(33, 47)[None])[None], 4, axis=1)
    model = nextframe.load("flow_unet", (4, 33, 47, 1))
    np.testing.assert_allclose(predict_next(model, still), still[:, -1], atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 12, 12, 1), (6, 33, 47, 1), (4, 64, 50, 1)])
def test_it_takes_frames_of_any_size(shape):
    context = np.random.default_rng(0).random((1, *shape), np.float32)
    assert predict_next(nextframe.load("flow_unet", shape), context).shape == (1, *shape[1:])


def test_frames_that_are_padded_inside_are_forecast_alike():
    """A border that 4 does not divide must not move the picture."""
    seen = windows.to_unit(panned(4, side=41))[None]
    odd, even = (
        predict_next(nextframe.load("flow_unet", (4, side, side, 1)), seen[:, :, :side, :side]) for side in (41, 40)
    )
    assert np.abs(odd[:, 8:32, 8:32] - even[:, 8:32, 8:32]).mean() < 0.01


@pytest.mark.parametrize(
    ("shape", "message"),
    [((3, 32, 32, 1), "needs at least 4 frames"), ((4, 8, 32, 1), "at least 12×12: use larger frames")],
)
def test_what_it_cannot_read(shape, message):
    with pytest.raises(ValueError, match=message):
        build("flow_unet", shape)


def test_models_for_digits_fit_their_own_size_alone():
    with pytest.raises(ValueError, match="forecaster was trained for \\(10, 32, 32, 1\\)"):
        nextframe.load("forecaster", (4, 64, 64, 1))


# --- the contest


def test_errors_are_those_of_the_forecasts_whatever_the_batches():
    clip = panned(40)
    model = build("linear_extrapolation", (4, 32, 32, 1))
    seen, ahead = windows.sliding_windows(clip, 4)
    seen, ahead = windows.to_unit(seen), windows.to_unit(ahead[:, 0])
    expected = metrics.mse(ahead, metrics.clip_to_unit(predict_next(model, seen)))
    np.testing.assert_allclose(contest.window_errors(model, [clip]), expected, rtol=1e-5)
    parts = contest.window_errors(model, [clip[:20], clip[20:]])
    np.testing.assert_allclose(parts, np.concatenate([expected[:16], expected[20:]]), rtol=1e-5)


def test_a_fitted_factor_is_the_one_that_was_planted():
    """Each change is 0.7 of the one before: that is what half extrapolation must find."""
    level = 100 + 90 * np.cumsum(0.7 ** np.arange(24)) / np.sum(0.7 ** np.arange(24))
    clip = np.rint(level)[:, None, None].astype(np.uint8) * np.ones((1, 32, 32), np.uint8)
    model = contest.fit_baselines((4, 32, 32, 1), [clip])["half_extrapolation"]
    context = np.zeros((1, 4, 32, 32, 1), np.float32)
    context[:, -1] = 0.1
    assert predict_next(model, context).mean() == pytest.approx(0.17, abs=0.005)


def test_a_scaled_flow_is_scaled_to_what_moves():
    """Motion that stops halfway each time: the flow must be told to go less far."""
    found = contest.fit_baselines((4, 32, 32, 1), [shown_at(np.cumsum([4, 2] * 14), side=32)])["scaled_flow"]
    (layer,) = [layer for layer in found.layers if hasattr(layer, "scale")]
    assert layer.scale < 1


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(0.03, -0.09, 0), (0.1, 0, 0), (0, 0.1, 0), (0.03, 0.06, 0.03), (0.06, 0.03, 0.03), (-0.02, -0.02, -0.02)],
)
def test_a_blend_has_the_weights_of_which_errors_cancel(ours, theirs, expected):
    """By how much each is too bright, in a still video. No weight is below 0 or above 1."""

    def too_bright(by):
        context = keras.Input((4, 32, 32, 1))
        return keras.Model(context, context[:, -1] + by)

    still = np.repeat((60 + texture(32, 32) // 2)[None], 9, axis=0)
    blended = contest.blend(too_bright(ours), too_bright(theirs), [still])
    seen = windows.to_unit(still[None, :4])
    np.testing.assert_allclose(predict_next(blended, seen) - seen[:, -1], expected, atol=1e-4)


def test_a_clip_and_its_mirror_images():
    found = contest.flipped([np.array([[[1, 2], [3, 4]]])])
    assert [clip.tolist() for clip in found] == [
        [[[1, 2], [3, 4]]],
        [[[2, 1], [4, 3]]],
        [[[3, 4], [1, 2]]],
        [[[4, 3], [2, 1]]],
    ]


def test_steps_are_planned_for_the_seconds_and_leave_the_weights_alone(monkeypatch):
    """A second to compile, then a tenth for a step: 1.3 of ten seconds go by, and compiling takes one once more."""
    network = build("frames_as_channels", (4, 32, 32, 1), filters=4, depth=2)
    before = network.get_weights()
    clock = iter([0, 0, 1, 1, 1.1, 1.1, 1.2, 1.2, 1.3, 1.3])
    monkeypatch.setattr(contest, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    # 10 - 1.3 - 2 × 1 seconds are left, nine tenths of them for steps, and ten rounds are equal
    assert contest.planned_steps(network, [panned(30)], 10) == 60
    assert all(np.array_equal(*pair) for pair in zip(before, network.get_weights(), strict=True))


def test_the_test_part_decides_nothing():
    """Neither a factor, nor a weight, nor the choice: noise in its place changes the scores on it alone."""
    split = split_scenes(panned(60, step=2), [], 4)
    noise = [np.random.default_rng(0).integers(0, 256, part.shape, dtype=np.uint8) for part in split.test]
    ours, theirs = (contest.hold_contest(each) for each in (split, dataclasses.replace(split, test=noise)))
    assert (ours.validation, ours.chosen, ours.network) == (theirs.validation, theirs.chosen, theirs.network)
    assert ours.blended == theirs.blended
    assert ours.validation[ours.blended] == min(
        ours.validation[name] for name in set(ours.models) - {"network", "blend"}
    )
    seen = windows.to_unit(split.validation[0][None, :4])
    for name, model in ours.models.items():
        assert np.array_equal(predict_next(model, seen), predict_next(theirs.models[name], seen)), name
        assert not np.array_equal(ours.test[name], theirs.test[name])


def test_the_network_falls_back_to_what_it_was(monkeypatch):
    """Training that does harm must not be kept."""
    split = split_scenes(moving_digits(1, 60, digits=1, canvas=32, digit_size=16)[0], [], 4)
    shipped = contest.hold_contest(split)

    def ruin(model, *args, **options):
        model.set_weights([np.ones_like(array) for array in model.get_weights()])
        return [{"step": 1, "validation": 1.0}]

    monkeypatch.setattr(training, "fit", ruin)
    ruined = contest.hold_contest(split, seconds=1, plan=lambda steps: 1)
    assert ruined.network == shipped.network == "shipped"
    np.testing.assert_array_equal(ruined.test["network"], shipped.test["network"])


def test_interval_of_a_skill():
    copying = np.ones(200)
    assert metrics.skill_interval(0.6 * copying, copying) == pytest.approx((0.4, 0.4))
    errors = np.random.default_rng(0).uniform(0.2, 1.0, 200)
    low, high = metrics.skill_interval(errors, copying, block=1)
    assert low < 0.4 < high
    assert high - low == pytest.approx(2 * 1.96 * errors.std() / np.sqrt(200), rel=0.15)
    clustered = np.repeat(errors[::10], 10)  # ten windows each that say the same: less is known
    wide = metrics.skill_interval(clustered, copying, block=10)
    assert wide[1] - wide[0] > 2 * (high - low)


def test_interval_where_little_moves():
    """Draws of nothing but stillness have no skill: they do not count, and do not make the rest NaN."""
    copying = np.zeros(200)
    copying[:10] = 1
    assert metrics.skill_interval(0.6 * copying, copying) == pytest.approx((0.4, 0.4))
    assert np.isnan(metrics.skill_interval(0 * copying, 0 * copying)).all()
    with pytest.raises(ValueError, match=f"series of {len(copying)} and {len(copying) + 5} windows"):
        metrics.skill_interval(copying, np.ones(len(copying) + 5))


# --- the command


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """The forecast of a video as a phone makes it: upright by its metadata, with sound, frames at uneven times."""
    folder = tmp_path_factory.mktemp("video")
    lying = np.rot90(panned(60, side=48), axes=(1, 2))[:, :, :32]
    clips.write_clip(folder / "lying.avi", lying, fps=30)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-noautorotate", "-display_rotation", "90"]
    sources = ["-i", folder / "lying.avi", "-f", "lavfi", "-i", "sine=duration=2"]
    # intervals of 43, 43 and 13 ms, which take a finer clock than that of a video of 30 frames per second
    times = ["-vf", "settb=1/90000,setpts='PTS+0.01*mod(N,3)/TB'", "-enc_time_base", "1:90000", "-fps_mode", "vfr"]
    uneven = [*times, "-crf", "10"]
    subprocess.run([*ffmpeg, *sources, *uneven, folder / "phone.mp4"], check=True)
    report = forecast_video(folder / "phone.mp4", folder / "out", minutes=0, horizon=3, progress=False)
    return folder, report


def test_everything_is_written(forecast):
    folder, report = forecast
    assert {file.name for file in (folder / "out").iterdir()} == FILES
    assert not (folder / "out.partial").exists()
    assert json.loads((folder / "out" / "report.json").read_text()) == report


def test_the_report_says_what_was_measured(forecast):
    _, report = forecast
    assert {"frames", "size", "scene_cuts", "chosen", "test", "seconds", "milliseconds_per_forecast"} <= set(report)
    assert report["frames"] == 60
    assert report["fps"] == pytest.approx(30, abs=0.5)
    assert {"copy_last", "half_extrapolation", "optical_flow", "network"} <= set(report["test"])
    for row in report["test"].values():
        assert set(row) == {"mse", "skill", "interval", "windows"}
        assert row["interval"][0] <= row["skill"] <= row["interval"][1]
        assert row["windows"] == 11
    assert report["test"]["copy_last"]["skill"] == 0
    assert report["chosen"] == min(report["validation"], key=report["validation"].get)
    assert report["test"][report["chosen"]]["skill"] > 0.5  # a pan is easy


def test_a_clip_that_ships_is_forecast_by_weights_that_never_saw_it(tmp_path, monkeypatch):
    """Known by its content, whatever its name; any other video gets the weights that saw all of them."""
    (tmp_path / "mine.mp4").write_bytes(example_path("tree").read_bytes())
    clips.write_clip(tmp_path / "tree.npy", panned(60))
    loaded, load = [], pretrained.load

    def watched(*arguments, **options):
        loaded.append(options["without"])
        return load(*arguments, **options)

    monkeypatch.setattr(pretrained, "load", watched)
    monkeypatch.setattr(contest, "planned_steps", lambda *_: 10)
    for name in ("mine.mp4", "tree.npy"):
        forecast_video(tmp_path / name, tmp_path / f"of {name}", size=32, minutes=0, horizon=1, progress=False)
        training_run.prepare(tmp_path / name, 32, None, seconds=1)
    assert loaded == ["tree", "tree", None, None]
    kept = {name: about for name, about in pretrained.read_index(pretrained.VIDEO_FOLDER).items() if "tree" not in name}
    monkeypatch.setattr(pretrained, "read_index", lambda folder: kept)
    assert shipped_as(tmp_path / "mine.mp4") is None  # a clip that came later was seen by no weights


def test_the_picture_of_the_report_says_whose_frame_is_which():
    """Of a still video with one jump, beside forecasts that are black, grey, and too bright by a tenth."""

    def shows(make):
        context = keras.Input((4, 32, 32, 1))
        return keras.Model(context, make(context[:, -1]))

    still = np.repeat((60 + texture(32, 32) // 2)[None], 16, axis=0)
    still[9:] = still[9:, ::-1]
    models = {
        "copy_last": shows(lambda last: 1.0 * last),
        "optical_flow": shows(lambda last: 0 * last + 0.5),
        "network": shows(lambda last: last + 0.1),
    }
    frames, telling = report.compare(SimpleNamespace(models=models), Split([], [], [still]), 1)
    assert telling == 9 - 4  # the only window whose last frame is not the next one
    zoom = report.PANEL // 32
    panels = [
        frames[2][report.LABEL :, at * (32 * zoom + report.GAP) :][: 32 * zoom : zoom, : 32 * zoom : zoom]
        for at in range(5)
    ]
    truth, copied, flow, network, error = (panel.astype(int) for panel in panels)
    assert np.array_equal(truth[..., 0], still[6])
    assert np.array_equal(copied, truth)
    assert (np.abs(flow - 128) <= 1).all()
    assert np.abs(network - truth - 25.5).max() <= 1
    assert (error[..., 0] > error[..., 2] + 50).all()  # too bright is red


def test_the_picture_stands_upright(forecast):
    folder, report = forecast
    assert report["size"] == [32, 48]
    upright = np.rot90(clips.read_clip(folder / "lying.avi")[-1]).astype(int)
    drawn = np.asarray(Image.open(folder / "out" / "next.png"))[..., 0]
    assert np.abs(drawn - upright).mean() < np.abs(drawn - np.rot90(upright, 2)).mean() / 3


def test_the_model_loads_after_import_nextframe_alone(forecast):
    """And forecasts the very picture that was written."""
    folder, _ = forecast
    code = f"""
import keras, nextframe, numpy as np
from nextframe import clips, windows
model = keras.saving.load_model({str(folder / "out" / "model.keras")!r})
last = windows.to_unit(clips.read_clip({str(folder / "phone.mp4")!r}))[None, -4:]
np.save({str(folder / "again.npy")!r}, np.rint(np.clip(model.predict(last, verbose=0)[0, ..., 0], 0, 1) * 255))
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    drawn = np.asarray(Image.open(folder / "out" / "next.png"))
    assert drawn.shape == (32, 48, 3)
    assert np.abs(drawn[..., 0] - np.load(folder / "again.npy")).max() <= 1


def test_the_videos_show_the_forecast_and_the_test_part(forecast):
    folder, _ = forecast
    assert len(clips.read_clip(folder / "out" / "forecast.mp4")) == 3
    assert len(clips.read_clip(folder / "out" / "comparison.mp4")) == 11
    assert clips.frame_rate(folder / "out" / "forecast.mp4") == pytest.approx(30, abs=0.5)
    page = (folder / "out" / "report.html").read_text()
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched
    assert page.count('<video src="data:video/mp4;base64,') == 2
    assert [float(fps) for fps in re.findall(r'data-fps="([\d.]+)"', page)] == pytest.approx([30, 30], abs=0.5)
    for count in (3, 11):
        assert f'<input type="range" min="0" max="{count - 1}"' in page  # controls below the frames, one for each video


def test_a_folder_that_exists_is_not_touched(forecast):
    folder, _ = forecast
    with pytest.raises(FileExistsError, match="choose another folder with out, or delete it"):
        forecast_video(folder / "phone.mp4", folder / "out", progress=False)


def test_a_run_that_was_killed_goes_on(tmp_path, monkeypatch, capsys, cut_off):
    clips.write_clip(tmp_path / "clip.npy", moving_digits(1, 60, digits=1, canvas=32, digit_size=16)[0])
    options = {"minutes": 0.05, "progress": False}
    monkeypatch.setattr(contest, "planned_steps", lambda *_: 20)
    whole = forecast_video(tmp_path / "clip.npy", tmp_path / "whole", **options)
    with cut_off(6):
        forecast_video(tmp_path / "clip.npy", tmp_path / "cut", **options)
    assert not (tmp_path / "cut").exists()
    monkeypatch.setattr(contest, "planned_steps", lambda *_: pytest.fail("planned again"))
    with pytest.raises(ValueError, match="the beginning of a run with another video or other arguments: delete it"):
        forecast_video(tmp_path / "clip.npy", tmp_path / "cut", seed=1, **options)
    again = forecast_video(tmp_path / "clip.npy", tmp_path / "cut", **options | {"progress": True})
    bar = capsys.readouterr().err
    assert re.search(r"training: +100%.* 20/20 .*validation 0\.\d+", bar)
    assert "0/20" not in bar.replace("20/20", "")  # the steps of before count
    assert again["test"] == whole["test"]
    assert again["validation"] == whole["validation"]
    assert not (tmp_path / "cut.partial").exists()


def test_a_clip_of_too_few_frames(tmp_path):
    clips.write_clip(tmp_path / "clip.npy", moving_digits(1, 3, digits=1, canvas=32, digit_size=16)[0])
    with pytest.raises(ValueError, match="3 frames"):
        forecast_video(tmp_path / "clip.npy", tmp_path / "out", minutes=0, progress=False)


def test_a_folder_that_was_not_begun_here_is_not_touched(tmp_path):
    clips.write_clip(tmp_path / "clip.npy", moving_digits(1, 60, digits=1, canvas=32, digit_size=16)[0])
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="out.partial holds files of another kind: choose another folder"):
        forecast_video(tmp_path / "clip.npy", tmp_path / "out", minutes=0, progress=False)
    assert (tmp_path / "out.partial" / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize("killed_while_writing", ["plan.json", "checkpoint.npz"])
def test_half_a_file_of_a_killed_process_is_no_obstacle_and_goes(killed_while_writing, tmp_path):
    clips.write_clip(tmp_path / "clip.npy", moving_digits(1, 60, digits=1, canvas=32, digit_size=16)[0])
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / f"{killed_while_writing}.1.unfinished").write_bytes(b"{")
    forecast_video(tmp_path / "clip.npy", tmp_path / "out", minutes=0, progress=False)
    assert not list((tmp_path / "out").glob("*.unfinished"))


def test_colour_is_forecast_channel_by_channel(tmp_path):
    """Red moves to the left, blue stands still after a cut, green is dark."""
    red, blue = panned(40), np.repeat(texture(32, 32, seed=5)[None], 40, axis=0)
    blue[:12] = 255 - blue[:12]
    np.save(tmp_path / "colour.npy", np.stack([red, np.zeros_like(red), blue], axis=-1))
    options = {"minutes": 0, "horizon": 1, "colour": True, "progress": False}
    assert forecast_video(tmp_path / "colour.npy", tmp_path / "out", **options)["scene_cuts"] == [12]
    drawn = np.asarray(Image.open(tmp_path / "out" / "next.png")).astype(int)
    truth = texture(32, 72)[:, 40:72].astype(int)
    assert np.abs(drawn[..., 0] - truth)[:, :24].mean() < 0.3 * np.abs(red[-1].astype(int) - truth)[:, :24].mean()
    assert drawn[..., 1].max() == 0
    np.testing.assert_allclose(drawn[..., 2], blue[-1], atol=1)


def test_a_field_is_scaled_by_the_range_that_is_given(tmp_path):
    field = panned(30).astype(np.float32) * (100 / 255) - 30  # −30 … 70, as radar has it
    np.save(tmp_path / "field.npy", field)
    assert np.array_equal(clips.read_clip(tmp_path / "field.npy", value_range=(-30, 70)), panned(30))
    with pytest.raises(ValueError, match="lower value first"):
        clips.read_clip(tmp_path / "field.npy", value_range=(70, -30))
    with pytest.raises(ValueError, match="needs numbers"):
        clips.read_clip(example_path("box"), value_range=(0, 1))


def read_strictly(path):
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_training_that_diverged_is_reported(tmp_path, monkeypatch):
    diverged = {"step": 1, "seconds": 1.0, "loss": float("nan"), "validation": float("inf")}
    monkeypatch.setattr(training, "fit", lambda *_, **__: [diverged])
    monkeypatch.setattr(contest, "planned_steps", lambda *_: 1)
    clips.write_clip(tmp_path / "panned.npy", panned(60))
    told = forecast_video(tmp_path / "panned.npy", tmp_path / "out", minutes=1, horizon=1, progress=False)
    report = read_strictly(tmp_path / "out" / "report.json")
    assert report == told
    assert report["training"] == [diverged | {"loss": None, "validation": None}]


def test_a_video_that_stands_still_at_its_end_has_no_skill(tmp_path):
    clip = panned(60)
    clip[40:] = clip[40]
    clips.write_clip(tmp_path / "still.npy", clip)
    forecast_video(tmp_path / "still.npy", tmp_path / "out", minutes=0, horizon=1, progress=False)
    report = read_strictly(tmp_path / "out" / "report.json")
    assert report["test"]["optical_flow"]["skill"] is None
    assert report["test"]["optical_flow"]["interval"] is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "cannot be judged: nothing moves there" in page
    assert "does worse" not in page


def test_a_last_scene_too_short_to_forecast_from(tmp_path):
    np.save(tmp_path / "cut.npy", np.concatenate([panned(40, seed=1), panned(3, seed=2)]))
    with pytest.raises(ValueError, match="the last scene begins at frame 40 of 43, and a forecast needs 4 frames"):
        forecast_video(tmp_path / "cut.npy", tmp_path / "out", progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.mp4", "--out", "new"], "no file or folder at"),
        (["clip.npy", "--out", "new", "--horizon", "0"], "horizon=0: expected a whole number"),
        (["clip.npy", "--out", "new", "--context", "3"], "context=3: expected a whole number, at least 4"),
        (["clip.npy", "--out", "new", "--minutes", "-1"], "minutes=-1.0: expected 0 or more"),
        (["clip.npy", "--out", "new", "--size", "8"], "expected at least 16×16: raise size"),
        (["deep.npy", "--out", "new"], "(here: --range LOW HIGH)"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    np.save("clip.npy", panned(40))
    np.save("deep.npy", 100 * panned(40).astype(np.uint16))
    with pytest.raises(SystemExit) as stopped:
        main(["forecast", *arguments])
    assert message in str(stopped.value)
    assert not Path("new").exists()


def test_a_size_that_is_no_size(capsys):
    with pytest.raises(SystemExit):
        main(["forecast", "clip.npy", "--out", "new", "--size", "big"])
    assert "such as 128, or height×width" in capsys.readouterr().err


def test_every_option_of_the_command_arrives(monkeypatch):
    asked = []
    monkeypatch.setattr("nextframe.video.forecast_video", lambda *given, **options: asked.append((given, options)))
    main(["forecast", "my.mp4", "--out", "new"])
    options = "--size 96x128 --fps 12.5 --context 6 --horizon 3 --minutes 0.5 --seed 7 --colour --range -30 70"
    main(["forecast", "my.npy", "--out", "new", *options.split()])
    main(["forecast", "my.mp4", "--out", "new", "--size", "64", "--no-training"])
    usual = {"size": None, "fps": None, "context": 4, "horizon": 10, "minutes": 2, "seed": 0, "colour": False}
    usual["value_range"] = None
    other = {"size": (96, 128), "fps": 12.5, "context": 6, "horizon": 3, "minutes": 0.5, "seed": 7, "colour": True}
    assert asked == [
        (("my.mp4", "new"), usual),
        (("my.npy", "new"), other | {"value_range": (-30, 70)}),
        (("my.mp4", "new"), usual | {"size": (64, 64), "minutes": 0}),
    ]
