"""Convolutions in space and time, and three ways from N frames down to one."""

import keras
from keras import layers

from nextframe.layers import CausalConv3D
from nextframe.models.baselines import context_input
from nextframe.models.heads import to_frame

COLLAPSES = ("last_slice", "valid_kernel", "time_to_channels")


def conv3d(
    context_shape: tuple[int, ...],
    filters: int = 16,
    depth: int = 4,
    collapse: str = "time_to_channels",
    head: str = "linear",
) -> keras.Model:
    """Stack 3×3×3 convolutions on a context, and bring its N frames down to one.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each hidden layer.
        depth: Number of convolutions, the last one included.
        collapse: How time ends.
            "last_slice": causal convolutions keep all N time steps; the last step is the forecast.
            "valid_kernel": no padding in time, so each convolution takes two frames away; the last one takes the rest.
            "time_to_channels": after the convolutions, the N time steps become channels of a 2-D convolution.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape, collapse or head that does not exist, or too few frames for "valid_kernel".
    """
    if collapse not in COLLAPSES:
        raise ValueError(
            f"collapse={collapse!r}: expected one of {', '.join(COLLAPSES)}"
        )
    context = x = context_input(context_shape)
    frames, height, width, _ = context_shape
    hidden = depth - 1
    if collapse == "last_slice":
        for _ in range(hidden):
            x = CausalConv3D(filters, 3, activation="relu")(x)
        frame = CausalConv3D(1, 3)(x)[:, -1]
    elif collapse == "valid_kernel":
        rest = frames - 2 * hidden  # time steps left for the last kernel
        if rest < 1:
            raise ValueError(
                f"{frames} frames are too few for {hidden} valid temporal kernels of 3: lower depth"
            )
        for _ in range(hidden):
            x = layers.Conv3D(filters, 3, activation="relu")(
                layers.ZeroPadding3D((0, 1, 1))(x)
            )
        x = layers.Conv3D(1, (rest, 3, 3))(
            layers.ZeroPadding3D((0, 1, 1))(x)
        )  # (batch, 1, height, width, 1)
        frame = x[:, 0]
    else:
        for _ in range(hidden):
            x = layers.Conv3D(filters, 3, padding="same", activation="relu")(
                x
            )
        x = layers.Permute((2, 3, 1, 4))(
            x
        )  # (batch, height, width, N, filters)
        x = layers.Reshape((height, width, frames * filters))(x)
        frame = layers.Conv2D(1, 3, padding="same")(x)
    return keras.Model(context, to_frame(context, frame, head), name="conv3d")
