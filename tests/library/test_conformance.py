"""The eight cases for any PSNR and SSIM: right ones pass them all, and each wrong one fails the case made for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from nextframe import metrics

BRIGHT, DARK, MORE, DIM, TWO, NONE, FLAT, CONTRAST = range(8)


def in_bytes(frames):
    return np.uint8(np.round(255 * frames))


def decibels(squares, peak=255.0):
    """One number a frame, of squared errors `(frames, height, width, 1)`."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(peak**2 / np.mean(squares, axis=(1, 2, 3), dtype=float))


def failed(psnr=None, ssim=None):
    """Numbers of the cases that were not right."""
    found = metrics.conformance(psnr, ssim)
    numbers = {name: number for number, name in enumerate(metrics.conformance(metrics.psnr, metrics.ssim))}
    return [numbers[name] for name, told in found.items() if not told["right"]]


def by_frame(metric, **options):
    """A metric of two pictures, for frames."""

    def over_frames(truth, forecast):
        with np.errstate(divide="ignore"):
            return [metric(*pair, **options) for pair in zip(truth[..., 0], forecast[..., 0], strict=True)]

    return over_frames


# ---- right ones ----


def test_ours_pass():
    assert failed(metrics.psnr, metrics.ssim) == []


def test_scikit_image_passes():
    structural = by_frame(structural_similarity, data_range=1)
    assert failed(by_frame(peak_signal_noise_ratio, data_range=1), structural) == []
    gaussian = by_frame(structural_similarity, data_range=1, gaussian_weights=True, sigma=1.5)
    assert failed(ssim=gaussian) == []  # whatever the window


def test_tensorflow_passes():
    assert failed(lambda *pair: tf.image.psnr(*pair, 1.0), lambda *pair: tf.image.ssim(*pair, 1.0)) == []


def test_bytes_pass_where_they_become_numbers_with_a_sign():
    """As in the code of E3D-LSTM."""
    assert (
        failed(lambda *pair: decibels(np.diff([in_bytes(each).astype(np.int32) for each in pair], axis=0)[0] ** 2))
        == []
    )


# ---- wrong ones ----


def test_squares_of_bytes_fail():
    """From 16 grey levels on: the copy of that code that went round."""
    with np.errstate(over="ignore"):
        assert failed(lambda t, f: decibels((in_bytes(f) - in_bytes(t)) ** 2)) == [MORE]


@pytest.mark.parametrize(
    ("sign", "cases"), [(1, [BRIGHT, MORE, DIM, TWO]), (-1, [DARK])], ids=["truth first", "forecast first"]
)
def test_differences_of_bytes_fail(sign, cases):
    """Squared as floats afterwards: one sign or the other is wrong, by which is subtracted from which."""

    def late(truth, forecast):
        pair = [in_bytes(truth), in_bytes(forecast)][::sign]
        return decibels((pair[0] - pair[1]).astype(float) ** 2)

    assert failed(late) == cases


def test_one_psnr_for_all_frames_fails():
    assert failed(lambda *pair: keras.ops.psnr(*pair, 1.0)) == [TWO]


def test_the_brightest_pixel_for_a_peak_fails():
    told = metrics.conformance(lambda t, f: decibels((t - f) ** 2, t.max()))
    assert [each["found"] < 0 for each in told.values()].index(True) == DIM  # worse than a wrong guess of all pixels
    assert failed(lambda t, f: decibels((t - f) ** 2, 1.0)) == []


def test_a_floor_under_the_error_fails():
    assert failed(lambda t, f: decibels((t - f) ** 2 + 1e-10, 1.0)) == [NONE]


def test_a_guessed_range_fails():
    """Of −1 to 1, as scikit-image once took it for floats."""
    assert failed(ssim=by_frame(structural_similarity, data_range=2)) == [FLAT]


def test_brightness_alone_fails():
    """SSIM without its second factor."""

    def luminance(truth, forecast):
        mean, other = (frames.mean(axis=(1, 2, 3)) for frames in (truth, forecast))
        return (2 * mean * other + 1e-4) / (mean**2 + other**2 + 1e-4)

    assert failed(ssim=luminance) == [CONTRAST]


def test_an_ssim_that_knows_no_dark_fails():
    """Correlation alone gives half the contrast full marks, and is undefined where nothing varies."""

    def correlation(truth, forecast):
        return [
            np.corrcoef(t.ravel(), f.ravel())[0, 1] if t.std() else np.nan for t, f in zip(truth, forecast, strict=True)
        ]

    assert failed(ssim=correlation) == [FLAT, CONTRAST]


# ---- what it tells ----


def test_what_is_not_given_is_left_out():
    assert {told["metric"] for told in metrics.conformance(ssim=metrics.ssim).values()} == {"SSIM"}
    assert len(metrics.conformance(metrics.psnr)) == 6
    assert metrics.conformance() == {}


def test_values_by_hand():
    told = metrics.conformance(metrics.psnr, metrics.ssim)
    expected = [each["expected"] for each in told.values()]
    assert expected[:5] == pytest.approx([28.131, 28.131, 22.110, 28.131, (48.131 + 28.131) / 2], abs=0.001)
    assert expected[NONE] == np.inf
    assert expected[FLAT] == pytest.approx(0.81, abs=0.001)
    found = [each["found"] for each in told.values()]
    assert found == pytest.approx(expected, abs=0.005)


def test_found_is_the_mean_over_frames():
    assert (
        metrics.conformance(lambda truth, forecast: np.arange(len(truth)) + 1.0)["two frames, off by 1 and by 10"][
            "found"
        ]
        == 1.5
    )
