"""The leaderboard: the benchmark's results, model by model, straight from the results store."""

import os
from collections.abc import Callable, Iterable

import numpy as np

from nextframe._utils.validation import one_of
from nextframe.benchmark import fingerprints, protocols, results, tasks
from nextframe.benchmark.plan import STAGES, Benchmark
from nextframe.benchmark.task import Task
from nextframe.metrics import middle, resampled_sums
from nextframe.models import build
from nextframe.windows import sliding_windows, to_unit

RESAMPLES = 2000  # of the bootstrap


def load_runs(
    protocol: str | os.PathLike = "digits-32",
    folder: str | os.PathLike = results.FOLDER,
    rows: Iterable[str] | None = None,
) -> dict[str, list[dict]]:
    """Read the runs of a protocol.

    Args:
        protocol: One of `nextframe.benchmark.protocols.NAMES`, or the path of a file in the same format.
        folder: Holds a folder for each protocol.
        rows: Names of the rows to read. Default: all, since a comparison should be whole.

    Returns:
        Model → its runs, one for each seed (a baseline has one), from `nextframe.benchmark.experiments`; the model with
        the highest skill or accuracy, or the lowest energy score, first.

    Raises:
        FileNotFoundError: A run is missing: the comparison would not be whole.
        ValueError: A run, or the search or calibration before it, depends on an input that has changed since: the
            model's arguments or structure, the clips, or the protocol. The message names it.
    """
    plan = Benchmark(protocol, folder)
    found = {}
    for model in plan.models if rows is None else rows:
        one_of("row", model, plan.models)
        jobs = plan.jobs("runs", [model])
        again = f"python -m nextframe.benchmark --protocol {protocol} --models {model}"
        # a run depends on the steps and the learning rate that the stages before it found
        all_stages = [job for stage in reversed(STAGES) for job in plan.jobs(stage, [model])]
        outdated = {job.name: plan.outdated(job) for job in all_stages} if jobs else {f"runs/{model}": None}
        for name, moved in outdated.items():
            if moved is None:
                raise FileNotFoundError(f"{plan.name}: {name} not measured: {again}")
            if moved:
                raise ValueError(
                    f"{plan.name}: {name} was measured with another {', '.join(moved)} than today's: "
                    f"undo that change, or measure again: {again}"
                )
        found[model] = [results.load(job.name, plan.folder) for job in jobs]
    return dict(sorted(found.items(), key=lambda item: -over_seeds(item[1], _rank)[0]))


def _rank(run: dict) -> float:
    """The number by which rows are sorted."""
    if "drift" in run:
        return run["drift"]["rounded"]["one ball"][99]
    if "energy score" in run.get("scores", {}):
        return -run["scores"]["energy score"][-1]
    return accuracy(run) if "accuracy" in run else skill(run)


def accuracy(run: dict) -> float:
    """Return a classifier's share of right answers."""
    return run["accuracy"]


def skill(run: dict, group: str = "all") -> float:
    """Return a run's skill on the first frame ahead."""
    return run["scores"][group]["skill"][0]


def mse_per_frame(run: dict, group: str = "all") -> float:
    """Return a run's squared error, summed over the first frame ahead."""
    return run["scores"][group]["MSE per frame"][0]


def load_gpu(protocol: str = "digits-32", folder: str | os.PathLike = results.FOLDER) -> dict[str, dict]:
    """Read how fast a protocol's networks train on a GPU in float32, at the sizes that were measured there.

    Args:
        protocol: Name of one that `tools/measure_gpu.py` has measured.
        folder: Holds the folder `gpu`.

    Returns:
        Model → the measurements of the tool's `measure_policy`, the GPU's name as "device", and the "arguments" of the
        network that was measured, all of them.

    Raises:
        FileNotFoundError: A network was not measured.
        ValueError: A network has changed since it was measured.
    """
    found = {}
    for model in protocols.settings(protocol)["models"]:
        stored = results.load(f"gpu/{protocol}/{model}", folder)
        measured, side = stored["float32"], stored["settings"]["clips"]["canvas"]
        given = stored["settings"]["arguments"]
        network = build(model, (10, side, side, 1), **given)
        if fingerprints.structure(network) != measured["structure"]:
            raise ValueError(
                f"gpu/{protocol}/{model} was measured with another network than today's: undo that change, or "
                f"measure again on a GPU: python tools/measure_gpu.py --protocols {protocol} --models {model}"
            )
        found[model] = measured | {"arguments": given}
    return found


def over_seeds(of_one_model: list[dict], number: Callable[[dict], float]) -> tuple[float, float]:
    """Return the mean of a number over a model's runs, and half the distance from its lowest to its highest."""
    values = np.array([number(run) for run in of_one_model], float)
    return float(values.mean()), float(np.ptp(values) / 2)


def with_spread(of_one_model: list[dict], number: Callable[[dict], float], digits: int = 3) -> str:
    """Write that mean and half distance as text; a baseline, measured once, has no spread.

    Example:
        `with_spread(load_runs()["conv_lstm"], mse_per_frame, 2)`
    """
    mean, spread = over_seeds(of_one_model, number)
    text = f"{mean:z.{digits}f}"  # a small mean below 0 is no -0.00
    return text if len(of_one_model) == 1 else f"{text} ± {spread:.{digits}f}"


def learning_curve(of_one_model: list[dict]) -> tuple[list[int], list[float]]:
    """Return a model's validation loss along its training: steps, and the mean over its runs after so many."""
    together = zip(*(_losses(run["history"]) for run in of_one_model), strict=False)  # as long as the shortest
    losses = [float(np.mean(each)) for each in together]
    return [entry["step"] for entry in of_one_model[0]["history"]][: len(losses)], losses


def _losses(history: list[dict]) -> np.ndarray:
    """The validation loss of each round; one in which training diverged is stored as None, and becomes NaN."""
    return np.array([entry["validation"] for entry in history], float)


def stopped_at(of_one_model: list[dict], share: float) -> list[dict]:
    """Return a model's runs with the first part of their histories: to ask again what is said of the whole.

    A learning rate that falls along the run had not yet fallen then, so that a run as short might have done better.

    Args:
        of_one_model: The model's runs.
        share: Of the rounds, at least one of them.

    Returns:
        Each run's "history" up to there, and as "validation" the lowest loss in it; nothing that was measured later.
    """
    cut = [run["history"][: max(int(share * len(run["history"])), 1)] for run in of_one_model]
    return [{"history": part, "validation": float(np.nanmin(_losses(part)))} for part in cut]


def until(of_one_model: list[dict], loss: float, cost: str = "step") -> list[float]:
    """Return what it cost each run of a model to bring its validation loss down to a level; infinite if it never did.

    Args:
        of_one_model: The model's runs.
        loss: The level.
        cost: What to count: "step", "examples" (windows trained on) or "flops" (of training).
    """
    reached = [(run["history"], np.flatnonzero(_losses(run["history"]) <= loss)) for run in of_one_model]
    return [history[rounds[0]][cost] if len(rounds) else float("inf") for history, rounds in reached]


def trivial_losses(of_one_model: list[dict]) -> dict[str, float]:
    """Return the validation losses of forecasts that take no learning: levels to measure a history's losses by.

    A history is of the clips that a run was chosen by, so its losses are no share of errors on test clips.
    `1 - loss / trivial["copying"]` is a run's skill on them, and `1 - loss / trivial["mean"]` what it remembers, in a
    memory task; compare `nextframe.diagnostics.memory_of`.

    Args:
        of_one_model: Runs of one model, or of several under the same protocol and variant.

    Returns:
        "copying" the last frame; a "black" frame; the "mean" of all targets.

    Raises:
        ValueError: The clips have labels, or count unequally in the loss.
    """
    task = of_one_model[0]["settings"]["task"]
    data = tasks.load_task(**task)
    if not isinstance(data, Task) or data.weights[1] is not None:
        raise ValueError(f"{task['source']}: expected clips without labels that count alike in the loss")
    pairs = [sliding_windows(clip, data.context_shape[0]) for clip in data.validation_clips]
    last = to_unit(np.concatenate([contexts[:, -1] for contexts, _ in pairs]))
    target = to_unit(np.concatenate([targets[:, 0] for _, targets in pairs]))
    forecasts = {"copying": last, "black": 0.0, "mean": target.mean(axis=0)}
    return {name: float(np.square(target - forecast).mean()) for name, forecast in forecasts.items()}


def over_clips(of_one_model: list[dict], block: int = 1, seed: int = 0) -> tuple[float, float]:
    """Return a 95 % interval of a model's MSE per frame: how far other test clips might move it.

    A bootstrap over blocks of windows, since windows of one clip are no independent draws.

    Args:
        of_one_model: The model's runs; the mean of their errors on each test window is resampled.
        block: Windows that follow one another in one clip: 1 where each clip has one window.
        seed: Of the resampling.

    Raises:
        ValueError: No run keeps the errors of its windows.
    """
    return _interval(window_errors(of_one_model), block, seed)


def window_errors(of_one_model: list[dict]) -> np.ndarray:
    """Return the MSE per frame of each test window, `(windows,)`, averaged over the runs that keep it.

    Raises:
        ValueError: No run keeps it.
    """
    kept = [run["clip_mse"] for run in of_one_model if run.get("clip_mse")]
    if not kept:
        raise ValueError("no run keeps the errors of its windows: measure again with python -m nextframe.benchmark")
    return np.mean(kept, axis=0)


def level(one: list[dict], other: list[dict], block: int = 1, seed: int = 0) -> bool:
    """Whether two models' errors differ by less than their uncertainty: that over seeds or over clips, the larger one.

    Over clips, the differences on the same windows are resampled, and 0 within their 95 % interval means level. Over
    seeds, spreads that overlap mean level.

    Args:
        one, other: Runs of two models under one protocol.
        block, seed: Of the bootstrap, see `over_clips`.
    """
    (mean, spread), (other_mean, other_spread) = over_seeds(one, mse_per_frame), over_seeds(other, mse_per_frame)
    low, high = difference(one, other, block, seed)
    return abs(mean - other_mean) <= spread + other_spread or low <= 0 <= high


def difference(one: list[dict], other: list[dict], block: int = 1, seed: int = 0) -> tuple[float, float]:
    """Return a 95 % interval of one model's MSE per frame minus another's, on the same windows; see `level`."""
    return _interval(window_errors(one) - window_errors(other), block, seed)


def _interval(values: np.ndarray, block: int, seed: int) -> tuple[float, float]:
    """95 % interval of a mean, by a bootstrap over blocks of `block` values that follow one another."""
    sums, counts = resampled_sums((values, np.ones(len(values))), block, RESAMPLES, np.random.default_rng(seed))
    return middle(sums / counts)
