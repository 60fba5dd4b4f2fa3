"""Jobs in processes of their own: on this machine, or on a Ray cluster.

Importing this module does not import Keras: Ray's processes do it, and only start those that compute.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextframe.benchmark.plan import Job

CHECKPOINTS = Path("_build") / "benchmark" / "checkpoints"  # of trainings that were cut off


def in_processes(jobs: list[Job], workers: int, threads: int) -> Iterator[tuple[Job, dict[str, bytes] | str]]:
    """Do jobs in processes of this machine; yield each with its files, or with its error."""
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(in_own_process, dataclasses.asdict(job), threads): job for job in jobs}
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
    waiting = {work.remote(dataclasses.asdict(job), threads): job for job in jobs}
    while waiting:
        (done,), _ = ray.wait(list(waiting))
        yield waiting.pop(done), ray.get(done)


def in_own_process(job: dict[str, Any], threads: int) -> dict[str, bytes] | str:
    """Do one job in a process of its own; return the files that it wrote by their names, or its error.

    Args:
        job: The arguments of a `nextframe.benchmark.plan.Job`.
        threads: That the process computes with.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            # TensorFlow's faster kernels for CPUs: by default only used where the processor has AVX-512's VNNI.
            # Without them a training step of Conv3D takes up to six times as long.
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": str(threads),
        }
        command = [sys.executable, "-m", "nextframe.benchmark", "--job", json.dumps(job), folder]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # nothing is written: it closes when this process ends, and so does the job
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        ) as process:
            assert process.stderr  # a pipe was asked for
            errors = process.stderr.read().decode()
            if process.wait():
                return (errors.strip().splitlines() or [f"exit {process.returncode}"])[-1]
        return written(folder)


def written(folder: str) -> dict[str, bytes]:
    """Return the files that a job left in a folder, by their names in it."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def do(job: Job, folder: str) -> None:
    """Do a job in this process, and leave its files in a folder; a training that was cut off goes on."""
    from nextframe.benchmark import fingerprints, results
    from nextframe.benchmark.experiments import STAGES

    settings = dict(job.settings)
    depends = fingerprints.today(job.settings)
    checkpoint = None
    if job.stage != "calibration":
        identity = hashlib.sha256(json.dumps([job.settings, depends], sort_keys=True).encode()).hexdigest()[:16]
        checkpoint = CHECKPOINTS / f"{job.label}-{identity}.npz"
        settings["checkpoint"] = checkpoint
    result, model = STAGES[job.stage](**settings)
    results.save(job.name, {"settings": job.settings, "fingerprint": depends} | result, folder)
    if model is not None:
        model.save_weights(Path(folder) / f"{job.label}.weights.h5")
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


def end_with_parent() -> None:
    """End this process as soon as its standard input closes, which it does when the process that started it ends."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
