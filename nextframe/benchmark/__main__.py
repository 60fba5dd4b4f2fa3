"""The command line of the benchmark: `python -m nextframe.benchmark --protocol digits-32`."""

import argparse
import json
import sys

from nextframe.benchmark import protocols, results
from nextframe.benchmark.plan import STAGES, Benchmark, Job
from nextframe.benchmark.processes import do, end_with_parent
from nextframe.benchmark.runner import run_benchmark


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; return 1 if a job failed."""
    parser = argparse.ArgumentParser(
        prog="python -m nextframe.benchmark", description="Measure every model under one protocol."
    )
    parser.add_argument(
        "--protocol",
        default="digits-32",
        help=f"one of {', '.join(protocols.NAMES)}, or a file of your own (default: %(default)s)",
    )
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="rows of the protocol (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED")
    parser.add_argument("--list", action="store_true", help="list measured and missing results, and stop")
    parser.add_argument("--only-missing", action="store_true", help="keep what older settings measured")
    parser.add_argument("--workers", type=int, help="processes at once (default: one for each core)")
    parser.add_argument("--ship", action="store_true", help="keep each model's best weights in the package, and stop")
    parser.add_argument("--ray", metavar="ADDRESS", help='run on a Ray cluster, or on a "local" one')
    parser.add_argument("--folder", default=results.FOLDER, help="where results are kept")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        end_with_parent()
        do(Job(**json.loads(options.job[0])), options.job[1])
        return 0
    plan = Benchmark(options.protocol, options.folder)
    if unknown := set(options.models or []) - set(plan.models):
        parser.error(f"no model {', '.join(sorted(unknown))}: choose from {', '.join(plan.models)}")
    if options.list:
        for model in options.models or plan.models:
            jobs = [job for stage in STAGES for job in plan.jobs(stage, [model], options.seeds)]
            print(model + ":", *[f"{job.name} ({'done' if plan.is_done(job) else 'missing'})" for job in jobs])
        return 0
    if options.ship:
        from nextframe.benchmark import shipping

        shipped = shipping.ship(options.protocol, options.folder, models=options.models)
        print("shipped:", ", ".join(shipped))
        return 0
    failed = run_benchmark(
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
