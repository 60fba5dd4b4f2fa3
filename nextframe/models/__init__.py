"""Models. Each is a plain function `(context_shape, **size) -> keras.Model`, in a file of its own."""

from nextframe.models.registry import (
    BASELINES,
    CLASSIFIERS,
    MODELS,
    NETWORKS,
    PROBABILISTIC,
    UNTRAINED,
    build,
    model_functions,
)

__all__ = [
    "BASELINES",
    "CLASSIFIERS",
    "MODELS",
    "NETWORKS",
    "PROBABILISTIC",
    "UNTRAINED",
    "build",
    "model_functions",
]
