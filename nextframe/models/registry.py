"""Models by name, for building, comparing and shipping them."""

from collections.abc import Callable
from typing import Any

import keras

from nextframe._utils.validation import one_of
from nextframe.models.baselines import (
    black,
    context_mean,
    copy_last,
    linear_extrapolation,
    mirrored_flow,
    optical_flow,
)
from nextframe.models.conv3d import conv3d
from nextframe.models.conv_lstm import conv_lstm
from nextframe.models.conv_then_lstm import conv_then_lstm
from nextframe.models.dense_lstm import dense_lstm
from nextframe.models.flow_matching import flow_matching
from nextframe.models.flow_unet import flow_unet
from nextframe.models.forecaster import forecaster
from nextframe.models.frames_as_channels import frames_as_channels
from nextframe.models.grid_hybrid import grid_hybrid
from nextframe.models.many_futures import many_futures
from nextframe.models.predformer import predformer
from nextframe.models.predrnn import predrnn
from nextframe.models.quantile_bands import quantile_bands
from nextframe.models.simvp import simvp
from nextframe.models.stacked_hybrid import stacked_classifier, stacked_hybrid
from nextframe.models.steerable import steerable
from nextframe.models.time_distributed import (
    time_distributed,
    time_distributed_classifier,
)
from nextframe.models.unet import unet

BASELINES = (
    copy_last,
    context_mean,
    linear_extrapolation,
    black,
    optical_flow,
)
NETWORKS = (
    dense_lstm,
    frames_as_channels,
    unet,
    conv3d,
    conv_lstm,
    conv_then_lstm,
    time_distributed,
    stacked_hybrid,
    grid_hybrid,
    forecaster,
    flow_unet,
    simvp,
    predrnn,
    predformer,
)
# `mirrored_flow` is for videos whose walls are the frame's edges, so it is
# no baseline of every comparison
UNTRAINED = (*BASELINES, mirrored_flow)
# They label a whole clip, and forecast nothing
_CLASSIFIERS = (time_distributed_classifier, stacked_classifier)
CLASSIFIERS = {model.__name__: model for model in _CLASSIFIERS}
# They say of the next frame more than one forecast can; see `nextframe.sampling`
_PROBABILISTIC = (many_futures, flow_matching, quantile_bands)
PROBABILISTIC = {model.__name__: model for model in _PROBABILISTIC}
# They read an action beside the context; see `nextframe.steering`
STEERABLE = {steerable.__name__: steerable}
MODELS = {model.__name__: model for model in (*UNTRAINED, *NETWORKS)}


def model_functions() -> dict[str, Callable[..., keras.Model]]:
    """Return every function that `build` calls, by its name: of all four kinds."""
    return MODELS | PROBABILISTIC | CLASSIFIERS | STEERABLE


def build(
    name: str, context_shape: tuple[int, ...], **size: Any
) -> keras.Model:
    """Build a model by its name.

    Args:
        name: One of `MODELS`, `PROBABILISTIC`, `CLASSIFIERS` or `STEERABLE`.
        context_shape: `(N, height, width, 1)`.
        **size: Arguments of the model's own function, such as `filters`.

    Returns:
        A model that maps a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or, where it
        takes a `horizon` above 1, to `(batch, horizon, height, width, 1)`; a classifier maps it to probabilities
        `(batch, classes)`. What one of `PROBABILISTIC` makes, and one of `STEERABLE` reads, is said there.

    Raises:
        ValueError: An unknown name, or a context shape that does not fit the model.
    """
    known = model_functions()
    one_of("model", name, known)
    return known[name](context_shape, **size)
