"""Protocols of the benchmark: which task, how long to train, and each model's arguments.

They are files beside this module, `digits-32.toml` and its like. Each line of `[models]` is a row of the comparison:
a model's arguments; `model`, where the row is not named after its model; `task`, `training` and `search`, where it has
entries of its own in place of those of these tables. With `[variants]`, each row is measured once for each of them: row
`lstm` with the changes of variant `short` is the row `lstm-short`. With `base`, a protocol says only what differs from
another one, or from the first of several; its seconds are as many steps as their calibrations have timed. TOML has no
null, so "null" stands for None.
"""

import os
import tomllib
from importlib.resources import files
from pathlib import Path

from nextframe._utils.validation import one_of

_NO_ARGUMENTS = ("model", "task", "training", "search")  # entries of a row that its model does not take
_FOLDER = files("nextframe.benchmark")  # holds the protocols of the book
NAMES = tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def settings(protocol: str | os.PathLike) -> dict:
    """Read a protocol of the benchmark: its task, training, search and models, as in its file, variants multiplied out.

    Args:
        protocol: One of `NAMES`, or the path of a file of your own in the same format.

    Raises:
        ValueError: An unknown protocol, or a file that lacks a table.
    """
    if str(protocol).endswith(".toml"):
        text = Path(protocol).read_text(encoding="utf-8")
    else:
        one_of("protocol", protocol, NAMES)
        text = (_FOLDER / f"{protocol}.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    if "base" in tables:
        tables["base"] = [tables["base"]] if isinstance(tables["base"], str) else tables["base"]
        base = settings(tables["base"][0])
        changed = {name: base[name] | tables.get(name, {}) for name in ("task", "training", "search")}
        tables = base | tables | changed
    missing = {"task", "training", "search", "models"} - set(tables)
    if missing:
        raise ValueError(f"{protocol} has no table {', '.join(sorted(missing))}: write it like digits-32.toml")
    variants = tables.get("variants")
    if variants:
        tables["models"] = {
            f"{row}-{variant}": {"model": row} | arguments | changes
            for row, arguments in tables["models"].items()
            for variant, changes in variants.items()
        }
    return tables


def arguments(row: dict) -> dict:
    """Return those entries of a row of `[models]` that are arguments of its model."""
    given = {name: value for name, value in row.items() if name not in _NO_ARGUMENTS}
    return {name: None if value == "null" else value for name, value in given.items()}
