"""Inputs: what every model reads."""

import keras


def context_input(
    context_shape: tuple[int, ...], least: int = 1
) -> keras.KerasTensor:
    """Return the input of a model: a context of this shape, with at least so many frames."""
    if len(context_shape) != 4 or context_shape[-1] != 1:
        raise ValueError(
            f"context_shape={tuple(context_shape)}: expected (N, height, width, 1)"
        )
    if context_shape[0] < least:
        raise ValueError(
            f"context_shape={tuple(context_shape)}: needs at least {least} frames of context"
        )
    return keras.Input(tuple(context_shape), name="context")
