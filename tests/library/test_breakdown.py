"""The test in parts: the windows are those that were scored, and parts are scored as the whole is."""

import numpy as np
import pytest

from nextframe.benchmark import breakdown, leaderboard, tasks
from nextframe.datasets.moving_digits import moving_digits


@pytest.mark.parametrize("where", [None, "drawn again, 2", "walls at 3", "40 × 40"])
def test_the_paths_are_those_of_the_scored_clips(where):
    """Every pixel that is lit lies in the square of one of the two digits."""
    changes = tasks.DIGITS_32 | ({} if where is None else tasks.ELSEWHERE[where])
    frame = moving_digits(500, 20, split="test", **changes)[:, 10]
    corners = tasks.digits_32_paths(where)[:, :, 10]
    clip, row, column = np.nonzero(frame)
    offset = np.stack([row, column], axis=-1)[:, None] - corners[clip]  # of each lit pixel, from each digit's corner
    inside = ((offset > -1) & (offset < 16)).all(axis=-1)
    assert inside.any(axis=-1).all()
    assert inside.sum(axis=0).min() > 10_000  # and both digits are there


def test_every_window_is_of_one_kind():
    for where in (None, *tasks.ELSEWHERE):
        kinds = breakdown.kinds_of_motion(where)
        assert list(kinds) == ["free flight", "overlap", "bounce"]
        assert (np.sum(list(kinds.values()), axis=0) == 1).all()
    assert kinds["bounce"].mean() < breakdown.kinds_of_motion("walls at 3")["bounce"].mean()
    with pytest.raises(ValueError, match="where='walls at 9': expected one of None, drawn again, 1"):
        breakdown.kinds_of_motion("walls at 9")


def test_parts_are_scored_as_the_whole():
    runs = leaderboard.load_runs("digits-32", rows=["conv3d", "dense_lstm"])
    whole = breakdown.scored_on(runs["conv3d"])
    assert leaderboard.over_seeds(whole, leaderboard.mse_per_frame) == pytest.approx(
        leaderboard.over_seeds(runs["conv3d"], leaderboard.mse_per_frame), abs=1e-3
    )
    assert leaderboard.over_clips(whole) == pytest.approx(leaderboard.over_clips(runs["conv3d"]))
    moved = breakdown.scored_on(runs["conv3d"], "walls at 2")
    stored = [run["elsewhere"]["walls at 2"]["MSE per frame"] for run in runs["conv3d"]]
    assert [leaderboard.mse_per_frame(run) for run in moved] == pytest.approx(stored, abs=1e-3)
    kinds = breakdown.kinds_of_motion()
    parts = {kind: breakdown.scored_on(runs["conv3d"], windows=which) for kind, which in kinds.items()}
    means = [leaderboard.over_seeds(part, leaderboard.mse_per_frame)[0] for part in parts.values()]
    shares = [which.mean() for which in kinds.values()]
    assert np.dot(means, shares) == pytest.approx(leaderboard.over_seeds(whole, leaderboard.mse_per_frame)[0])
    assert means[0] < means[1] < means[2]
    with pytest.raises(ValueError, match="dense_lstm was not scored on 40 × 40"):
        breakdown.scored_on(runs["dense_lstm"], "40 × 40")


def runs_of(home, moved):
    """Two seeds, a hundredth above and below the given errors of each window."""
    return [
        {
            "clip_mse": list(np.add(home, seed)),
            "elsewhere": {"walls at 1": moved and {"clip_mse": list(np.add(moved, seed))}},
            "settings": {"model": "any"},
        }
        for seed in (-0.01, 0.01)
    ]


def test_a_lead_is_over_the_best_other():
    board = {
        "ours": runs_of([1, 2, 3, 4], [5, 6, 7, 8]),
        "second": runs_of([2, 4, 6, 8], [4, 5, 6, 7]),
        "last": runs_of([9, 9, 9, 1], [9, 9, 9, 9]),
        "one size": runs_of([3, 4, 6, 8], None),
    }
    assert breakdown.lead(board, "ours") == (pytest.approx(0.5), "second", False)
    assert breakdown.lead(board, "ours", windows=np.array([0, 0, 0, 1], bool)) == (pytest.approx(4), "last", False)
    ratio, other, level = breakdown.lead(board, "ours", "walls at 1")
    assert (ratio, other, level) == (pytest.approx(26 / 22), "second", False)
    board["second"] = runs_of([2, 4, 6, 8], [4.99, 6.01, 7, 8])
    assert breakdown.lead(board, "ours", "walls at 1")[2]
