"""Convolutions in space and time, and three ways from N frames down to one."""

import keras
from keras import layers

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import CausalConv3D
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)


def last_slice(
    x: keras.KerasTensor, filters: int, depth: int, channels: int
) -> keras.KerasTensor:
    """Keep all N time steps with causal convolutions; the last step is the forecast."""
    for _ in range(depth - 1):
        x = CausalConv3D(filters, 3, activation="relu")(x)
    return CausalConv3D(channels, 3)(x)[:, -1]


def valid_kernel(
    x: keras.KerasTensor, filters: int, depth: int, channels: int
) -> keras.KerasTensor:
    """Do not pad time: each convolution takes two frames away, and the last one takes the rest."""
    rest = x.shape[1] - 2 * (depth - 1)
    if rest < 1:
        raise ValueError(
            f"{x.shape[1]} frames are too few for depth={depth}: "
            "each convolution but the last takes two; lower depth"
        )
    for _ in range(depth - 1):
        x = layers.ZeroPadding3D((0, 1, 1))(x)
        x = layers.Conv3D(filters, 3, activation="relu")(x)
    x = layers.ZeroPadding3D((0, 1, 1))(x)
    return layers.Conv3D(channels, (rest, 3, 3))(x)[:, 0]


def time_to_channels(
    x: keras.KerasTensor, filters: int, depth: int, channels: int
) -> keras.KerasTensor:
    """Keep all N time steps, both ends padded; then they become the channels of a 2-D convolution."""
    for _ in range(depth - 1):
        x = layers.Conv3D(filters, 3, padding="same", activation="relu")(x)
    x = frames_to_channels(x)  # (batch, rows, columns, N × filters)
    return layers.Conv2D(channels, 3, padding="same")(x)


TEMPORAL_POOLINGS = {
    way.__name__: way for way in (last_slice, valid_kernel, time_to_channels)
}


def conv3d(
    context_shape: tuple[int, ...],
    filters: int = 16,
    depth: int = 4,
    temporal_pooling: str = "time_to_channels",
    patch: int = 2,
    head: str = "linear",
) -> keras.Model:
    """Stack 3×3×3 convolutions on a context, and bring its N frames down to one.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each hidden layer.
        depth: Number of convolutions, the last one included.
        temporal_pooling: How the N time steps become one.
            "last_slice": causal convolutions keep all N time steps; the last step is the forecast.
            "valid_kernel": no padding in time, so each convolution takes two frames away; the last one takes the rest.
            "time_to_channels": after the convolutions, the N time steps become channels of a 2-D convolution.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape, temporal_pooling or head that does not exist, a patch that does not divide the frames, a
            depth below 1, or too few frames for "valid_kernel".

    Source:
        Tran et al., C3D, ICCV 2015, whose kernels are 3×3×3 too, but which pools and ends in labels.
    """
    one_of("temporal_pooling", temporal_pooling, TEMPORAL_POOLINGS)
    whole_number("depth", depth)
    context = context_input(context_shape)
    x = patchify(context, patch)  # (batch, N, rows, columns, patch²)
    x = TEMPORAL_POOLINGS[temporal_pooling](x, filters, depth, patch**2)
    frame = unpatchify(x, patch)  # (batch, height, width, 1)
    return keras.Model(context, to_frame(context, frame, head), name="conv3d")
