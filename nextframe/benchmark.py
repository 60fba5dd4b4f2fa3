"""The benchmark: every model under one protocol, and one small JSON file for each thing that was measured.

`python -m nextframe.benchmark --protocol digits-32` does all of it; `--help` lists what else it can be told.

Three stages, each made of jobs that run in processes of their own. `calibration` times a step of each model, alone on
the machine, and turns the protocol's seconds into steps; `search` tries learning rates; `runs` trains with the best
one, seed by seed, and scores on the test films. What is measured already is skipped, so a benchmark that was killed
goes on where it was. Nothing but `runs` sees a test film.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nextframe import measured, protocols
from nextframe.checks import one_of
from nextframe.models import BASELINES, MODELS

STAGES = ("calibration", "search", "runs")
_BASELINES = [model.__name__ for model in BASELINES]


@dataclasses.dataclass(frozen=True)
class Job:
    """One thing to measure, in a process of its own."""

    stage: str
    label: str  # the file's name within the stage's folder, without .json
    settings: dict  # all that the measurement depends on; a stored one with others is out of date
    seconds: float  # about how long it trains

    @property
    def name(self) -> str:
        """What `measured` calls it, within the protocol's folder."""
        return f"{self.stage}/{self.label}"


class Benchmark:
    """What a protocol asks for, and what of it is in a folder."""

    def __init__(self, protocol: str | os.PathLike, folder: str | os.PathLike = measured.FOLDER):
        """Read a protocol.

        Args:
            protocol: As in `nextframe.protocols.settings`.
            folder: Holds a folder for each protocol.
        """
        self.settings = protocols.settings(protocol)
        self.name = Path(protocol).name.removesuffix(".toml")
        self.folder = Path(folder) / self.name
        unknown = set(self.settings["models"]) - set(MODELS)
        if unknown:
            raise ValueError(
                f"protocol {protocol}: no model {', '.join(sorted(unknown))}; there is {', '.join(MODELS)}"
            )

    @property
    def models(self) -> list[str]:
        """Return the names of all baselines, and of every model that the protocol has."""
        return [*_BASELINES, *self.settings["models"]]

    def read(self, name: str) -> dict | None:
        """Return a stored measurement, or None."""
        try:
            return measured.read(name, self.folder)
        except FileNotFoundError:
            return None

    def is_done(self, job: Job, or_out_of_date: bool = False) -> bool:
        """Whether a job's measurement is stored, and was made with the settings of today."""
        stored = self.read(job.name)
        return stored is not None and (or_out_of_date or stored["settings"] == job.settings)

    def jobs(self, stage: str, models: Iterable[str], seeds: Iterable[int] | None = None) -> list[Job]:
        """All jobs of a stage, done or not, whose earlier stages are done."""
        jobs = []
        for model in models:
            jobs += getattr(self, f"_{stage}")(model, self._common(model), seeds)
        return jobs

    def steps(self, model: str) -> int | None:
        """Steps that the protocol's seconds come to, or None if the model has not been calibrated."""
        timed = self.read(f"calibration/{model}")
        training = self.settings["training"]
        return timed and _cut(training["seconds"] / timed["seconds_per_step"], training["rounds"])

    def learning_rate(self, model: str) -> float | None:
        """The rate with the lowest error on the validation films, or None if some have not been tried."""
        tried = {rate: self.read(f"search/{model}-{rate:g}") for rate in self.settings["search"]["learning_rates"]}
        return None if None in tried.values() else min(tried, key=lambda rate: tried[rate]["validation"])

    def _common(self, model):
        size = self.settings["models"].get(model, {})
        return {"model": model, "size": size, "films": self.settings["films"]}

    def _calibration(self, model, common, seeds):
        if model in _BASELINES:
            return []
        yardstick = self.settings["training"].get("yardstick")
        return [Job("calibration", model, common | ({"yardstick": yardstick} if yardstick else {}), 20)]

    def _search(self, model, common, seeds):
        search, rounds, steps = self.settings["search"], self.settings["training"]["rounds"], self.steps(model)
        if model in _BASELINES or steps is None:
            return []
        settings = common | {"steps": _cut(search["share"] * steps, rounds), "rounds": rounds, "seed": 0}
        seconds = search["share"] * self.settings["training"]["seconds"]
        return [
            Job("search", f"{model}-{rate:g}", settings | {"learning_rate": rate}, seconds)
            for rate in search["learning_rates"]
        ]

    def _runs(self, model, common, seeds):
        training = self.settings["training"]
        settings = common | {"horizon": training["horizon"]}
        if model in _BASELINES:
            return [Job("runs", model, settings, 1)]
        steps, rate = self.steps(model), self.learning_rate(model)
        if steps is None or rate is None:
            return []
        settings |= {"steps": steps, "rounds": training["rounds"], "learning_rate": rate}
        seeds = training["seeds"] if seeds is None else seeds
        return [Job("runs", f"{model}-{seed}", settings | {"seed": seed}, training["seconds"]) for seed in seeds]


def benchmark(
    protocol: str | os.PathLike,
    models: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
    *,
    only_missing: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    folder: str | os.PathLike = measured.FOLDER,
) -> list[str]:
    """Measure what is not measured yet.

    Args:
        protocol: As in `nextframe.protocols.settings`.
        models: Names of models. Default: `Benchmark.models`.
        seeds: Default: the protocol's.
        only_missing: Whether to leave alone what is there, although the protocol has changed since.
        workers: Processes at once, with one thread each. Default: one for each core. Calibration runs alone, and has
            all cores.
        ray: Address of a Ray cluster to run on instead, or "local".
        folder: As in `Benchmark`.

    Returns:
        Names of the jobs that failed; the others' measurements are stored.
    """
    plan = Benchmark(protocol, folder)
    models = list(models or plan.models)
    for model in models:
        one_of("model", model, MODELS)
    failed = []
    for stage in STAGES:
        jobs = [job for job in plan.jobs(stage, models, seeds) if not plan.is_done(job, only_missing)]
        at_once = 1 if stage == "calibration" else workers or os.cpu_count()
        threads = os.cpu_count() if stage == "calibration" else 1
        begun, done, total = time.perf_counter(), 0.0, sum(job.seconds for job in jobs)
        done_by = over_ray(ray, jobs, threads) if ray else in_processes(jobs, at_once, threads)
        for count, (job, files) in enumerate(done_by, 1):
            done += job.seconds
            left = (time.perf_counter() - begun) * (total - done) / done
            if isinstance(files, str):
                failed.append(job.name)
                print(f"{job.name} failed: {files}", flush=True)
                continue
            for name, content in sorted(files.items(), reverse=True):  # the weights, then what says that they are there
                measured.put((plan.folder if name.endswith(".json") else weights_folder(plan.name)) / name, content)
            print(f"{stage}: {count} of {len(jobs)}, {job.label}; about {left / 60:.0f} min left", flush=True)
    return failed


def weights_folder(protocol: str) -> Path:
    """Where runs leave their weights: too large to be stored with the results."""
    return Path("_build") / "benchmark" / protocol


def in_processes(jobs: list[Job], workers: int, threads: int) -> Iterator[tuple[Job, dict[str, bytes] | str]]:
    """Do jobs in processes of this machine; yield each with its files, or with what went wrong."""
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(in_own_process, job, threads): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def over_ray(address: str, jobs: list[Job], threads: int) -> Iterator[tuple[Job, dict[str, bytes] | str]]:
    """Do jobs on a Ray cluster whose machines have this package; the same results, wherever a job lands."""
    import ray

    if not ray.is_initialized():
        ray.init(address=address, log_to_driver=False)
    work = ray.remote(num_cpus=threads, max_retries=3)(in_own_process)
    waiting = {work.remote(job, threads): job for job in jobs}
    while waiting:
        (done,), _ = ray.wait(list(waiting))
        yield waiting.pop(done), ray.get(done)


def in_own_process(job: Job, threads: int) -> dict[str, bytes] | str:
    """Do one job in a process of its own; return the files that it wrote by their names, or what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": str(threads),
        }
        command = [sys.executable, "-m", "nextframe.benchmark", "--job", json.dumps(dataclasses.asdict(job)), folder]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to: when it closes, this process is gone, and the job with it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        ) as process:
            errors = process.stderr.read().decode()
            if process.wait():
                return (errors.strip().splitlines() or [f"exit {process.returncode}"])[-1]
        written = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in written}


def _do(job: Job, folder: str) -> None:
    """Do a job in this process, and leave its files in a folder."""
    from nextframe import jobs

    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
    result, model = getattr(jobs, job.stage)(**job.settings)
    measured.write(job.name, {"settings": job.settings} | result, folder)
    if model is not None:
        model.save_weights(Path(folder) / f"{job.label}.weights.h5")


def _cut(steps: float, rounds: int) -> int:
    """Whole rounds, at least one step each."""
    return max(int(steps) // rounds, 1) * rounds


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; return 1 if a job failed."""
    parser = argparse.ArgumentParser(prog="python -m nextframe.benchmark", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--protocol",
        default="digits-32",
        help=f"one of {', '.join(protocols.NAMES)}, or a file of your own (default: %(default)s)",
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, metavar="MODEL")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED")
    parser.add_argument("--list", action="store_true", help="say what is measured and what is not, and stop")
    parser.add_argument("--only-missing", action="store_true", help="keep what older settings measured")
    parser.add_argument("--workers", type=int, help="processes at once (default: one for each core)")
    parser.add_argument("--ship", action="store_true", help="keep each model's best weights in the package, and stop")
    parser.add_argument("--ray", metavar="ADDRESS", help='run on a Ray cluster, or on a "local" one')
    parser.add_argument("--folder", default=measured.FOLDER, help="where results are kept")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        _do(Job(**json.loads(options.job[0])), options.job[1])
        return 0
    if options.list:
        plan = Benchmark(options.protocol, options.folder)
        for model in options.models or plan.models:
            jobs = [job for stage in STAGES for job in plan.jobs(stage, [model], options.seeds)]
            print(model + ":", *[f"{job.name} ({'done' if plan.is_done(job) else 'missing'})" for job in jobs])
        return 0
    if options.ship:
        from nextframe import pretrained

        shipped = pretrained.ship(options.protocol, options.folder, models=options.models)
        print("shipped:", ", ".join(shipped))
        return 0
    failed = benchmark(
        options.protocol,
        options.models,
        options.seeds,
        only_missing=options.only_missing,
        workers=options.workers,
        ray=options.ray,
        folder=options.folder,
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
