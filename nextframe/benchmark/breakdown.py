"""The test on two digits in parts: by what they do, and on clips that differ in one thing from those trained on."""

from collections.abc import Mapping

import numpy as np

from nextframe.benchmark import leaderboard, tasks
from nextframe.datasets import moving_digits


def kinds_of_motion(where: str | None = None) -> dict[str, np.ndarray]:
    """Sort the test windows of `nextframe.benchmark.tasks.digits_32` by what happens in their next frame.

    Args:
        where: One of `nextframe.benchmark.tasks.ELSEWHERE`. Default: the test itself.

    Returns:
        "free flight", "overlap" and "bounce", bool `(windows,)` each; see
        `nextframe.datasets.moving_digits.kinds_of_motion`.
    """
    position = tasks.digits_32_paths(where)
    return moving_digits.kinds_of_motion(position, frame=10, digit_size=tasks.DIGITS_32["digit_size"])


def scored_on(of_one_model: list[dict], where: str | None = None, windows: np.ndarray | None = None) -> list[dict]:
    """Return a model's runs as if they had been scored on some windows alone.

    What `nextframe.benchmark.leaderboard` says of runs, it says of these: `mse_per_frame`, `over_clips`, `level`.

    Args:
        of_one_model: The model's runs, which keep the errors of all windows.
        where: As in `kinds_of_motion`.
        windows: Which to score, bool `(windows,)`. Default: all.

    Raises:
        ValueError: Its weights do not fit frames of that size, so it was not scored there.
    """
    found = []
    for run in of_one_model:
        kept = run if where is None else run["elsewhere"][where]
        if kept is None:
            raise ValueError(f"{run['settings']['model']} was not scored on {where}: its weights fit no such frame")
        errors = np.asarray(kept["clip_mse"])[slice(None) if windows is None else windows]
        found.append({"clip_mse": errors.tolist(), "scores": {"all": {"MSE per frame": [float(errors.mean())]}}})
    return found


def lead(
    board: Mapping[str, list[dict]], model: str, where: str | None = None, windows: np.ndarray | None = None
) -> tuple[float, str, bool]:
    """Compare a model with the best other one on some windows, whichever it is there.

    Args:
        board: Model → its runs, as `nextframe.benchmark.leaderboard.load_runs` returns them. Models that do not fit the
            frames are left out.
        model: Its name.
        where, windows: As in `scored_on`.

    Returns:
        Its error divided by the other's; the other's name; whether the two are level, as
        `nextframe.benchmark.leaderboard.level` has it.
    """
    fit = {name: runs for name, runs in board.items() if where is None or runs[0]["elsewhere"][where]}
    parts = {name: scored_on(runs, where, windows) for name, runs in fit.items()}
    error = {name: leaderboard.over_seeds(part, leaderboard.mse_per_frame)[0] for name, part in parts.items()}
    other = min(error.keys() - {model}, key=error.__getitem__)
    return error[model] / error[other], other, leaderboard.level(parts[model], parts[other])
