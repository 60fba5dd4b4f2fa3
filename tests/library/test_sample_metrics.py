"""Metrics of samples: they equal a reference, reward the true distribution, and show what can be bought."""

import numpy as np
import pytest

from nextframe import metrics, sample_metrics
from nextframe.datasets.random_futures import coin_at_the_wall, coin_futures, true_futures
from nextframe.windows import to_unit


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def coin():
    """Of 150 pasts: the future that came, 12 that the law draws, and both that there are; three frames each."""
    clips, _ = coin_at_the_wall(150, 8, left=0.3, seed=1, split="test")
    drawn = true_futures(coin_at_the_wall, 150, 8, futures=12, left=0.3, seed=1, split="test")
    both = coin_futures(150, 8, left=0.3, seed=1, split="test")[0]
    return to_unit(clips[:, 5:]), to_unit(drawn), to_unit(both)


def small(rng, count=3, samples=5, frames=2):
    return rng.random((count, frames, 4, 5, 1)), rng.random((count, samples, frames, 4, 5, 1))


def test_energy_score_and_crps_are_those_of_scoringrules(rng):
    import scoringrules  # of requirements-dev.txt

    truth, samples = small(rng)
    vectors = samples.transpose(0, 2, 1, 3, 4, 5).reshape(3, 2, 5, 20)
    expected = scoringrules.es_ensemble(truth.reshape(3, 2, 20), vectors, estimator="fair")
    np.testing.assert_allclose(sample_metrics.energy_score(truth, samples), expected)
    expected = scoringrules.crps_ensemble(truth, samples, m_axis=1, estimator="fair").mean((-3, -2, -1))
    np.testing.assert_allclose(sample_metrics.crps(truth, samples), expected)


def test_one_sample_is_a_point_forecast(rng):
    truth, samples = small(rng, samples=1)
    distance = np.sqrt(metrics.mse(truth, samples[:, 0], per="frame"))
    np.testing.assert_allclose(sample_metrics.energy_score(truth, samples), distance)
    np.testing.assert_allclose(sample_metrics.crps(truth, samples), metrics.mae(truth, samples[:, 0]))


def test_the_true_distribution_scores_best(coin, rng):
    """Better than one side always, than their mean, than both alike where the odds are not, and than more spread."""
    truth, drawn, both = coin
    mean = 0.3 * both[:, :1] + 0.7 * both[:, 1:]
    alike = both[:, np.arange(12) % 2]
    noisy = drawn + 0.2 * rng.standard_normal(drawn.shape)
    for score in (sample_metrics.energy_score, sample_metrics.crps):
        right = score(truth, drawn).mean()
        for wrong in (both[:, 1:], mean, alike, noisy):
            assert right < score(truth, wrong).mean()
    # while a squared error prefers the mean of both, sharp as no future is
    assert metrics.mse(truth, mean[:, 0]).mean() < metrics.mse(truth, drawn[:, 0]).mean()


def test_the_fair_form_does_not_depend_on_the_number_of_samples(rng):
    truth, samples = rng.random((4000, 2, 2, 1)), rng.random((4000, 12, 2, 2, 1))
    for score in (sample_metrics.energy_score, sample_metrics.crps):
        few, many = (score(truth, samples[:, :number]) for number in (2, 12))
        assert abs((few - many).mean()) < 4 * (few - many).std() / np.sqrt(4000)
        unfair = score(truth, np.repeat(samples[:, :2], 6, axis=1))  # the same two, over and over, spread less
        assert (unfair - few).mean() > 0.03


def test_crps_does_not_see_whether_pixels_fit_each_other(coin, rng):
    truth, drawn, _ = coin
    torn = rng.permuted(drawn, axis=1)
    np.testing.assert_allclose(sample_metrics.crps(truth, torn), sample_metrics.crps(truth, drawn))
    assert sample_metrics.energy_score(truth, torn).mean() > 1.05 * sample_metrics.energy_score(truth, drawn).mean()


def test_bands_of_the_truths_own_distribution_cover_it(rng):
    truth, samples = rng.random((60, 8, 8, 1)), rng.random((60, 400, 8, 8, 1))
    for share in (0.5, 0.9):
        low, high = np.quantile(samples, [(1 - share) / 2, (1 + share) / 2], axis=1)
        assert abs(sample_metrics.coverage(truth, low, high) - share) < 0.03
        assert high.mean() - low.mean() == pytest.approx(share, abs=0.02)
    assert sample_metrics.coverage(truth, low + 0.3, high + 0.3) < 0.75


def test_coverage_can_leave_out_what_is_sure():
    truth = np.zeros((1, 10, 10, 1))
    low, high = np.zeros((2, 1, 10, 10, 1))
    high[0, 0] = 0.5
    truth[0, 0, :4] = 0.9  # four of the ten that are unsure lie outside
    assert sample_metrics.coverage(truth, low, high) == pytest.approx(0.96)
    assert sample_metrics.coverage(truth, low, high, least_width=0.1) == pytest.approx(0.6)
    assert np.isnan(sample_metrics.coverage(truth, low, high, least_width=0.6))


def test_the_best_of_n_by_hand():
    """Errors 1, 2, 3: the best of two of them is 1, 1 or 2."""
    truth = np.zeros((1, 2, 2, 1))
    samples = np.sqrt([3.0, 1, 2])[None, :, None, None, None] * np.ones((1, 3, 2, 2, 1))
    np.testing.assert_allclose(sample_metrics.best_of(truth, samples, (1, 2, 3))[:, 0], [2, 4 / 3, 1])


def test_the_best_of_n_can_be_bought_with_noise(coin, rng):
    """Of a mean whose brightness is noise, the best of 8 beats one by far; the energy score stays as it was."""
    truth, _, both = coin
    mean = both.mean(axis=1, keepdims=True)
    noise = mean * (1 + 0.5 * rng.standard_normal((150, 8, 1, 1, 1, 1)))
    one, eight = sample_metrics.best_of(truth, noise, (1, 8)).mean(axis=(1, 2))
    assert eight < 0.8 * one
    two, eight = (sample_metrics.energy_score(truth, noise[:, :number]).mean() for number in (2, 8))
    assert eight == pytest.approx(two, rel=0.05)
    assert (np.diff(sample_metrics.best_of(truth, noise, range(1, 9)), axis=0) <= 1e-12).all()


def test_samples_take_each_side_as_often_as_its_odds(coin):
    _, drawn, both = coin
    side = sample_metrics.nearest(both, drawn)
    assert side.shape == (150, 12)
    assert abs((side == 0).mean() - 0.3) < 0.05
    assert sample_metrics.nearest(both, both).tolist() == [[0, 1]] * 150


def test_change_and_spectrum():
    time = np.arange(12)
    wave = np.cos(2 * np.pi * 3 * time / 12)[:, None, None, None] * np.ones((12, 2, 2, 1)) + 5
    power = sample_metrics.temporal_spectrum(wave)
    assert power.shape == (7,)
    assert power.argmax() == 3
    assert 2 * power[3] == pytest.approx(wave.var(axis=0).mean())  # with its mirror, all there is
    assert sample_metrics.temporal_spectrum(np.ones((2, 12, 2, 2, 1))).max() < 1e-20
    frames = np.zeros((2, 3, 2, 2, 1))
    frames[:, 1] = 0.5
    np.testing.assert_allclose(sample_metrics.change_per_step(frames), [[0.5, 0.5]] * 2)


def test_errors(rng):
    truth, samples = small(rng)
    with pytest.raises(ValueError, match=r"pass forecast\[:, None\]"):
        sample_metrics.energy_score(truth, truth)
    with pytest.raises(ValueError, match=r"samples \(3, 5, 1, 4, 5, 1\)"):
        sample_metrics.crps(truth, samples[:, :, :1])
    with pytest.raises(ValueError, match="expected floats"):
        sample_metrics.energy_score(truth, (samples * 255).astype(np.uint8))
    with pytest.raises(ValueError, match=r"numbers=\(1, 6\): the best of 6"):
        sample_metrics.best_of(truth, samples, (1, 6))
    with pytest.raises(ValueError, match="one shape"):
        sample_metrics.coverage(truth, truth[:1], truth)
    with pytest.raises(ValueError, match="all but the second must agree"):
        sample_metrics.nearest(samples, samples[:1])
