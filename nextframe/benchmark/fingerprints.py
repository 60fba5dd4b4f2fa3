"""Fingerprints: the inputs of a stored result (code, data), so that a result of other inputs can be refused."""

import functools
import hashlib
import inspect
import json

from nextframe._utils.structure import structure
from nextframe.benchmark.task import AnyTask
from nextframe.benchmark.tasks import load_task
from nextframe.models import build, model_functions
from nextframe.models.backbones import frame_encoder
from nextframe.models.on_differences import on_differences


def resolved_arguments(model: str, arguments: dict) -> dict:
    """Return all arguments of a model's function, defaults included, those of its frame encoder among them.

    Args:
        model: A name of `nextframe.models.model_functions`.
        arguments: Those that differ from the defaults.

    Raises:
        TypeError: An argument that the function does not take.
    """
    given = inspect.signature(model_functions()[model]).bind(None, **arguments)
    given.apply_defaults()
    found = dict(given.arguments)
    del found["context_shape"]
    if "encoder" in found:
        encoder = inspect.signature(frame_encoder).bind(None, **found.pop("encoder"))
        encoder.apply_defaults()
        found = {name: value for name, value in encoder.arguments.items() if name != "frame_shape"} | found
    return json.loads(json.dumps(found))  # as a file would give it back: lists in place of tuples


def data(task: AnyTask) -> str:
    """Return the SHA-256 of all that a task holds: its clips (to train on, choose by, be scored on), and the rest."""
    digest = hashlib.sha256()
    for part in task.contents():
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(part.tobytes())
    return digest.hexdigest()


@functools.cache
def _today(model: str, arguments: str, task: str, differences: bool) -> dict[str, str | int]:
    context_shape, fingerprint = _task(task)
    network = build(model, context_shape, **json.loads(arguments))
    if differences:
        network = on_differences(network)
    return {"parameters": network.count_params(), "structure": structure(network), "data": fingerprint}


@functools.cache
def _task(task: str) -> tuple[tuple[int, ...], str]:
    loaded = load_task(**json.loads(task))
    return loaded.context_shape, data(loaded)


def today(settings: dict) -> dict[str, str | int]:
    """Return the fingerprint that a measurement with these settings would have today.

    Args:
        settings: Of a job: the "model", a name of `nextframe.models.model_functions`; its "arguments"; those of
            `nextframe.benchmark.tasks.load_task`, as "task"; and "differences", where the model reads them.

    Returns:
        "parameters", their number; "structure" and "data", each a SHA-256.
    """
    arguments, task = (json.dumps(settings[name], sort_keys=True) for name in ("arguments", "task"))
    return _today(settings["model"], arguments, task, settings.get("differences", False))
