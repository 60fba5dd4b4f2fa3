"""Metrics, checked against scikit-image and TensorFlow, and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from nextframe import metrics


@pytest.fixture
def frames():
    """Truths and forecasts `(5, 24, 30, 1)`: one noisy, one black, one flat, one sparse, one perfect."""
    rng = np.random.default_rng(0)
    truth = rng.random((5, 24, 30, 1)).astype(np.float32)
    forecast = np.clip(truth + 0.2 * rng.standard_normal(truth.shape), 0, 1).astype(np.float32)
    forecast[1] = 0
    truth[2], forecast[2] = 0.5, 0.75
    truth[3, :20] = forecast[3, :20] = 0
    forecast[4] = truth[4]
    return truth, forecast


def test_mse_and_mae_by_hand():
    truth = np.zeros((2, 1, 2, 1))
    forecast = np.array([[[[0.5], [-0.5]]], [[[1.0], [0.0]]]])
    np.testing.assert_allclose(metrics.mse(truth, forecast), [0.25, 0.5])
    np.testing.assert_allclose(metrics.mae(truth, forecast), [0.5, 0.5])
    np.testing.assert_allclose(metrics.mse(truth, forecast, per="frame"), [0.5, 1.0])


def test_psnr_equals_scikit_image_and_tensorflow(frames):
    truth, forecast = (part[:4] for part in frames)
    values = metrics.psnr(truth, forecast)
    pairs = list(zip(truth.astype(float), forecast.astype(float), strict=True))
    np.testing.assert_allclose(values, [peak_signal_noise_ratio(*pair, data_range=1) for pair in pairs], atol=1e-6)
    np.testing.assert_allclose(
        values, tf.image.psnr(*(part.astype(float) for part in (truth, forecast)), 1.0), rtol=1e-6
    )


def test_ssim_equals_scikit_image(frames):
    truth, forecast = frames
    expected = [
        structural_similarity(one[..., 0].astype(float), other[..., 0].astype(float), data_range=1)
        for one, other in zip(truth, forecast, strict=True)
    ]
    np.testing.assert_allclose(metrics.ssim(truth, forecast), expected, atol=1e-6)


def test_identical_frames(frames):
    truth, _ = frames
    assert (metrics.psnr(truth, truth) == np.inf).all()  # and no warning: warnings are errors here
    np.testing.assert_allclose(metrics.ssim(truth, truth), 1)


def test_one_value_a_frame_whatever_the_leading_axes(frames):
    truth, forecast = (part.reshape(5, 1, 24, 30, 1) for part in frames)
    for of_frames in (metrics.sharpness, metrics.energy):
        assert (of_frames(truth).shape, of_frames(truth).dtype) == ((5, 1), np.float64)
    for metric in (metrics.mse, metrics.mae, metrics.psnr, metrics.ssim):
        assert (metric(truth, forecast).shape, metric(truth, forecast).dtype) == ((5, 1), np.float64)
        assert metric(truth[0, 0], forecast[0, 0]).shape == ()
    assert metrics.mse(truth, forecast, per="frame") == pytest.approx(24 * 30 * metrics.mse(truth, forecast))


def test_psnr_of_a_video_is_the_mean_over_frames(frames):
    truth, forecast = (part[:4] for part in frames)
    pooled = -10 * np.log10(metrics.mse(truth, forecast).mean())
    assert metrics.psnr(truth, forecast).mean() > pooled


def test_skill(frames):
    truth, last_frame = frames
    assert metrics.skill(truth, truth, last_frame) == 1
    assert metrics.skill(truth, last_frame, last_frame) == 0
    assert metrics.skill(truth, truth + 2 * (last_frame - truth), last_frame) == pytest.approx(-3, rel=1e-5)
    assert np.isnan(metrics.skill(truth, last_frame, truth))


def test_sharpness_and_energy_by_hand():
    stripes = np.zeros((2, 4, 4, 1))
    stripes[:, :, ::2] = [[[[0.5]]], [[[1.0]]]]
    assert metrics.sharpness(stripes).tolist() == [0.25, 0.5]  # every step to the right, none down
    assert metrics.energy(stripes).tolist() == [0.125, 0.5]


def test_blur_takes_sharpness_and_leaves_less_energy(frames):
    truth, _ = frames
    blurred = (truth + np.roll(truth, 1, axis=1) + np.roll(truth, 1, axis=2)) / 3
    assert (metrics.sharpness(blurred)[:2] < metrics.sharpness(truth)[:2]).all()
    assert (metrics.energy(blurred)[:2] < metrics.energy(truth)[:2]).all()


def test_clipping_is_explicit(frames):
    truth, last_frame = frames
    assert metrics.clip_to_unit(np.array([-0.5, 0.25, 1.5])).tolist() == [0, 0.25, 1]
    beyond = np.where(truth > 0.5, truth + 1, truth)
    assert metrics.mse(truth, beyond).max() > 0.1
    assert metrics.score(truth, beyond, last_frame, clip=False)["MSE"] == metrics.mse(truth, beyond).mean()
    clipped = metrics.score(truth, beyond, last_frame, clip=True)
    assert clipped["MSE"] == metrics.mse(truth, metrics.clip_to_unit(beyond)).mean()
    assert clipped["MSE per frame"] == pytest.approx(clipped["MSE"] * 24 * 30)
    assert list(clipped) == ["MSE", "MSE per frame", "MAE", "PSNR", "SSIM", "skill"]


@pytest.mark.parametrize("metric", [metrics.mse, metrics.mae, metrics.psnr, metrics.ssim])
@pytest.mark.parametrize(
    ("truth", "forecast", "named"),
    [
        (
            np.zeros((2, 8, 8, 1)),
            np.zeros((3, 8, 8, 1)),
            r"\(2, 8, 8, 1\), forecast \(3, 8, 8, 1\): pass frames of one",
        ),
        (np.zeros((2, 8, 8)), np.zeros((2, 8, 8)), r"\(2, 8, 8\); expected .*: add the channel axis"),
        (np.full((8, 8, 1), 200.0), np.zeros((8, 8, 1)), "truth has values 200 to 200; expected 0..1: divide by 255"),
        (np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1)), "truth has dtype uint8; expected floats.*to_unit"),
        (np.zeros((8, 8, 1)), np.zeros((8, 8, 1), np.uint8), "forecast has dtype uint8; expected floats.*to_unit"),
    ],
)
def test_bad_frames(metric, truth, forecast, named):
    with pytest.raises(ValueError, match=named):
        metric(truth, forecast)


@pytest.mark.parametrize(
    ("low", "high", "cure"),
    [
        (0, 1.02, lambda truth: metrics.clip_to_unit(truth)),
        (0, 255, lambda truth: truth / 255),
        (-32, 70, lambda truth: (truth - truth.min()) / (truth.max() - truth.min())),
    ],
    ids=["nextframe.metrics.clip_to_unit(truth)", "truth / 255", "(truth - low) / (high - low)"],
)
def test_advice_for_a_truth_out_of_range_works(low, high, cure, request):
    truth = np.linspace(low, high, 64).reshape(8, 8, 1)
    with pytest.raises(ValueError, match=f"values {low} to {high:g}; expected 0..1: ") as caught:
        metrics.mse(truth, truth)
    assert request.node.callspec.id in str(caught.value)
    assert metrics.mse(cure(truth), cure(truth)) == 0


def test_frames_too_small_for_ssim():
    with pytest.raises(ValueError, match="frames are 6×8; SSIM needs at least 7×7: use larger frames"):
        metrics.ssim(np.zeros((6, 8, 1)), np.zeros((6, 8, 1)))


def test_unknown_convention():
    with pytest.raises(ValueError, match="per='video': expected one of pixel, frame"):
        metrics.mse(np.zeros((8, 8, 1)), np.zeros((8, 8, 1)), per="video")
