"""U-Net: frames as channels, seen near and from afar, with a way back for the pixels."""

import keras
from keras import layers

from nextframe._utils.validation import whole_number
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patch_cure,
    patchify,
    unpatchify,
)


def convolve(
    x: keras.KerasTensor, filters: int, depth: int
) -> keras.KerasTensor:
    """A stack of 3×3 convolutions with ReLUs."""
    for _ in range(depth):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def unet(
    context_shape: tuple[int, ...],
    filters: int = 32,
    depth: int = 2,
    pooling: int = 2,
    skip: bool = True,
    patch: int = 1,
    head: str = "linear",
) -> keras.Model:
    """Convolve at full resolution, pool, convolve, scale up again, and join what was seen before the pooling.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels at full resolution; twice as many after the pooling.
        depth: Convolutions before the pooling, after it, and after scaling up again.
        pooling: Side of the squares of positions whose maximum is kept; with 1, nothing is pooled.
        skip: Whether what was seen before the pooling is joined to what comes back from it.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape or head that does not exist, sides that `pooling × patch` does not divide, or a
            number below 1.

    Source:
        Ronneberger et al., U-Net, MICCAI 2015, with one level.
    """
    context = context_input(context_shape)
    numbers = {"filters": filters, "depth": depth, "pooling": pooling}
    numbers |= {"patch": patch}
    for name, number in numbers.items():
        whole_number(name, number)
    height, width = context_shape[1:3]
    if height % (pooling * patch) or width % (pooling * patch):
        raise ValueError(
            f"context_shape={tuple(context_shape)}: height and width must "
            f"be multiples of pooling × patch = {pooling * patch}: "
            f"{patch_cure(height, width, patch, factor=pooling)}"
        )
    x = frames_to_channels(patchify(context, patch))
    near = x = convolve(x, filters, depth)  # (batch, rows, columns, filters)
    x = layers.MaxPooling2D(pooling)(x)
    x = convolve(x, 2 * filters, depth)
    options = {"strides": pooling, "activation": "relu"}
    x = layers.Conv2DTranspose(filters, pooling, **options)(x)
    x = layers.Concatenate()([near, x]) if skip else x
    x = convolve(x, filters, depth)
    x = layers.Conv2D(patch**2, 3, padding="same")(x)
    frame = unpatchify(x, patch)  # (batch, height, width, 1)
    return keras.Model(context, to_frame(context, frame, head), name="unet")
