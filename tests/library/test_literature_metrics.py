"""The literature's numbers, by its own definitions: written here from what they say, and compared with ours."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from nextframe import metrics
from nextframe.datasets.moving_digits import moving_digits
from nextframe.windows import to_unit

CLIPS, FRAMES, SIDE = 6, 10, 64


@pytest.fixture(scope="module")
def frames():
    """Ten frames of Moving MNIST each, and forecasts that are late, blurred, and stray out of 0..1 here and there."""
    video = to_unit(moving_digits(CLIPS, FRAMES + 1, split="test"))
    blurred = (video[:, :-1] + np.roll(video[:, :-1], 2, axis=2) + np.roll(video[:, :-1], 1, axis=3)) / 3
    fading = np.linspace(1.1, 0.6, FRAMES)[:, None, None, None]  # each frame of another error
    noise = 0.05 * np.random.default_rng(0).standard_normal(blurred.shape)
    forecast = (blurred * fading + noise).astype(np.float32)
    assert forecast.min() < -0.1
    assert forecast.max() > 1.1
    return video[:, 1:], forecast


def channels_first(frames):
    return frames.transpose(0, 1, 4, 2, 3)


def in_bytes(frames):
    """Clipped, and cut down to whole numbers, as a cast to bytes does."""
    return np.floor(np.minimum(np.maximum(frames, 0), 1) * 255).astype(np.uint8)


# ---- OpenSTL, and the tables for Moving MNIST since SimVP ----


def test_openstl_mse_and_mae(frames):
    """The mean over clips and frames of the sum over channels, rows and columns; of forecasts unclipped."""
    truth, forecast = (channels_first(each).astype(np.float64) for each in frames)
    squares, differences = [], []
    for clip in range(CLIPS):
        for time in range(FRAMES):
            difference = forecast[clip, time] - truth[clip, time]
            squares.append((difference**2).sum())
            differences.append(np.abs(difference).sum())
    theirs = sum(squares) / (CLIPS * FRAMES)
    assert metrics.mse(*frames, per="frame").mean() == pytest.approx(theirs, rel=1e-9)
    assert metrics.mae(*frames, per="frame").mean() == pytest.approx(sum(differences) / (CLIPS * FRAMES), rel=1e-9)
    scored = metrics.score(*frames, frames[0], clip=False)
    assert scored["MSE per frame"] == pytest.approx(theirs, rel=1e-9)
    assert scored["MSE"] * SIDE * SIDE == pytest.approx(theirs, rel=1e-9)  # such as 29.80, or 0.00728 a pixel
    clipped = metrics.score(*frames, frames[0], clip=True)
    assert clipped["MSE per frame"] < 0.99 * theirs  # so it matters which of both a table means


def test_openstl_psnr(frames):
    """Clipped to 0..1, against a peak of 1; one number a frame, and the mean of these."""
    truth, forecast = (channels_first(each).astype(np.float64) for each in frames)
    found = []
    for clip in range(CLIPS):
        for time in range(FRAMES):
            shown = np.minimum(np.maximum(forecast[clip, time], 0), 1)
            found.append(20 * np.log10(1 / np.sqrt(np.mean((shown - truth[clip, time]) ** 2))))
    theirs = np.mean(found)
    assert metrics.psnr(frames[0], metrics.clip_to_unit(frames[1])).mean() == pytest.approx(theirs, rel=1e-6)
    assert metrics.score(*frames, frames[0], clip=True)["PSNR"] == pytest.approx(theirs, rel=1e-6)
    of_the_mean = -10 * np.log10(metrics.mse(frames[0], metrics.clip_to_unit(frames[1])).mean())
    assert theirs > of_the_mean + 0.1  # another number, and never a higher one


def test_openstl_ssim(frames):
    """Clipped to 0..1, scikit-image's window of 7×7; one number a frame, and the mean of these.

    The range of the data is left to scikit-image there. For floats it took 2 until 2022, and now it refuses: only with
    the true range, which is 1, does the number mean what it says.
    """
    truth, forecast = frames[0].astype(np.float64), metrics.clip_to_unit(frames[1]).astype(np.float64)
    found = {data_range: [] for data_range in (1, 2)}
    for clip in range(CLIPS):
        for time in range(FRAMES):
            pair = forecast[clip, time], truth[clip, time]
            for data_range, values in found.items():
                values.append(structural_similarity(*pair, channel_axis=-1, data_range=data_range))
    theirs, inflated = np.mean(found[1]), np.mean(found[2])
    assert metrics.ssim(truth, forecast).mean() == pytest.approx(theirs, abs=1e-6)
    assert metrics.score(*frames, frames[0], clip=True)["SSIM"] == pytest.approx(theirs, abs=1e-6)
    assert inflated > theirs + 0.05


# ---- PredRNN and E3D-LSTM ----


def test_predrnn_mse(frames):
    """Clipped; summed over a frame's pixels, the mean over clips; a list over time, whose sum is "per sequence"."""
    truth, forecast = (each.astype(np.float64) for each in frames)
    shown = np.minimum(np.maximum(forecast, 0), 1)
    by_time = [
        sum(((truth[clip, time] - shown[clip, time]) ** 2).sum() for clip in range(CLIPS)) / CLIPS
        for time in range(FRAMES)
    ]
    ours = metrics.mse(frames[0], metrics.clip_to_unit(frames[1]), per="frame").mean(axis=0)
    np.testing.assert_allclose(ours, by_time, rtol=1e-6)
    assert ours.sum() == pytest.approx(sum(by_time), rel=1e-6)
    assert ours.sum() == pytest.approx(FRAMES * ours.mean())  # ten times the number of the other tables


def test_predrnn_ssim(frames):
    """Of bytes, whose range is 255: ours of the same bytes between 0 and 1."""
    truth, forecast = (in_bytes(each) for each in frames)
    theirs = [
        structural_similarity(forecast[clip, time, ..., 0], truth[clip, time, ..., 0], data_range=255)
        for clip in range(CLIPS)
        for time in range(FRAMES)
    ]
    np.testing.assert_allclose(metrics.ssim(truth / 255, forecast / 255).ravel(), theirs, atol=1e-9)


def test_e3d_lstm_psnr(frames):
    """Of bytes, subtracted as whole numbers with a sign, against a peak of 255."""
    truth, forecast = (in_bytes(each).astype(np.int32) for each in frames)
    theirs = [
        20 * np.log10(255) - 10 * np.log10(np.mean((forecast[clip, time] - truth[clip, time]) ** 2))
        for clip in range(CLIPS)
        for time in range(FRAMES)
    ]
    np.testing.assert_allclose(metrics.psnr(truth / 255, forecast / 255).ravel(), theirs, rtol=1e-9)


def test_psnr_of_bytes_that_wrap_is_another_number(frames):
    """What copies of that function do: a difference of bytes has no sign, and its square no room above 255."""
    truth, forecast = (in_bytes(each) for each in frames)
    with np.errstate(over="ignore"):
        wrapped = (forecast - truth) ** 2
    assert wrapped.dtype == np.uint8
    theirs = 20 * np.log10(255) - 10 * np.log10(wrapped.mean())
    assert theirs > metrics.psnr(truth / 255, forecast / 255).mean() + 5
    with pytest.raises(ValueError, match="expected floats in 0..1, since squares of bytes wrap around"):
        metrics.psnr(truth, forecast)
