"""The input of every model: a context of N frames."""

import operator
from typing import Any

import keras

from nextframe._utils.validation import shown


def check_context_shape(
    context_shape: Any, least: int = 1
) -> tuple[int, ...]:
    """Return a shape as a tuple of whole numbers; raise a ValueError unless it is that of a context."""
    array = getattr(context_shape, "shape", (0,))
    if len(array) != 1:
        raise ValueError(
            f"context_shape={shown(context_shape)}: expected a shape and not frames: "
            "pass (N, height, width, 1), such as contexts.shape[1:]"
        )
    try:
        shape = tuple(context_shape)
    except TypeError:
        shape = ()
    if len(shape) != 4 or shape[-1] != 1:
        raise ValueError(
            f"context_shape={shown(shape or context_shape)}: expected (N, height, width, 1)"
        )
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        sizes = (0,)
    if min(sizes) < 1:
        raise ValueError(
            f"context_shape={shown(shape)}: expected (N, height, width, 1) in "
            "whole numbers from 1 on, since a model is built for one size: name each of them"
        )
    if sizes[0] < least:
        raise ValueError(
            f"context_shape={shape}: needs at least {least} frames of context"
        )
    return sizes


def context_input(
    context_shape: tuple[int, ...], least: int = 1
) -> keras.KerasTensor:
    """Return the input of a model: a context of this shape, with at least so many frames.

    Raises:
        ValueError: Another shape, frames in its place, or Keras set to channels first.
    """
    sizes = check_context_shape(context_shape, least)
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            f"Keras's image_data_format is {keras.config.image_data_format()!r}; expected 'channels_last', since frames are "
            '(height, width, 1): call keras.config.set_image_data_format("channels_last") before building a model'
        )
    return keras.Input(sizes, name="context")
