"""Fingerprints: the inputs of a stored result (code, data), so that a result of other inputs can be refused."""

import functools
import hashlib
import inspect
import json
from typing import Any

import keras

from nextframe.benchmark.task import AnyTask
from nextframe.benchmark.tasks import load_task
from nextframe.models import build, model_functions
from nextframe.models.backbones import frame_encoder
from nextframe.models.on_differences import on_differences

_NAMES = ("name", "module", "registered_name", "build_config", "compile_config")


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


def structure(model: keras.Model) -> str:
    """Return the SHA-256 of a model's layers, their settings and connections, regardless of their names.

    Settings that have their layer's default value are left out, so a release of Keras that adds one changes nothing.
    """
    config = keras.saving.serialize_keras_object(model)
    return hashlib.sha256(json.dumps(_without_names(config), sort_keys=True).encode()).hexdigest()


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


def _without_names(value: Any, positions: dict[str, int] | None = None) -> Any:
    """A serialized model without names: references to layers become positions, and default settings are left out."""
    positions = positions or {}
    if isinstance(value, list | tuple):
        return [_without_names(each, positions) for each in value]
    if isinstance(value, str):
        return positions.get(value, value)
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    kept = {
        # "softmax" is an activation, and the name of a process's first operation of that kind
        key: each if key == "activation" else _without_names(each, positions)
        for key, each in value.items()
        if key not in (*_NAMES, "config")
    }
    if isinstance(config, dict):
        if "layers" in config:  # a model: its layers refer to one another, and not to those around it
            positions = {layer["name"]: position for position, layer in enumerate(config["layers"])}
        config = _without_defaults(value, config)
    return kept | {"config": _without_names(config, positions)} if "config" in value else kept


def _without_defaults(serialized: dict, config: dict) -> dict:
    """Settings that differ from Keras's defaults; all of them for this package's layers, whose defaults may change."""
    defaults = {}
    if str(serialized.get("module")).startswith("keras"):
        layer = getattr(keras.layers, str(serialized.get("class_name")), None)
        if layer is not None:
            defaults = {name: each.default for name, each in inspect.signature(layer.__init__).parameters.items()}
    return {
        name: value
        for name, value in config.items()
        if value is not None and not (name in defaults and _as_json(defaults[name]) == _as_json(value))
    }


def _as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
