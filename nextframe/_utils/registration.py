"""Make `keras.saving.load_model` know the package's layers as soon as Keras is there, without loading it for that."""

import importlib
from types import ModuleType

import wrapt


def register_layers(keras: ModuleType) -> None:
    """Import the layers, which registers them."""
    importlib.import_module("nextframe.layers")


wrapt.register_post_import_hook(register_layers, "keras")
