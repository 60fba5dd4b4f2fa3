"""Shipping: the weights of each model's best run, made small and kept in the package.

Weights ship as `.weights.h5` with numbers of 16 bits, half the size of Keras's own; they become 32 bits when loaded. Of
a large array, 8 bits are kept: see `rounded`.
"""

import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from nextframe._utils.files import write_atomically
from nextframe.benchmark import results
from nextframe.benchmark.plan import Benchmark
from nextframe.pretrained import FOLDER, FOLDERS, INDEX, read_index

LARGE = 100_000  # numbers; arrays of so many are rounded to 8 bits


def ship(
    protocol: str | os.PathLike = "digits-32",
    results_folder: str | os.PathLike = results.FOLDER,
    folder: str | os.PathLike | None = None,
    models: Iterable[str] | None = None,
) -> list[str]:
    """Keep the weights of each model's best run, chosen on the validation clips, so that `load` finds them.

    A model's shipped weights stay as they are if its best run is still the same one.

    Args:
        protocol, results_folder: As in `nextframe.benchmark.runner.run_benchmark`; its runs leave their weights.
        folder: Where to. Default: where `nextframe.load` looks for models of that protocol.
        models: Names of those to ship; the others stay as they are. Default: all of the protocol.

    Returns:
        Names of all models that ship.

    Raises:
        FileNotFoundError: The weights of a best run are neither here nor shipped: run the benchmark here.
    """
    plan = Benchmark(protocol, results_folder)
    folder = Path(folder or FOLDERS.get(plan.name, FOLDER))
    before = read_index(folder) if (folder / INDEX).exists() else {}
    shipped, contents = {name: about for name, about in before.items() if name in plan.settings["models"]}, {}
    for model in plan.settings["models"] if models is None else models:
        runs = {
            job.label: results.load(job.name, plan.folder) for job in plan.jobs("runs", [model]) if plan.is_done(job)
        }
        runs = {label: run for label, run in runs.items() if run["validation"] is not None}  # the rest has diverged
        if not runs:
            continue
        best = min(runs, key=lambda label: runs[label]["validation"])
        about = {
            "run": best,
            "validation": runs[best]["validation"],
            "arguments": runs[best]["settings"]["arguments"],
            "context_shape": runs[best]["context_shape"],
        }
        if model != runs[best]["settings"]["model"]:
            about["model"] = runs[best]["settings"]["model"]
        source = plan.weights_folder / f"{best}.weights.h5"
        if source.exists():
            contents[model] = packed(source)
            shipped[model] = about | {"sha256": hashlib.sha256(contents[model]).hexdigest()}
        elif not about.items() <= before.get(model, {}).items():
            raise FileNotFoundError(
                f"{source} is missing, though {best} was measured: delete its result, and run the benchmark again"
            )
    for model, content in contents.items():
        write_atomically(folder / f"{model}.weights.h5", content)
    results.save(Path(INDEX).stem, {"protocol": plan.name, "models": shipped}, folder)
    return list(shipped)


def step(values: np.ndarray) -> float:
    """Return the smallest power of two whose multiples from -127 to 127 reach as far as the values do."""
    return 2.0 ** np.ceil(np.log2(max(np.abs(values).max(initial=0), np.finfo(np.float16).tiny) / 127))


def rounded(values: np.ndarray) -> np.ndarray:
    """Round an array of any shape and dtype to multiples of `step`, which fit 8 bits; return it as float16."""
    unit = step(values)
    return (np.round(values / unit) * unit).astype(np.float16)


def packed(path: str | os.PathLike) -> bytes:
    """Return a weights file of Keras with its floats in 16 bits and compressed, and without the optimizer's state.

    Arrays of `LARGE` numbers or more are rounded to 8 bits first.

    Raises:
        OverflowError: A weight is too large for 16 bits.
    """
    memory = io.BytesIO()
    with h5py.File(path) as source, h5py.File(memory, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if name.split("/")[0] == "optimizer":  # Keras stores it as well once a model has been trained
                return
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype == np.float32:
                if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                    raise OverflowError(f"{path}: {name} has a weight too large for 16 bits: ship it in 32")
                values = values.astype(np.float16) if values.size < LARGE else rounded(values)
            options = {"compression": "gzip", "shuffle": True} if values.ndim else {}
            target.create_dataset(name, data=values, **options).attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    return memory.getvalue()
