"""Windows as views, splits in time, and the dataset that Keras is fed from."""

import warnings

import numpy as np
import psutil
import pytest

from nextframe import clips, scenes, windows
from nextframe.datasets.moving_digits import moving_digits
from nextframe.datasets.real_clips import example_path
from nextframe.models import build


@pytest.fixture
def clip():
    return np.random.default_rng(0).integers(0, 256, (50, 6, 8), dtype=np.uint8)


@pytest.mark.parametrize("context", [1, 4])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("stride", [1, 5])
@pytest.mark.parametrize("frame_step", [1, 2])
def test_windows_hold_the_right_frames(clip, context, horizon, stride, frame_step):
    contexts, targets = windows.sliding_windows(clip, context, horizon, stride, frame_step)
    starts = range(0, len(clip) - (context + horizon - 1) * frame_step, stride)
    assert len(contexts) == len(targets) == len(starts)
    for row, start in enumerate(starts):
        numbers = start + frame_step * np.arange(context + horizon)
        assert np.array_equal(contexts[row], clip[numbers[:context]])
        assert np.array_equal(targets[row], clip[numbers[context:]])


def test_windows_are_views_that_cannot_be_written(clip):
    contexts, targets = windows.sliding_windows(clip, 4)
    assert np.shares_memory(contexts, clip)
    assert np.shares_memory(targets, clip)
    assert not contexts.flags.writeable


def test_reversing_the_clip_reverses_the_windows(clip):
    contexts, targets = windows.sliding_windows(clip, 3, horizon=2)
    frames = np.concatenate([contexts, targets], axis=1)
    backward = np.concatenate(windows.sliding_windows(clip[::-1], 3, horizon=2), axis=1)
    assert np.array_equal(frames[::-1, ::-1], backward)


def test_shortest_possible_clip(clip):
    contexts, targets = windows.sliding_windows(clip[:5], 4)
    assert (contexts.shape, targets.shape) == ((1, 4, 6, 8), (1, 1, 6, 8))


def test_split_is_complete_and_in_order(clip):
    parts = windows.chronological_split(clip, 0.6, 0.2)
    assert [len(part) for part in parts] == [30, 10, 10]
    assert np.array_equal(np.concatenate(parts), clip)
    assert all(np.shares_memory(part, clip) for part in parts)
    assert [len(part) for part in windows.chronological_split(np.zeros((100, 4, 4), np.uint8))] == [70, 15, 15]


def test_to_unit():
    frames = windows.to_unit(np.array([[[0, 51, 255]]], np.uint8))
    assert frames.dtype == np.float32
    assert frames.shape == (1, 1, 3, 1)
    np.testing.assert_allclose(frames.ravel(), [0, 0.2, 1])


@pytest.mark.parametrize("horizon", [1, 3])
def test_dataset_gives_the_same_windows(clip, horizon):
    dataset = windows.window_dataset(clip, 4, horizon, stride=2, frame_step=2, batch_size=7)
    contexts, targets = windows.sliding_windows(clip, 4, horizon, stride=2, frame_step=2)
    batches = [(context.numpy(), target.numpy()) for context, target in dataset]
    assert len(batches) == len(dataset)
    assert batches[0][0].dtype == np.float32
    seen, ahead = (np.concatenate(part) for part in zip(*batches, strict=True))
    np.testing.assert_allclose(seen, windows.to_unit(contexts), atol=1e-7)
    expected = windows.to_unit(targets[:, 0] if horizon == 1 else targets)
    np.testing.assert_allclose(ahead, expected, atol=1e-7)


def test_dataset_states_its_shapes(clip):
    context, target = windows.window_dataset(clip, 4).element_spec
    assert context.shape.as_list() == [None, 4, 6, 8, 1]
    assert target.shape.as_list() == [None, 6, 8, 1]


def test_no_window_crosses_from_clip_to_clip(clip):
    several = np.stack([clip[:20], clip[20:40]])
    dataset = windows.window_dataset(several, 4, batch_size=100)
    ((seen, _),) = dataset
    expected = np.concatenate([windows.sliding_windows(one, 4)[0] for one in several])
    np.testing.assert_allclose(seen.numpy(), windows.to_unit(expected), atol=1e-7)
    unequal = windows.window_dataset([clip[:20], clip[20:29]], 4, batch_size=100)
    assert len(next(iter(unequal))[0]) == 16 + 5


def test_shuffling_is_seeded_and_new_in_every_epoch(clip):
    def order(dataset):
        return [target.numpy().tobytes() for _, target in dataset]

    def shuffled(seed):
        return windows.window_dataset(clip, 4, batch_size=1, shuffle=True, seed=seed)

    dataset = shuffled(1)
    first, second = order(dataset), order(dataset)
    in_time = order(windows.window_dataset(clip, 4, batch_size=1))
    assert first != in_time
    assert first != second
    assert sorted(first) == sorted(second) == sorted(in_time)
    again = shuffled(1)
    assert [order(again), order(again)] == [first, second]
    assert order(shuffled(2)) != first


def test_no_thread_that_sleeps_keeps_an_iterator_alive(clip):
    """TensorFlow's autotuning does: whoever ends such a pass waits until it wakes, for up to a minute."""
    dataset = windows.window_dataset(clip, 4, shuffle=True)
    for each in (dataset, windows.endless(dataset)):
        assert each.options().autotune.enabled is False


def test_any_window_may_come_early():
    """The whole clip is shuffled, and not a part of it that slides along."""
    clip = np.arange(240, dtype=np.uint8).reshape(240, 1, 1)
    for dataset in (
        windows.window_dataset(clip, 1, batch_size=60, shuffle=True),
        windows.labelled_dataset(clip[:, None], np.arange(240), batch_size=60, shuffle=True),
    ):
        first, *_, last = (np.rint(seen.numpy().ravel() * 255) for seen, _ in dataset)
        assert first.max() > 215
        assert last.min() < 24


def test_memory_is_bounded_by_the_clip():
    """100,000 frames of 64×64: 410 MB of clip, 16 GB of windows."""
    clip = np.ones((100_000, 64, 64), np.uint8)
    next(iter(windows.window_dataset(clip[:100], 10)))  # TensorFlow's own start-up
    process = psutil.Process()
    before = process.memory_info().rss
    peak = 0
    for number, _ in enumerate(windows.window_dataset(clip, 10, shuffle=True)):
        if number % 50 == 0:
            peak = max(peak, process.memory_info().rss)
        if number == 1000:
            break
    assert peak - before < 2 * clip.nbytes


# ---- bad input ----


@pytest.mark.parametrize("name", ["context", "horizon", "stride", "frame_step", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, 2.0])
def test_numbers_below_one(clip, name, value):
    with pytest.raises(ValueError, match=f"{name}={value}: expected a whole number, at least 1"):
        windows.window_dataset(clip, **{"context": 4, name: value})


def test_clip_shorter_than_a_window(clip):
    with pytest.raises(ValueError, match="clip has 8 frames") as caught:
        windows.sliding_windows(clip[:8], 10)
    assert "need at least 11: lower them or use a longer clip" in str(caught.value)


@pytest.mark.parametrize(("train", "validation"), [(0.9, 0.2), (0.5, 0.5), (0, 0.5), (0.5, -0.1), (1.2, 0.1)])
def test_split_fractions_out_of_range(clip, train, validation):
    with pytest.raises(ValueError, match=f"train={train} and validation={validation} sum to") as caught:
        windows.chronological_split(clip, train, validation)
    assert "leave a rest for the test" in str(caught.value)


def test_split_that_leaves_a_part_empty(clip):
    with pytest.raises(ValueError, match="test gets none of the clip's 5 frames: raise its share"):
        windows.chronological_split(clip[:5], 0.9, 0.05)


def test_clips_of_different_sizes(clip):
    with pytest.raises(ValueError, match="different sizes, .*: read them with one size"):
        windows.window_dataset([clip, clip[:, :5]], 4)
    with pytest.raises(ValueError, match="clips is empty"):
        windows.window_dataset([], 4)


def test_floats_to_unit():
    with pytest.raises(ValueError, match="dtype float64; expected uint8"):
        windows.to_unit(np.zeros((2, 4, 4)))


@pytest.mark.parametrize("function", [windows.sliding_windows, windows.window_dataset])
def test_colour_is_refused(function):
    with pytest.raises(ValueError, match="in colour"):
        function(np.zeros((20, 8, 8, 3), np.uint8), 4)


@pytest.mark.parametrize("frame_step", [1, 2])
def test_targets_of_every_step_are_the_next_frames(clip, frame_step):
    dataset = windows.window_dataset(clip, 4, frame_step=frame_step, batch_size=8, sequence_targets=True)
    contexts, targets = (np.concatenate(part) for part in zip(*dataset.as_numpy_iterator(), strict=True))
    expected, last = windows.sliding_windows(clip, 4, frame_step=frame_step)
    np.testing.assert_allclose(contexts, windows.to_unit(expected), atol=1e-7)
    assert np.array_equal(targets[:, :-1], contexts[:, 1:])
    np.testing.assert_allclose(targets[:, -1:], windows.to_unit(last), atol=1e-7)


def test_every_step_has_one_frame_ahead(clip):
    with pytest.raises(ValueError, match="horizon=2 with sequence_targets=True: each step forecasts one frame"):
        windows.window_dataset(clip, 4, horizon=2, sequence_targets=True)


def test_labelled_clips_and_features():
    clips = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)
    labels = np.arange(5)
    for inputs, expected in ((clips, windows.to_unit(clips)), (clips / np.float32(2), clips / np.float32(2))):
        batches = list(windows.labelled_dataset(inputs, labels, batch_size=2))
        assert [len(given) for given, _ in batches] == [2, 2, 1]
        np.testing.assert_allclose(np.concatenate([given for given, _ in batches]), expected, atol=1e-6)
        assert np.concatenate([label for _, label in batches]).tolist() == labels.tolist()


def test_labelled_clips_are_shuffled_with_their_labels():
    inputs = np.arange(20, dtype=np.float32)
    dataset = windows.labelled_dataset(inputs, np.arange(20), shuffle=True)
    ((one, labels),) = list(dataset)
    ((other, _),) = list(dataset)
    assert np.array_equal(one, labels)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, inputs)


@pytest.mark.parametrize(("inputs", "labels"), [(3, 2), (0, 0)])
def test_one_label_for_each_input(inputs, labels):
    with pytest.raises(ValueError, match=f"{inputs} inputs and {labels} labels"):
        windows.labelled_dataset(np.zeros((inputs, 2), np.float32), np.zeros(labels, int))
    with pytest.raises(ValueError, match="batch_size=0: expected a whole number, at least 1"):
        windows.labelled_dataset(np.zeros((3, 2), np.float32), np.zeros(3, int), batch_size=0)


def test_the_file_of_moving_mnist_has_time_first():
    stored = np.random.default_rng(0).integers(0, 256, (4, 80, 6, 8), dtype=np.uint8)
    stored[1:] = stored[0]  # nothing moves: the second axis holds what differs
    with pytest.raises(ValueError, match=r"\(4, 80, 6, 8\) looks like 80 clips of 4 frames.*\.swapaxes\(0, 1\)"):
        windows.window_dataset(stored, 3)
    seen, _ = next(iter(windows.window_dataset(stored.swapaxes(0, 1), 3, batch_size=80)))
    assert np.array_equal(np.rint(np.asarray(seen)[..., 0] * 255), stored.swapaxes(0, 1)[:, :3])


@pytest.mark.parametrize("count", [60, 400])
def test_some_of_moving_mnist_has_time_first_too(count, tmp_path):
    """Whatever is called with it: windows of such an array would run across clips."""
    digits = moving_digits(count, 20, canvas=32, digit_size=14)
    first = digits.swapaxes(0, 1)
    np.save(tmp_path / "first.npy", first)
    for refuses in (
        lambda: windows.window_dataset(first, 4),
        lambda: windows.sliding_windows(first, 4),
        lambda: windows.chronological_split(first),
        lambda: clips.read_clip(tmp_path / "first.npy"),
        lambda: clips.check_clip(first[..., None]),
    ):
        with pytest.raises(ValueError, match=rf"\(20, {count}, 32, 32.* {count} clips of 20 frames.*swapaxes\(0, 1\)"):
            refuses()
    assert len(clips.check_clips(first.swapaxes(0, 1))) == count
    assert len(clips.check_clips(np.stack([digits[0].repeat(2, axis=0)] * 3))) == 3  # of one clip, repeated


@pytest.mark.parametrize("axes", [4, 5])
def test_an_array_of_one_clip_is_that_clip(clip, axes):
    one = clip[None] if axes == 4 else clip[None, ..., None]
    assert np.array_equal(clips.check_clip(one), clip)
    assert np.array_equal(windows.sliding_windows(one, 4)[0], windows.sliding_windows(clip, 4)[0])


def test_clips_with_an_axis_of_channels():
    several = np.random.default_rng(0).integers(0, 256, (3, 10, 6, 8, 1), dtype=np.uint8)
    with_axis, without = (windows.window_dataset(each, 4, batch_size=99) for each in (several, several[..., 0]))
    for ours, plain in zip(next(iter(with_axis)), next(iter(without)), strict=True):
        assert np.array_equal(ours, plain)


@pytest.mark.parametrize(("options", "axes"), [({}, 2), ({"horizon": 2}, 3), ({"sequence_targets": True}, 3)])
def test_a_weight_goes_with_each_window_of_its_clip(clip, options, axes):
    dataset = windows.window_dataset([clip[:9], clip[9:20]], 4, batch_size=100, weights=[0.5, 3], **options)
    plain = windows.window_dataset([clip[:9], clip[9:20]], 4, batch_size=100, **options)
    ((context, target, weight),), ((same, ahead),) = list(dataset), list(plain)
    assert np.array_equal(context, same)
    assert np.array_equal(target, ahead)
    first = 9 - 4 - options.get("horizon", 1) + 1
    assert weight.shape == (len(context), *axes * [1])
    assert np.array_equal(np.ravel(weight), [0.5] * first + [3] * (len(context) - first))


def test_a_weight_counts_in_the_loss(clip):
    """Keras divides by the number of errors, and not by the sum of their weights."""
    pair = [clip[:10], clip[10:20]]
    model = build("copy_last", (4, *clip.shape[1:], 1))
    model.compile(loss="mse")
    alone = [model.evaluate(windows.window_dataset(each, 4), verbose=0) for each in pair]
    both = model.evaluate(windows.window_dataset(pair, 4, weights=[1 / each for each in alone]), verbose=0)
    assert both == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("weights", [[1], [1, 2, 3]])
def test_not_one_weight_for_each_clip(clip, weights):
    with pytest.raises(ValueError, match=f"{len(weights)} weights for 2 clips: expected one for each"):
        windows.window_dataset([clip[:20], clip[20:40]], 4, weights=weights)


@pytest.mark.parametrize("cut", [windows.chronological_split, lambda clip: windows.window_dataset(clip, 4)])
def test_windows_across_scene_cuts_are_told_of(cut):
    """And what the message advises ends them."""
    city = clips.read_clip(example_path("city"), size=32)
    with pytest.warns(UserWarning, match=r"scene cuts, before frames 116: .*split_scenes\(clip, ") as caught:
        cut(city)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in vars(scenes.split_scenes(city, scenes.scene_cuts(city), 4)).values():
            windows.window_dataset(part, 4)
        cut(city[:116])
        cut(city[116:])
