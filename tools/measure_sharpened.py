"""How much to sharpen the kernels of many_futures, chosen on validation clips, and what its draws then score.

    python tools/measure_sharpened.py

Reads the weights that the runs of the protocol many-futures have left in `_build`, and writes
`nextframe/results/many_futures_sharpened.json`.
"""

import keras

from nextframe import metrics, windows
from nextframe.benchmark import results
from nextframe.benchmark.futures_task import CONTEXT, LENGTH, FuturesTask
from nextframe.benchmark.plan import Benchmark
from nextframe.benchmark.tasks import load_task
from nextframe.datasets.random_futures import random_walls
from nextframe.models import build
from nextframe.sampling import sample_rollout, sharpened

ROW = "many_futures"
RESULT = "many_futures_sharpened"
FACTORS = (1.0, 1.2, 1.4, 1.6)
SAMPLES = 4


def energies(model: keras.Model) -> list[float]:
    """Energy of draws as a share of the truth's, for each of ten frames ahead, on validation clips of another seed."""
    clips = windows.to_unit(random_walls(100, LENGTH, split="validation", seed=1)[0])
    drawn = sample_rollout(model, clips[:, :CONTEXT], LENGTH - CONTEXT, SAMPLES, seed=0)
    return (metrics.energy(drawn).mean(axis=(0, 1)) / metrics.energy(clips[:, CONTEXT:]).mean(axis=0)).tolist()


def main() -> None:
    """Choose a factor for each seed that has been trained, and score it on the test clips."""
    plan = Benchmark("many-futures")
    runs: dict[str, dict] = results.load(RESULT)["runs"] if (results.FOLDER / f"{RESULT}.json").exists() else {}
    for job in plan.jobs("runs", [ROW]):
        weights = plan.weights_folder / f"{job.label}.weights.h5"
        if not (plan.is_done(job) and weights.exists()):
            print(f"{job.label} has not been trained here; what is stored of it stays")
            continue
        task = load_task(**job.settings["task"])
        assert isinstance(task, FuturesTask)  # the only kind that many-futures has
        model = build(job.settings["model"], task.context_shape, **job.settings["arguments"])
        model.load_weights(weights)
        tried = {str(factor): energies(sharpened(model, factor)) for factor in FACTORS}
        # all of the ten frames as near to the truth's energy as they can be
        best = min(tried, key=lambda factor: max(abs(share - 1) for share in tried[factor]))
        scores = task.score(sharpened(model, float(best)), horizon=job.settings["horizon"], seed=job.settings["seed"])[
            "scores"
        ]
        runs[job.label] = {"validation energy": tried, "factor": float(best), "scores": scores}
        print(job.label, best, [round(share, 2) for share in scores["energy"]], flush=True)
        results.save(RESULT, {"protocol": plan.name, "factors": FACTORS, "runs": runs})


if __name__ == "__main__":
    main()
