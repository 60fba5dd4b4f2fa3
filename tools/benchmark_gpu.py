"""Measure what protocols lack on one GPU that many trainings share, with Keras on JAX; TensorFlow need not be there.

    python tools/benchmark_gpu.py digits-32-parts digits-32-budgets --minutes 8 --workers 10

`python -m nextframe.benchmark` starts a process for each job, which loads Keras and draws the clips again. Here workers
are forked from one process that has done both, and each does job after job. Frames of 32×32 do not fill a GPU: with
NVIDIA's MPS running (`nvidia-cuda-mps-control -d`), trainings compute side by side. Calibrations must be stored: the
seconds of a protocol are those of two cores. Jobs that the time is too short for go on where they stopped, next time.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

# before Keras is imported
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # workers share the GPU's memory
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")  # or a GPU would round factors to 10 bits (TF32)

import keras

from nextframe.benchmark import fingerprints, processes, protocols, results, tasks
from nextframe.benchmark.plan import Benchmark, Job
from nextframe.benchmark.task import LabelledTask, Task


def keep_tasks_in_memory(names: list[str], folder: str | os.PathLike) -> None:
    """Load the tasks of some protocols, so that a forked process has them."""
    load = cache(lambda text: tasks.TASKS[(given := json.loads(text)).pop("source")](**given))

    def load_task(source: str, **given: Any) -> Task | LabelledTask:
        return load(json.dumps(given | {"source": source}, sort_keys=True))

    tasks.load_task = load_task
    fingerprints.load_task = load_task
    for name in names:
        plan = Benchmark(name, folder)
        for task in {json.dumps(plan.inputs(row)["task"], sort_keys=True) for row in plan.settings["models"]}:
            fingerprints._task(task)


def missing(names: list[str], rows: list[str] | None, folder: str | os.PathLike) -> Iterator[tuple[str, Job]]:
    """Yield protocols and their jobs, in order: of each row its search, and when that is whole, its runs.

    A stored job counts if its settings are those of today. Its fingerprint is not looked at, since that would build
    its network here, and JAX must not start before the workers are forked.
    """
    for name in names:
        plan = Benchmark(name, folder)
        jobs = []
        for row in plan.settings["models"]:
            if rows is None or row in rows:
                stages = (
                    [job for job in plan.jobs(stage, [row]) if not is_stored(plan, job)] for stage in ("search", "runs")
                )
                jobs += next(filter(None, stages), [])
        # what others wait for; then the first seeds, and of these the longest
        jobs.sort(key=lambda job: (job.stage != "search", job.settings["seed"], -job.settings["steps"]))
        yield from ((name, job) for job in jobs)


def is_stored(plan: Benchmark, job: Job) -> bool:
    """Whether a measurement with a job's settings is there."""
    stored = plan.read(job.name)
    return stored is not None and stored["settings"] == job.settings


def work(orders: Connection, folder: str | os.PathLike) -> None:
    """Do the jobs that come, one after the other; answer each with what to print."""
    while True:
        name, job = orders.recv()
        begun = time.perf_counter()
        try:
            with tempfile.TemporaryDirectory() as written:
                processes.do(job, written)
                Benchmark(name, folder).store(processes.written(written))
            orders.send((True, f"{time.perf_counter() - begun:.0f} s"))
        except Exception as error:
            traceback.print_exc()
            orders.send((False, f"{type(error).__name__}: {error}"))
        keras.backend.clear_session()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; return 1 if a job failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "protocols", nargs="+", metavar="PROTOCOL", help=f"of {', '.join(protocols.NAMES)}; in this order"
    )
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="rows of the protocols (default: all)")
    parser.add_argument("--minutes", type=float, default=8, help="stop after these (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=10, help="trainings at once (default: %(default)s)")
    parser.add_argument("--folder", default=results.FOLDER, help="where results are kept")
    options = parser.parse_args(arguments)
    if keras.backend.backend() != "jax":
        parser.error(f"KERAS_BACKEND is {keras.backend.backend()}: set it to jax")
    begun = time.perf_counter()
    keep_tasks_in_memory(options.protocols, options.folder)
    forked = multiprocessing.get_context("fork")
    workers: dict[Connection, BaseProcess] = {}

    def hire() -> Connection:
        ours, theirs = forked.Pipe()
        workers[ours] = forked.Process(target=work, args=(theirs, options.folder), daemon=True)
        workers[ours].start()
        theirs.close()
        return ours

    idle, busy, given, failed = [hire() for _ in range(options.workers)], {}, set(), []
    while time.perf_counter() < begun + 60 * options.minutes:
        todo = (
            each
            for each in missing(options.protocols, options.models, options.folder)
            if (each[0], each[1].name) not in given
        )
        while idle and (each := next(todo, None)):
            busy[worker := idle.pop()] = each
            given.add((each[0], each[1].name))
            worker.send(each)
        if not busy:
            break
        ready = wait(list(busy), timeout=1)
        for worker in [each for each in busy if each in ready]:
            name, job = busy.pop(worker)
            try:
                good, said = worker.recv()
                idle.append(worker)
            except (EOFError, ConnectionError):  # it died, of memory perhaps
                good, said = False, "its process ended"
                idle.append(hire())
            if not good:
                failed.append(job.name)
            print(f"{time.perf_counter() - begun:4.0f} s  {name} {job.name}: {said}", flush=True)
    for process in workers.values():
        process.kill()
    left = len(list(missing(options.protocols, options.models, options.folder)))
    print(f"failed: {', '.join(failed) or 'none'}; {left} jobs can be done next")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
