"""For real video: next frames proposed by optical flow, mixed and corrected by a small U-Net."""

from typing import Any

import keras
from keras import layers, ops

from nextframe.layers import FlowProposals
from nextframe.layers.flow_proposals import PROPOSALS, SMALLEST_SIDE
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    channels_to_frames,
    frames_to_channels,
    patchify,
    unpatchify,
)

FRAMES = 4  # the last ones of a context, which are read
PATCH = 2  # pixels a side
GAIN = 8.0  # frames differ by a few percent of the range; layers learn best from numbers near 1


def conv(
    x: keras.KerasTensor,
    filters: int,
    activation: str | None = "relu",
    **how: Any,
) -> keras.KerasTensor:
    """Convolve 3×3 without a bias: where nothing changes, nothing comes out."""
    return layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=False,
        activation=activation,
        **how,
    )(x)


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    """Residual block of two convolutions, nearly the identity before training."""
    small = keras.initializers.VarianceScaling(0.2)
    change = conv(
        conv(x, x.shape[-1]), x.shape[-1], None, kernel_initializer=small
    )
    return layers.ReLU()(x + change)


def bias_free_unet(
    x: keras.KerasTensor, filters: int, deep_filters: int
) -> keras.KerasTensor:
    """U-Net of two resolutions: twice the input's contrast gives twice the output."""
    near = x = residual(conv(x, filters))
    x = residual(conv(x, deep_filters, strides=2))
    up = layers.Conv2DTranspose(filters, 2, strides=2, use_bias=False)(x)
    return residual(layers.ReLU()(near + up))


def flow_unet(
    context_shape: tuple[int, ...],
    filters: int = 40,
    deep_filters: int = 64,
    proposals: tuple[str, ...] = PROPOSALS,
) -> keras.Model:
    """Mix optical flow's proposals for the next frame, pixel by pixel, and add a correction.

    The U-Net reads only differences from the last frame. Without biases, it forecasts the last frame exactly
    where nothing changes, and a dim video in the same way as a bright one.

    Args:
        context_shape: `(N, height, width, 1)`, at least 4 frames, of any size from 12×12 on; sides that 4 does not
            divide are padded inside.
        filters: Channels where one position stands for 2×2 pixels.
        deep_filters: Channels where one stands for 4×4.
        proposals: See `nextframe.layers.FlowProposals`. With none, the network finds motion by itself.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`. Its weights fit
        any size of frames.

    Raises:
        ValueError: A context shape that does not exist, with fewer than 4 frames, or frames below 12×12.
    """
    context = context_input(context_shape, least=FRAMES)
    height, width = context_shape[1:3]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"context_shape={tuple(context_shape)}: optical flow needs frames of at least "
            f"{SMALLEST_SIDE}×{SMALLEST_SIDE}: use larger frames, or another model"
        )
    frames = context[:, -FRAMES:]
    below, right = -height % (2 * PATCH), -width % (2 * PATCH)
    if below or right:  # Keras on PyTorch cannot pad by nothing
        padding = ((0, 0), (0, 0), (0, below), (0, right), (0, 0))
        frames = ops.pad(frames, padding, mode="symmetric")
    last = frames[:, -1:]
    candidates = [2 * last - frames[:, -2:-1]]  # linear extrapolation
    if proposals:
        candidates = [FlowProposals(proposals)(frames), *candidates]
    changes = ops.concatenate(candidates, axis=1) - last
    # (batch, 3 + candidates, height, width, 1)
    seen = ops.concatenate([frames[:, :-1] - last, changes], axis=1)
    x = frames_to_channels(patchify(GAIN * seen, PATCH))
    x = bias_free_unet(x, filters, deep_filters)
    count = changes.shape[1]
    options = {"kernel_initializer": "zeros", "dtype": "float32"}
    x = conv(x, PATCH**2 * (count + 2), None, **options)
    maps = unpatchify(channels_to_frames(x, count + 2), PATCH)
    # one weight for each candidate, and one for the last frame itself
    weights = ops.softmax(maps[:, :-1], axis=1)
    moved = ops.sum(weights[:, 1:] * changes, axis=1)
    frame = last[:, 0] + moved + maps[:, -1] / GAIN
    frame = frame[:, :height, :width]
    return keras.Model(
        context, to_frame(context, frame, "linear"), name="flow_unet"
    )
