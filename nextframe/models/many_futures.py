"""Many futures: a forecaster that makes several forecasts, sharp ones, and says how likely each is."""

import keras
import numpy as np
from keras import layers, ops

from nextframe._utils.validation import one_of, whole_number
from nextframe.models.forecaster import KERNELS, check_sizes, unet
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)

STAY = 4.0  # what a softmax kernel has for no shift beyond what it learns


def predict_futures_kernels(
    x: keras.KerasTensor, futures: int, max_displacement: int, kernels: str
) -> keras.KerasTensor:
    """Kernels for each future, for squares of two patches a side: `(batch, rows / 2, columns / 2, futures, shifts)`.

    Before training they are near no shift, and a little apart, since futures that begin alike would learn alike.
    """
    shifts = (2 * max_displacement + 1) ** 2
    apart = keras.initializers.RandomNormal(stddev=0.01)
    options = {"kernel_initializer": apart, "dtype": "float32"}
    options |= {"strides": 2, "name": "kernels"}
    change = layers.Conv2D(futures * shifts, 2, **options)(x)
    change = ops.reshape(change, (-1, *change.shape[1:3], futures, shifts))
    no_shift = np.eye(shifts, dtype="float32")[shifts // 2]
    if kernels == "softmax":
        return ops.softmax(change + STAY * no_shift)
    return change + no_shift


def apply_futures_kernels(
    frame: keras.KerasTensor,
    kernels: keras.KerasTensor,
    max_displacement: int,
    patch: int,
) -> keras.KerasTensor:
    """Dynamic filtering, as `nextframe.models.forecaster.apply_kernels` does it, of one frame by several kernels.

    `(batch, h, w, 1)` and `(batch, rows, columns, futures, shifts)` → `(batch, rows, columns, futures, patch²)`.
    """
    side, window = 2 * max_displacement + 1, 2 * max_displacement + patch
    cut = np.zeros((window, window, 1, side**2, patch**2), "float32")
    for shift in range(side**2):
        for pixel in range(patch**2):
            row = shift // side + pixel // patch
            column = shift % side + pixel % patch
            cut[row, column, 0, shift, pixel] = 1
    border = (max_displacement, max_displacement)
    padded = ops.pad(frame, ((0, 0), border, border, (0, 0)))
    filters = cut.reshape(window, window, 1, -1)
    shifted = ops.conv(padded, filters, strides=patch, padding="valid")
    rows, columns = kernels.shape[1:3]
    shifted = ops.reshape(shifted, (-1, rows, columns, side**2, patch**2))
    return ops.matmul(kernels, shifted)


def many_futures(
    context_shape: tuple[int, ...],
    futures: int = 4,
    filters: int = 32,
    blocks: int = 4,
    deep_filters: int = 64,
    deep_blocks: int = 1,
    frames: int = 5,
    max_displacement: int = 3,
    patch: int = 2,
    kernels: str = "softmax",
    correction: bool = True,
) -> keras.Model:
    """Move the last frame in several ways at once, as the forecaster does in one, and tell how likely each is.

    Trained by `nextframe.training.fit` with `loss="multiple_choice"`: the future that came nearest to the truth learns
    from it, so that each may stay sharp and stand for a part of what can happen.

    Args:
        context_shape: `(N, height, width, 1)`.
        futures: Forecasts of the next frame.
        filters, blocks, deep_filters, deep_blocks, frames, max_displacement, patch: As in
            `nextframe.models.forecaster`, with a `max_displacement` of 1 or more.
        kernels: "softmax": a kernel's weights are not negative and add up to 1, so it can move and mix pixels and do
            nothing else; or "free".
        correction: Whether a correction is added to each moved frame.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to {"futures": `(batch, futures, height, width, 1)`, "odds":
        `(batch, futures)`, which add up to 1}. `nextframe.sampling` draws from it.

    Raises:
        ValueError: As the forecaster, or fewer than one future.

    Source:
        Multiple-choice learning: Guzman-Rivera et al., NIPS 2012; with odds and a share for those that were not
        chosen, Rupprecht et al., Learning in an Uncertain World, ICCV 2017. Moving pixels: see
        `nextframe.models.forecaster`.
    """
    context = context_input(context_shape)
    check_sizes(
        context_shape, blocks, deep_blocks, frames, max_displacement, patch
    )
    whole_number("futures", futures)
    whole_number("max_displacement", max_displacement)
    one_of("kernels", kernels, KERNELS)
    x = frames_to_channels(patchify(context[:, -frames:], patch))
    x = unet(x, filters, blocks, deep_filters, deep_blocks)
    weights = predict_futures_kernels(x, futures, max_displacement, kernels)
    last, square = context[:, -1], 2 * patch
    made = apply_futures_kernels(last, weights, max_displacement, square)
    made = unpatchify(ops.transpose(made, (0, 3, 1, 2, 4)), square)
    if correction:
        options = {"padding": "same", "kernel_initializer": "zeros"}
        change = layers.Conv2D(futures * patch**2, 3, **options)(x)
        change = ops.reshape(change, (-1, *x.shape[1:3], futures, patch**2))
        change = ops.transpose(change, (0, 3, 1, 2, 4))
        made += unpatchify(change, patch)
    # (batch, futures, height, width, 1)
    made = layers.Activation("linear", dtype="float32", name="futures")(made)
    x = layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    options = {"activation": "softmax", "dtype": "float32", "name": "odds"}
    odds = layers.Dense(futures, **options)(x)
    outputs = {"futures": made, "odds": odds}
    return keras.Model(context, outputs, name="many_futures")
