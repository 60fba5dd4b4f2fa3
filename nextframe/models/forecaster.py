"""The book's own network: move the last frame's pixels by a learned motion, then correct what moving cannot do."""

import keras
import numpy as np
from keras import layers, ops

from nextframe.checks import whole_number
from nextframe.models.baselines import context_input
from nextframe.models.heads import to_frame
from nextframe.models.reshaping import (
    frames_to_channels,
    from_patches,
    to_patches,
)


def block(x):
    """Two convolutions whose result is added to what came in; before training, they add nothing."""
    filters = x.shape[-1]
    change = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x + layers.Conv2D(
        filters, 3, padding="same", kernel_initializer="zeros"
    )(change)


def cheap_block(x):
    """The same for a third of the operations: look around in each channel, then mix the channels of each place."""
    filters = x.shape[-1]
    change = layers.DepthwiseConv2D(3, padding="same")(x)
    change = layers.Conv2D(3 * filters, 1, activation="relu")(change)
    return x + layers.Conv2D(filters, 1, kernel_initializer="zeros")(change)


def see(x, filters, blocks, deep_filters, deep_blocks):
    """Look closely, once from twice as far, and closely again: a small U-Net of residual blocks."""
    options = {"padding": "same", "activation": "relu"}
    near = x = cheap_block(layers.Conv2D(filters, 3, **options)(x))
    if deep_blocks:
        x = layers.Conv2D(deep_filters, 3, strides=2, **options)(x)
        for _ in range(deep_blocks):
            x = block(x)
        x = layers.ReLU()(x)
        x = near + layers.Conv2DTranspose(filters, 2, strides=2)(x)
    for _ in range(blocks - 1):
        x = cheap_block(x)
    return layers.ReLU()(x)


def motion(x, reach):
    """Say for each patch how much of the frame comes there by which shift; before training, all by none."""
    if reach == 0:
        return ops.ones_like(x[..., :1])
    shifts = (2 * reach + 1) ** 2
    options = {"kernel_initializer": "zeros", "dtype": "float32"}
    change = layers.Conv2D(shifts, 1, **options)(x)
    return change + np.eye(shifts, dtype="float32")[shifts // 2]


def move(frame, motion, reach, patch):
    """Move each square of pixels by a blend of all shifts up to `reach`; `motion` says how much of each.

    `(batch, h, w, 1)` and `(batch, rows, columns, (2 reach + 1)²)` → `(batch, rows, columns, patch²)`.
    """
    rows, columns = motion.shape[1:3]
    side, window = 2 * reach + 1, 2 * reach + patch
    padded = ops.pad(frame, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    # All that a patch's pixels can be reached from. A convolution cuts it
    # out: with strides, `extract_patches` fails in a model of Keras 3.13.
    cut = np.eye(window**2, dtype="float32").reshape(window, window, 1, -1)
    around = ops.conv(padded, cut, strides=patch, padding="valid")
    around = ops.reshape(around, (-1, rows, columns, window, window))
    motion = ops.reshape(motion, (-1, rows, columns, side, side))
    moved = [
        ops.sum(
            motion * around[..., down : down + side, right : right + side],
            axis=(-2, -1),
        )
        for down in range(patch)
        for right in range(patch)
    ]
    return ops.stack(moved, axis=-1)


def check_sizes(context_shape, blocks, deep_blocks, frames, reach, patch):
    """Raise a ValueError that names what does not fit."""
    whole_number("frames", frames)
    whole_number("blocks", blocks)
    whole_number("deep_blocks", deep_blocks, least=0)
    whole_number("reach", reach, least=0)
    if any(side % (2 * patch) for side in context_shape[1:3]):
        raise ValueError(
            f"context_shape={tuple(context_shape)}: height and width must "
            f"be multiples of 2 × patch = {2 * patch}: resize the frames, or "
            "choose another patch"
        )


def forecaster(
    context_shape: tuple[int, ...],
    filters: int = 48,
    blocks: int = 4,
    deep_filters: int = 64,
    deep_blocks: int = 1,
    frames: int = 5,
    reach: int = 3,
    patch: int = 2,
) -> keras.Model:
    """Read the last frames as channels, move the last one by what they tell, and add a correction.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels where the picture has a place for each patch.
        blocks: Residual blocks there, of depthwise and 1×1 convolutions: one before looking from further away, the
            others after.
        deep_filters: Channels where it has one for each 2×2 patches.
        deep_blocks: Residual blocks there, of two plain convolutions; with 0, nothing is seen from so far.
        frames: How many of the context's last frames are read, if it has as many.
        reach: How far a pixel can move from one frame to the next, in pixels; with 0, none does.
        patch: Side of the squares of pixels that move together; see `nextframe.models.reshaping`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape that does not exist, sides that `2 × patch` does not divide, or a number that is
            too small.
    """
    context = context_input(context_shape)
    check_sizes(context_shape, blocks, deep_blocks, frames, reach, patch)
    seen = to_patches(context[:, -frames:], patch)
    x = frames_to_channels(seen)
    x = see(x, filters, blocks, deep_filters, deep_blocks)
    moved = move(context[:, -1], motion(x, reach), reach, patch)
    options = {"padding": "same", "kernel_initializer": "zeros"}
    correction = layers.Conv2D(patch**2, 3, **options)(x)
    parts = [moved, correction]
    frame = layers.Add(dtype="float32", name="moved_and_corrected")(parts)
    forecast = to_frame(context, from_patches(frame, patch), "linear")
    return keras.Model(context, forecast, name="forecaster")
