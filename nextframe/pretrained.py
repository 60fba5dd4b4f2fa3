"""This book's own trained weights: the best run of each model under the protocol `digits-32`.

Weights ship as `.weights.h5` with numbers of 16 bits, half the size of Keras's own; they become 32 bits when loaded. Of
a large array, 8 bits are kept: see `rounded`.
"""

import hashlib
import io
import os
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import h5py
import keras
import numpy as np

from nextframe import measured
from nextframe.benchmark import Benchmark, weights_folder
from nextframe.checks import one_of
from nextframe.models import build

FOLDER = Path(str(files("nextframe"))) / "data" / "trained"
LARGE = 100_000  # numbers; arrays of so many are rounded to 8 bits
_LIST = "index"  # the measured result that says what is there


def load(name: str, folder: str | os.PathLike = FOLDER) -> keras.Model:
    """Build a model with the weights that it ships with.

    Args:
        name: One of `names()`.
        folder: Where the weights are.

    Returns:
        Model from a context `(batch, 10, 32, 32, 1)` to a target `(batch, 32, 32, 1)`, trained on moving digits.

    Raises:
        ValueError: No weights of that name, or the file is not the one that was shipped.
    """
    shipped = measured.read(_LIST, folder)["models"]
    one_of("name", name, shipped)
    about = shipped[name]
    path = Path(folder) / f"{name}.weights.h5"
    if hashlib.sha256(path.read_bytes()).hexdigest() != about["sha256"]:
        raise ValueError(f"{path} is not the file that was shipped (its SHA-256 differs): install nextframe again")
    model = build(name, tuple(about["context_shape"]), **about["size"])
    model.load_weights(path)
    return model


def names(folder: str | os.PathLike = FOLDER) -> list[str]:
    """Return the names of the models that ship with weights."""
    return list(measured.read(_LIST, folder)["models"])


def ship(
    protocol: str | os.PathLike = "digits-32",
    results: str | os.PathLike = measured.FOLDER,
    folder: str | os.PathLike = FOLDER,
    models: Iterable[str] | None = None,
) -> list[str]:
    """Keep the weights of each model's best run, chosen on the validation films, so that `load` finds them.

    What was shipped before stays, where the best run is still the same one.

    Args:
        protocol, results: As in `nextframe.benchmark.benchmark`, which has left the weights of its runs.
        folder: Where to.
        models: Names of those to ship; the others stay as they are. Default: all of the protocol.

    Returns:
        Names of all models that ship.

    Raises:
        FileNotFoundError: The weights of a best run are neither here nor shipped: run the benchmark here.
    """
    plan = Benchmark(protocol, results)
    folder = Path(folder)
    before = measured.read(_LIST, folder)["models"] if (folder / f"{_LIST}.json").exists() else {}
    shipped, contents = {name: about for name, about in before.items() if name in plan.settings["models"]}, {}
    for model in plan.settings["models"] if models is None else models:
        runs = {job.label: plan.read(job.name) for job in plan.jobs("runs", [model]) if plan.is_done(job)}
        if not runs:
            continue
        best = min(runs, key=lambda label: runs[label]["validation"])
        about = {
            "run": best,
            "validation": runs[best]["validation"],
            "size": runs[best]["settings"]["size"],
            "context_shape": runs[best]["context_shape"],
        }
        source = weights_folder(plan.name) / f"{best}.weights.h5"
        if source.exists():
            contents[model] = packed(source)
            shipped[model] = about | {"sha256": hashlib.sha256(contents[model]).hexdigest()}
        elif not about.items() <= before.get(model, {}).items():
            raise FileNotFoundError(
                f"{source} is missing, though {best} was measured: delete its result, and run the benchmark again"
            )
    for model, content in contents.items():
        measured.put(folder / f"{model}.weights.h5", content)
    measured.write(_LIST, {"protocol": plan.name, "models": shipped}, folder)
    return list(shipped)


def step(values: np.ndarray) -> float:
    """Return the smallest power of two whose multiples from -127 to 127 reach as far as the values do."""
    return 2.0 ** np.ceil(np.log2(max(np.abs(values).max(initial=0), np.finfo(np.float16).tiny) / 127))


def rounded(values: np.ndarray) -> np.ndarray:
    """Round to multiples of `step`: as 8 bits hold, and 16 as floats. Of any shape and dtype, float16 returned."""
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

        def copy(name, item):
            if name.split("/")[0] == "optimizer":  # Keras stores it along once a model has been trained
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
