"""Run the missing measurements of a protocol.

Jobs run in processes of their own. Finished ones are skipped, so a benchmark that was killed goes on where it stopped.
"""

import os
import time
from collections.abc import Iterable

from nextframe._utils.validation import one_of
from nextframe.benchmark import results
from nextframe.benchmark.plan import STAGES, Benchmark
from nextframe.benchmark.processes import in_processes, over_ray


def run_benchmark(
    protocol: str | os.PathLike,
    models: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
    *,
    only_missing: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    folder: str | os.PathLike = results.FOLDER,
) -> list[str]:
    """Run the missing measurements.

    Args:
        protocol: As in `nextframe.benchmark.protocols.settings`.
        models: Names of models. Default: `Benchmark.models`.
        seeds: Default: the protocol's.
        only_missing: Whether to keep existing results although the protocol has changed since.
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
        one_of("model", model, plan.models)
    cores = os.cpu_count() or 1
    failed = []
    for stage in STAGES:
        jobs = [job for job in plan.jobs(stage, models, seeds) if not plan.is_done(job, only_missing)]
        at_once = 1 if stage == "calibration" else workers or cores
        threads = cores if stage == "calibration" else 1
        begun, done, total = time.perf_counter(), 0.0, sum(job.seconds for job in jobs)
        done_by = over_ray(ray, jobs, threads) if ray else in_processes(jobs, at_once, threads)
        for count, (job, files) in enumerate(done_by, 1):
            done += job.seconds
            left = (time.perf_counter() - begun) * (total - done) / done
            if isinstance(files, str):
                failed.append(job.name)
                print(f"{job.name} failed: {files}", flush=True)
                continue
            plan.store(files)
            print(f"{stage}: {count} of {len(jobs)}, {job.label}; about {left / 60:.0f} min left", flush=True)
    return failed
