"""Training the weights for real video: what is learned from, that a run goes on where it was cut off, what is kept."""

import json
import shutil
from multiprocessing.pool import ThreadPool

import keras
import moving_photographs
import numpy as np
import pytest
import train_video
import video_windows
from PIL import Image

from nextframe import pretrained
from nextframe.benchmark.tasks import BEFORE, read_real_clip
from nextframe.datasets.real_clips import EXAMPLES
from nextframe.layers.flow_proposals import PROPOSALS, flow_proposals
from nextframe.models import build

SMALL = {"filters": 4, "deep_filters": 4}
BATCH = {"photographs": 2, 64: 1, 128: 1}


def texture(seed: int = 0, side: int = 160) -> np.ndarray:
    """A smooth random picture, uint8."""
    rough = np.random.default_rng(seed).integers(0, 256, (side // 8, side // 8)).astype(np.uint8)
    return np.asarray(Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC))


def panned(side: int, count: int = 4) -> np.ndarray:
    """Windows over a texture that moves by two pixels a frame: uint8 `(count, 5, side, side)`."""
    return np.stack(
        [
            [texture(seed)[2 * time : 2 * time + side, seed : seed + side] for time in range(5)]
            for seed in range(1, count + 1)
        ]
    )


def straight(right: int, down: int):
    """A motion by whole pixels a frame, without turns."""

    def motion(random, speed, turning=0):
        return np.outer(np.arange(5), (right, down)), np.zeros(5), np.ones(5)

    return motion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a part of each kind, and small batches."""
    monkeypatch.setattr(video_windows, "BATCH", BATCH)
    for name, side in {"pan-64": 64, "pan-128": 128, "photographs-0": 64}.items():
        video_windows.make((tmp_path / f"{name}.npz", lambda side=side: panned(side)))
    return tmp_path


NAMES = ("pan-64", "pan-128", "photographs-0")


# --- photographs that move


def test_a_seed_draws_the_same_sequence_again():
    drawn = [
        moving_photographs.sequence(np.random.default_rng([0, seed]), [texture(), texture(1)], 32) for seed in (1, 1, 2)
    ]
    assert drawn[0].shape == (5, 32, 32)
    assert drawn[0].dtype == np.uint8
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_sequences_do_not_depend_on_how_they_are_parted(monkeypatch):
    monkeypatch.setattr(video_windows, "photographs", lambda: [texture()])
    monkeypatch.setattr(video_windows, "PART", 4)
    together = video_windows.sequences(0)
    monkeypatch.setattr(video_windows, "PART", 2)
    assert np.array_equal(together, np.concatenate([video_windows.sequences(0), video_windows.sequences(1)]))


def test_photographs_are_grey_and_small():
    pictures = moving_photographs.photographs()
    assert len(pictures) == len(moving_photographs.PHOTOGRAPHS) == 12
    assert {(picture.dtype.name, picture.ndim) for picture in pictures} == {("uint8", 2)}
    assert max(max(picture.shape) for picture in pictures) == 512


@pytest.mark.parametrize("seed", range(4))
def test_a_camera_moves_the_picture_as_its_motion_says(monkeypatch, seed):
    monkeypatch.setattr(moving_photographs, "motion", straight(2, 1))
    frames = moving_photographs.camera(np.random.default_rng(seed), texture(), 32)
    np.testing.assert_allclose(frames[1:, 1:, 2:], frames[:-1, :-1, :-2], atol=6)  # OpenCV rounds to 1/32 pixel
    assert np.abs(frames[1:] - frames[:-1]).mean() > 1


def test_a_cut_out_hides_what_it_passes(monkeypatch):
    monkeypatch.setattr(moving_photographs, "motion", straight(3, 0))
    random = np.random.default_rng(5)
    frames = moving_photographs.cut_out(random, np.zeros((5, 32, 32), np.float32), np.full((160, 160), 200, np.uint8))
    hidden = frames > 100
    assert 0 < hidden[0].mean() < 0.9
    assert np.array_equal(hidden[1:, :, 6:-6], hidden[:-1, :, 3:-9])
    assert np.isin(frames[:, hidden.any(axis=0) == 0], [0.0]).mean() > 0.5  # all else stays as it was


def test_speeds_are_what_is_asked_for():
    random = np.random.default_rng(0)
    courses = np.stack([moving_photographs.course(random, 2.0) for _ in range(1000)])
    assert not courses[:, 0].any()
    assert courses[:, 1].std() == pytest.approx(2, rel=0.1)
    assert np.diff(courses, n=2).std() == pytest.approx(0.3, rel=0.1)
    shifts, turns, zooms = map(
        np.stack, zip(*(moving_photographs.motion(random, 2.0) for _ in range(1000)), strict=True)
    )
    assert shifts.shape == (1000, 5, 2)
    np.testing.assert_allclose(shifts[:, 1].std(axis=0), 2, rtol=0.1)
    assert turns[:, 1].std() == pytest.approx(2 * 0.6, rel=0.1)
    assert np.log(zooms[:, 1]).std() == pytest.approx(2 * 0.006, rel=0.1)


def test_cameras_add_light_noise_and_blocks():
    grey = np.full((5, 32, 32), 100, np.float32)
    for change in (moving_photographs.light, moving_photographs.noise):
        changed = [change(np.random.default_rng(seed), grey) for seed in range(20)]
        assert any(np.ptp(each) > 1 for each in changed)
    compressed = [moving_photographs.compression(np.random.default_rng(seed), panned(32)[0]) for seed in range(20)]
    assert 2 < sum(not np.array_equal(each, panned(32)[0]) for each in compressed) < 15
    assert {each.dtype.name for each in compressed} == {"uint8"}


# --- windows


def test_no_window_crosses_a_cut():
    windows = video_windows.clip_windows("city", 64, 2)
    assert windows.shape == (2 * (116 - 8 + 190 - 116 - 8), 5, 64, 64)
    forwards, backwards = np.split(windows, 2)
    assert np.array_equal(forwards, backwards[:, ::-1])
    assert np.array_equal(forwards[0], read_real_clip("city", 64)[:9:2])


def test_the_tree_ends_before_the_hand():
    assert len(video_windows.clip_windows("tree", 64, 1)) == 2 * (BEFORE["tree"] - 4)


def test_every_clip_is_in_six_parts():
    wanted = video_windows.parts(["tree", "bunny"], video_windows.PART + 1)
    assert len(wanted) == 2 * 6 + 2
    assert wanted["bunny-128-3"]().shape[1:] == (5, 128, 128)


def test_preparing_goes_on_where_it_was_cut_off(tmp_path):
    made = []

    def drawn(name, fails=False):
        def draw():
            if fails:
                raise OSError("the disk is full")
            made.append(name)
            return panned(64, 1)

        return draw

    with ThreadPool(1) as pool:
        with pytest.raises(OSError, match="full"):
            video_windows.prepare({"one": drawn("one"), "two": drawn("two", fails=True)}, tmp_path, pool)
        assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]
        video_windows.prepare({"one": drawn("one"), "two": drawn("two")}, tmp_path, pool)
    assert made == ["one", "two"]
    with np.load(tmp_path / "two.npz") as part:
        expected = flow_proposals(part["frames"][0, :4] / np.float32(255))
        assert part["proposals"].shape == (1, len(PROPOSALS), 64, 64)
        np.testing.assert_allclose(part["proposals"][0], expected, atol=1e-3)


# --- batches


def test_copying_costs_one_in_every_clip(folder):
    part = video_windows.load_part(folder / "pan-64.npz")
    errors = np.square((part.frames[:, 4].astype(float) - part.frames[:, 3]) / 255).mean(axis=(1, 2))
    assert part.chances.sum() == pytest.approx(1)
    counts = part.chances * part.weights  # alike for all: being drawn more often is made up for
    np.testing.assert_allclose(counts, 1 / errors.sum())
    assert np.array_equal(np.argsort(part.chances), np.argsort(errors))


def test_any_batch_can_be_drawn_again(folder):
    whole, rest = video_windows.Draws(folder, NAMES, seed=3), video_windows.Draws(folder, NAMES, first=2, seed=3)
    (seen, proposals), target, weights = whole[2]
    assert seen.shape == (4, 4, 64, 64, 1)
    assert proposals.shape == (4, len(PROPOSALS), 64, 64, 1)
    assert target.shape == (4, 64, 64, 1)
    assert weights.shape == (4,)
    assert {each.dtype.name for each in (seen, proposals, target, weights)} == {"float32"}
    same = keras.tree.map_structure(np.array_equal, whole[2], rest[0])
    assert all(keras.tree.flatten(same))
    assert not np.array_equal(whole[1][1], target)
    assert not np.array_equal(video_windows.Draws(folder, NAMES, seed=4)[2][1], target)


def test_frames_and_proposals_are_cropped_and_turned_alike(folder):
    drawn = video_windows.Draws(folder, NAMES)
    for part in sum(drawn.parts.values(), []):
        part.proposals[:] = (part.frames[:, 4] / 255).astype(np.float16)[:, None]
    kinds = set()
    for number in range(8):
        (_, proposals), target, _ = drawn[number]
        np.testing.assert_allclose(proposals, np.repeat(target[:, None], len(PROPOSALS), axis=1), atol=1e-3)
        kinds |= {each.tobytes() for each in target}
    assert len(kinds) > 20  # of four windows


def test_turning_is_all_it_does():
    pixels = np.random.default_rng(0).random((2, 8, 8))
    turned = [video_windows.turned(np.random.default_rng(seed), pixels) for seed in range(100)]
    assert len({each.tobytes() for each in turned}) == 16
    values = {each.round(9).tobytes() for each in (np.sort(pixels.ravel()), np.sort(1 - pixels.ravel()))}
    assert {np.sort(each.ravel()).round(9).tobytes() for each in turned} == values


# --- training


def test_given_proposals_it_is_the_network_itself():
    network = pretrained.load("flow_unet")
    seen = np.ascontiguousarray(panned(64)[:, :4, ..., None] / np.float32(255))
    proposals = np.stack([flow_proposals(each[..., 0]) for each in seen])[..., None]
    forecast = network.predict_on_batch(seen)
    given = train_video.given_proposals(network).predict_on_batch((seen, proposals))
    np.testing.assert_allclose(given, forecast, atol=1e-5)
    assert np.abs(forecast - seen[:, -1]).mean() > 1e-3


def test_one_wild_window_does_not_decide():
    errors = np.array([0.5, 8, 8 + np.e - 1, 1e6])
    np.testing.assert_allclose(train_video.bounded(errors), [0.5, 8, 9, 8 + np.log1p(1e6 - 8)], rtol=1e-5)
    model = train_video.given_proposals(build("flow_unet", train_video.SHAPE, **SMALL))
    target, forecast = np.zeros((2, 64, 64, 1), np.float32), np.ones((2, 64, 64, 1), np.float32)
    loss = model.compute_loss(None, target, forecast, np.array([0.5, 7 + np.e], np.float32))
    assert float(loss) == pytest.approx((0.5 + 9) / 2, rel=1e-5)


def test_a_run_that_was_cut_off_ends_with_the_same_weights(folder, monkeypatch):
    def train(name):
        return train_video.train(folder, NAMES, folder / name, steps=24, every=12, **SMALL).get_weights()

    def loss(network):
        model = train_video.given_proposals(network)
        batches = [video_windows.Draws(folder, NAMES, first=1000)[number] for number in range(4)]
        return np.mean([model.compute_loss(x, y, model(x), weight) for x, y, weight in batches])

    callback = keras.callbacks.LambdaCallback

    def keep_what_is_left(on_epoch_end):
        """Keep what a run that is killed in its second round leaves behind."""

        def end(epoch, logs):
            on_epoch_end(epoch, logs)
            if epoch == 0:
                shutil.copy(folder / "whole.weights.h5", folder / "cut.weights.h5")

        return callback(on_epoch_end=end)

    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks, "LambdaCallback", keep_what_is_left)
        whole = train("whole.weights.h5")
    for ours, theirs in zip(train("cut.weights.h5"), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)

    keras.utils.set_random_seed(0)
    network = build("flow_unet", train_video.SHAPE, **SMALL)
    untrained = loss(network)
    train_video.given_proposals(network).load_weights(folder / "whole.weights.h5")
    assert any(not np.array_equal(*pair) for pair in zip(network.get_weights(), whole, strict=True)), "no average"
    network.set_weights(whole)
    assert loss(network) < 0.95 * untrained
    assert {path.name for path in folder.glob("*.h5")} == {"whole.weights.h5", "cut.weights.h5"}


# --- what is kept


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder in the place of the package's, with an index of other weights; nothing is prepared or trained."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "index.json").write_text('{"models": {"other": {"model": "other"}}}')
    monkeypatch.setattr(pretrained, "VIDEO_FOLDER", shipped)
    monkeypatch.setattr(train_video, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(train_video, "prepare", lambda *arguments: None)
    monkeypatch.setattr(train_video, "flow_ratio", lambda network, name: 0.5)
    return shipped


def test_a_clip_that_is_left_out_is_in_no_window(shipped, monkeypatch):
    learned = {}

    def train(folder, names, checkpoint, steps, seed):
        learned[checkpoint.name.partition("-20000-")[0]] = set(names)
        return build("flow_unet", train_video.SHAPE)

    monkeypatch.setattr(train_video, "train", train)
    train_video.main(["--ship", "--without", "heart", "tree"])
    train_video.main(["--ship"])
    for name, without in {
        "flow_unet-without-heart": "heart",
        "flow_unet-without-tree": "tree",
        "flow_unet": "",
    }.items():
        clips = {part.partition("-")[0] for part in learned[name]}
        assert clips == {"photographs", *EXAMPLES} - {without}
        trained_on = pretrained.read_index(shipped)[name]["trained_on"]
        assert trained_on == [clip for clip in EXAMPLES if clip != without] + ["photographs that move"]


def test_what_is_kept_can_be_loaded(shipped):
    network = build("flow_unet", train_video.SHAPE, filters=8)
    train_video.keep(network, "heart", shipped, filters=8)
    assert set(pretrained.read_index(shipped)) == {"other", "flow_unet-without-heart"}
    (shipped / "index.json").write_text(
        json.dumps({"models": pretrained.read_index(shipped) | {"flow_unet": {"model": "flow_unet"}}})
    )
    loaded = pretrained.load("flow_unet", without="heart")
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_weights_that_ship_are_not_replaced_unasked(shipped, monkeypatch, capsys):
    monkeypatch.setattr(train_video, "train", lambda *arguments, **options: build("flow_unet", train_video.SHAPE))
    with pytest.raises(SystemExit):
        train_video.main(["--out", str(shipped)])
    assert "say --ship to replace them" in capsys.readouterr().err
    train_video.main([])
    assert [path.name for path in shipped.iterdir()] == ["index.json"]
    assert set(pretrained.read_index(shipped)) == {"other"}


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    network = build("flow_unet", train_video.SHAPE, **SMALL)
    network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
    with pytest.raises(ValueError, match="not finite"):
        train_video.keep(network, None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_without_flow_learns_from_frames_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(video_windows, "BATCH", BATCH)
    for name, side in {"pan-64": 64, "pan-128": 128, "photographs-0": 64}.items():
        video_windows.make((tmp_path / f"{name}.npz", lambda side=side: panned(side)), kinds=())
    (seen, proposals), _, _ = video_windows.Draws(tmp_path, NAMES)[0]
    assert seen.shape == (4, 4, 64, 64, 1)
    assert proposals.shape == (4, 0, 64, 64, 1)
    network = train_video.train(tmp_path, NAMES, tmp_path / "run.weights.h5", 2, every=2, proposals=(), **SMALL)
    assert network.name == "flow_unet"
    assert np.isfinite(np.concatenate([weights.ravel() for weights in network.get_weights()])).all()
