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
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

# before Keras is imported
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # workers share the GPU's memory
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")  # or a GPU would round factors to 10 bits (TF32)

import keras

from nextframe.benchmark import fingerprints, processes, protocols, results, tasks
from nextframe.benchmark.plan import Benchmark, Job
from nextframe.benchmark.task import AnyTask


def keep_tasks_in_memory(names: list[str], folder: str | os.PathLike) -> None:
    """Load the tasks of some protocols, so that a forked process has them."""
    load = cache(lambda text: tasks.TASKS[(given := json.loads(text)).pop("source")](**given))

    def load_task(source: str, **given: Any) -> AnyTask:
        return load(json.dumps(given | {"source": source}, sort_keys=True))

    tasks.load_task = load_task
    fingerprints.load_task = load_task
    for name in names:
        plan = Benchmark(name, folder)
        for task in {json.dumps(plan.inputs(row)["task"], sort_keys=True) for row in plan.settings["models"]}:
            fingerprints._task(task)


class Order(NamedTuple):
    """A job, and where it comes from."""

    protocol: str
    row: str
    job: Job


class Queue:
    """What can be done next, in order. Stored results are read once, and a row's again when its search goes on."""

    def __init__(self, protocols: list[str], rows: list[str] | None, folder: str | os.PathLike):
        """List what these protocols lack, or these rows of them."""
        self.plans = {name: Benchmark(name, folder) for name in protocols}
        self.waiting: list[Order] = []
        self._listed: set[tuple[str, str]] = set()
        for name, plan in self.plans.items():
            for row in plan.settings["models"]:
                if rows is None or row in rows:
                    self._list(name, row)

    def take(self) -> Order | None:
        """Return the next one, each once; None if nothing can be done now."""
        return self.waiting.pop(0) if self.waiting else None

    def done(self, order: Order) -> None:
        """Add the runs that waited for a search."""
        if order.job.stage == "search":
            self._list(order.protocol, order.row)

    def _list(self, protocol: str, row: str) -> None:
        for job in missing(self.plans[protocol], row):
            if (protocol, job.name) not in self._listed:
                self._listed.add((protocol, job.name))
                self.waiting.append(Order(protocol, row, job))
        self.waiting.sort(key=self._place)

    def _place(self, order: Order) -> tuple[int, bool, int, int]:
        """By protocol; then what others wait for; then the first seeds, and of these the longest."""
        settings = order.job.settings
        protocol = list(self.plans).index(order.protocol)
        return protocol, order.job.stage != "search", settings["seed"], -settings["steps"]


def missing(plan: Benchmark, row: str) -> list[Job]:
    """Return what a row lacks: of its search, and when that is whole, of its runs.

    A stored job counts if its settings are those of today. Its fingerprint is not looked at, since that would build
    its network here, and JAX must not start before the workers are forked.
    """
    stages = ([job for job in plan.jobs(stage, [row]) if not is_stored(plan, job)] for stage in ("search", "runs"))
    return next(filter(None, stages), [])


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

    queue = Queue(options.protocols, options.models, options.folder)
    idle, busy, failed = [hire() for _ in range(options.workers)], {}, []
    while time.perf_counter() < begun + 60 * options.minutes:
        while idle and (order := queue.take()):
            busy[worker := idle.pop()] = order
            worker.send((order.protocol, order.job))
        if not busy:
            break
        ready = wait(list(busy), timeout=1)
        for worker in [each for each in busy if each in ready]:
            order = busy.pop(worker)
            try:
                good, said = worker.recv()
                idle.append(worker)
            except (EOFError, ConnectionError):  # it died, of memory perhaps
                good, said = False, "its process ended"
                idle.append(hire())
            if good:
                queue.done(order)
            else:
                failed.append(order.job.name)
            print(f"{time.perf_counter() - begun:4.0f} s  {order.protocol} {order.job.name}: {said}", flush=True)
    for process in workers.values():
        process.kill()
    left = len(queue.waiting) + len(busy)
    print(f"failed: {', '.join(failed) or 'none'}; {left} jobs can be done next")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
