"""Baselines: forecasts that need no training. A model that does not beat them has learned nothing.

Each is a function `(context_shape) -> keras.Model` like every model in this package: a context
`(batch, N, height, width, 1)` in, a target `(batch, height, width, 1)` out.
"""

import keras
from keras import ops

from nextframe.layers import FlowProposals, MirroredFlow
from nextframe.layers.flow_proposals import SMALLEST_SIDE
from nextframe.models.inputs import context_input


def copy_last(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast that nothing moves: the last frame again. Skill is measured against this one."""
    context = context_input(context_shape)
    return keras.Model(context, context[:, -1], name="copy_last")


def context_mean(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast the mean of the context: a still background without its moving objects."""
    context = context_input(context_shape)
    return keras.Model(
        context, ops.mean(context, axis=1), name="context_mean"
    )


def linear_extrapolation(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast that each pixel goes on changing as it just did: last + (last − one before). May leave 0..1."""
    context = context_input(context_shape, least=2)
    return keras.Model(
        context,
        2 * context[:, -1] - context[:, -2],
        name="linear_extrapolation",
    )


def half_extrapolation(
    context_shape: tuple[int, ...], factor: float = 0.5
) -> keras.Model:
    """Forecast that a part of the last change comes again: last + factor × (last − one before). May leave 0..1.

    Where half of the change is noise, this errs less than the whole change.
    """
    context = context_input(context_shape, least=2)
    last = context[:, -1]
    return keras.Model(
        context,
        last + factor * (last - context[:, -2]),
        name="half_extrapolation",
    )


def black(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast black: hard to beat on sparse frames, where it shows how little a small MSE can mean."""
    context = context_input(context_shape)
    return keras.Model(context, ops.zeros_like(context[:, -1]), name="black")


def optical_flow(
    context_shape: tuple[int, ...], scale: float = 1.0, carried: bool = False
) -> keras.Model:
    """Forecast that each patch moves on as it just did: the last frame, warped by its own optical flow.

    Args:
        context_shape: `(N, height, width, 1)`.
        scale: Factor on the motion: below 1 where it is uncertain.
        carried: Whether each patch's motion moves on with it; see `nextframe.layers.FlowProposals`.
    """
    context = _moving_context(context_shape)
    warp = FlowProposals(("carried" if carried else "flow",), scale)
    return keras.Model(context, warp(context)[:, 0], name="optical_flow")


def mirrored_flow(
    context_shape: tuple[int, ...], turns_at: float = 8.0, apart: float = 0.5
) -> keras.Model:
    """Forecast by optical flow that things come back from the edges of the frame, as moving digits do.

    Both numbers were chosen on training clips of the book's moving digits, which have 16 pixels. See
    `nextframe.layers.mirrored_flow.mirrored_flow` for how.

    Args:
        context_shape: `(N, height, width, 1)`; of three frames or more, a bounce that is just over is seen too.
        turns_at: Distance in pixels from an edge to the centre of brightness of what turns there.
        apart: Pixels a frame by which the motions of things that touch must differ to tell them apart.

    Raises:
        ValueError: The frames are too small for optical flow, or a number is not above 0.
    """
    context = _moving_context(context_shape)
    warp = MirroredFlow(turns_at, apart)
    return keras.Model(context, warp(context)[:, 0], name="mirrored_flow")


def _moving_context(context_shape: tuple[int, ...]) -> keras.KerasTensor:
    """Return the input of a model that finds motion by optical flow."""
    context = context_input(context_shape, least=2)
    height, width = context_shape[1:3]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"context_shape={tuple(context_shape)}: optical flow needs frames of at least "
            f"{SMALLEST_SIDE}×{SMALLEST_SIDE}: use larger frames, or another baseline"
        )
    return context
