"""Structure of a model: what it computes but for its weights, as a hash that tells two models apart."""

import hashlib
import inspect
import json
from typing import Any

import keras

_NAMES = ("name", "module", "registered_name", "build_config", "compile_config")


def structure(model: keras.Model) -> str:
    """Return the SHA-256 of a model's layers, their settings and connections, regardless of their names.

    Settings that have their layer's default value are left out, so a release of Keras that adds one changes nothing.
    """
    config = keras.saving.serialize_keras_object(model)
    return hashlib.sha256(json.dumps(_without_names(config), sort_keys=True).encode()).hexdigest()


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
            positions = {layer.get("name"): position for position, layer in enumerate(config["layers"])}
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
