"""The book's own network: move the last frame's pixels by predicted kernels, then add a correction."""

import keras
import numpy as np
from keras import layers, ops

from nextframe._utils.validation import one_of, whole_number
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patch_cure,
    patchify,
    unpatchify,
)

KERNELS = ("free", "softmax")


def residual_block(x: keras.KerasTensor) -> keras.KerasTensor:
    """Residual block of two convolutions; before training, it adds nothing."""
    filters = x.shape[-1]
    change = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x + layers.Conv2D(
        filters, 3, padding="same", kernel_initializer="zeros"
    )(change)


def depthwise_block(x: keras.KerasTensor) -> keras.KerasTensor:
    """Residual block of depthwise and 1×1 convolutions, as in ConvNeXt: a third of the operations."""
    filters = x.shape[-1]
    change = layers.DepthwiseConv2D(3, padding="same")(x)
    change = layers.Conv2D(3 * filters, 1, activation="relu")(change)
    return x + layers.Conv2D(filters, 1, kernel_initializer="zeros")(change)


def unet(
    x: keras.KerasTensor,
    filters: int,
    blocks: int,
    deep_filters: int,
    deep_blocks: int,
) -> keras.KerasTensor:
    """U-Net of two resolutions: an encoder, residual blocks at half the size, and a decoder with a skip connection."""
    options = {"padding": "same", "activation": "relu"}
    near = x = depthwise_block(layers.Conv2D(filters, 3, **options)(x))
    if deep_blocks:
        x = layers.Conv2D(deep_filters, 3, strides=2, **options)(x)
        for _ in range(deep_blocks):
            x = residual_block(x)
        x = layers.ReLU()(x)
        x = near + layers.Conv2DTranspose(filters, 2, strides=2)(x)
    for _ in range(blocks - 1):
        x = depthwise_block(x)
    return layers.ReLU()(x)


def predict_kernels(
    x: keras.KerasTensor, max_displacement: int, kernels: str
) -> keras.KerasTensor:
    """Kernel prediction: one weight for each shift, for every patch; before training, all weight is on no shift."""
    one_of("kernels", kernels, KERNELS)
    if max_displacement == 0:
        return ops.ones_like(x[..., :1])
    shifts = (2 * max_displacement + 1) ** 2
    options = {"kernel_initializer": "zeros", "dtype": "float32"}
    change = layers.Conv2D(shifts, 1, name="kernels", **options)(x)
    no_shift = np.eye(shifts, dtype="float32")[shifts // 2]
    if kernels == "softmax":
        return ops.softmax(change + 10 * no_shift)  # 10 leaves 0.998 there
    return change + no_shift


def apply_kernels(
    frame: keras.KerasTensor,
    kernels: keras.KerasTensor,
    max_displacement: int,
    patch: int,
) -> keras.KerasTensor:
    """Dynamic filtering: the weighted sum of the frame's shifts by up to `max_displacement`, patch by patch.

    `(batch, h, w, 1)` and `(batch, rows, columns, (2 max_displacement + 1)²)` → `(batch, rows, columns, patch²)`.
    """
    rows, columns = kernels.shape[1:3]
    side, window = 2 * max_displacement + 1, 2 * max_displacement + patch
    border = (max_displacement, max_displacement)
    padded = ops.pad(frame, ((0, 0), border, border, (0, 0)))
    # All pixels that can move into a patch. A convolution cuts them
    # out: with strides, `extract_patches` fails in a model of Keras 3.13.
    cut = np.eye(window**2, dtype="float32").reshape(window, window, 1, -1)
    around = ops.conv(padded, cut, strides=patch, padding="valid")
    around = ops.reshape(around, (-1, rows, columns, window, window))
    kernels = ops.reshape(kernels, (-1, rows, columns, side, side))
    moved = [
        ops.sum(
            kernels * around[..., down : down + side, right : right + side],
            axis=(-2, -1),
        )
        for down in range(patch)
        for right in range(patch)
    ]
    return ops.stack(moved, axis=-1)


def correct(
    moved: keras.KerasTensor, x: keras.KerasTensor, patch: int
) -> keras.KerasTensor:
    """Add what no motion of the last frame explains; nothing before training."""
    options = {"padding": "same", "kernel_initializer": "zeros"}
    change = layers.Conv2D(patch**2, 3, **options)(x)
    options = {"dtype": "float32", "name": "moved_and_corrected"}
    return layers.Add(**options)([moved, change])


def check_sizes(
    context_shape: tuple[int, ...],
    blocks: int,
    deep_blocks: int,
    frames: int,
    max_displacement: int,
    patch: int,
) -> None:
    """Raise a ValueError that names the argument that does not fit."""
    whole_number("frames", frames)
    whole_number("blocks", blocks)
    whole_number("deep_blocks", deep_blocks, least=0)
    whole_number("max_displacement", max_displacement, least=0)
    whole_number("patch", patch)
    height, width = context_shape[1:3]
    if height % (2 * patch) or width % (2 * patch):
        raise ValueError(
            f"context_shape={tuple(context_shape)}: height and width must "
            f"be multiples of 2 × patch = {2 * patch}: "
            f"{patch_cure(height, width, patch, factor=2)}"
        )


def forecaster(
    context_shape: tuple[int, ...],
    filters: int = 48,
    blocks: int = 4,
    deep_filters: int = 64,
    deep_blocks: int = 1,
    frames: int = 5,
    max_displacement: int = 3,
    patch: int = 2,
    kernels: str = "free",
    correction: bool = True,
) -> keras.Model:
    """Read the last frames as channels, move the last one by predicted kernels, and add a correction.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels at full resolution, one position for each patch.
        blocks: Residual blocks there, of depthwise and 1×1 convolutions: one before the lower resolution, the
            others after it.
        deep_filters: Channels at half the resolution, one position for each 2×2 patches.
        deep_blocks: Residual blocks there, of two plain convolutions; with 0, the lower resolution is left out.
        frames: Last frames of the context to read; all of them if it has fewer.
        max_displacement: How far a pixel can move from one frame to the next, in pixels; with 0, none does.
        patch: Side of the squares of pixels that move together; see `nextframe.models.patches`.
        kernels: "free", or "softmax": then a kernel's weights are not negative and add up to 1, so it can move and mix
            pixels and do nothing else.
        correction: Whether a correction is added to the moved frame.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape that does not exist, sides that `2 × patch` does not divide, a number that is
            too small, or kernels that do not exist.

    Source:
        Kernels: Finn et al., NIPS 2016, and De Brabandere et al., Dynamic Filter Networks, NIPS 2016. Blocks: Liu et
        al., A ConvNet for the 2020s, CVPR 2022. Two resolutions: Ronneberger et al., U-Net, MICCAI 2015.
    """
    context = context_input(context_shape)
    check_sizes(
        context_shape, blocks, deep_blocks, frames, max_displacement, patch
    )
    x = frames_to_channels(patchify(context[:, -frames:], patch))
    x = unet(x, filters, blocks, deep_filters, deep_blocks)
    weights = predict_kernels(x, max_displacement, kernels)
    moved = apply_kernels(context[:, -1], weights, max_displacement, patch)
    if correction:
        moved = correct(moved, x, patch)
    forecast = to_frame(context, unpatchify(moved, patch), "linear")
    return keras.Model(context, forecast, name="forecaster")
