"""Patches: space-to-depth and back (pixel shuffle), and frames turned into channels."""

import keras
from keras import layers

from nextframe._utils.validation import whole_number


def resize_cure(height: int, width: int, step: int) -> str:
    """Say which size of frames, the nearest whose sides are multiples of `step`, would do."""
    rows, columns = (
        max(1, round(side / step)) * step for side in (height, width)
    )
    return f"resize the frames to {rows}×{columns}, as with read_clip(source, size=({rows}, {columns}))"


def patch_cure(height: int, width: int, patch: int, factor: int = 1) -> str:
    """Say which patch, or which size of frames, would do.

    Args:
        height, width: Of the frames.
        patch: The side of a patch that does not fit.
        factor: How many patches must divide the sides.
    """
    sides = height, width
    fit = [
        other
        for other in range(1, min(sides) + 1)
        if all(side % (factor * other) == 0 for side in sides)
    ]
    resize = resize_cure(height, width, factor * patch)
    if not fit:
        return f"{resize}; no other patch fits"
    nearest = min(fit, key=lambda other: abs(other - patch))
    return f"choose patch={nearest}, or {resize}"


def patchify(context: keras.KerasTensor, patch: int) -> keras.KerasTensor:
    """Space-to-depth: fold each square of pixels into the channels of one position, frame by frame.

    A convolution then has `patch²` times fewer positions to compute, and a kernel of 3 sees `patch` times as far. No
    pixel is lost.

    Args:
        context: `(batch, N, height, width, 1)`.
        patch: Side of the square, in pixels; 1 changes nothing.

    Returns:
        `(batch, N, height / patch, width / patch, patch²)`.

    Raises:
        ValueError: The frames cannot be cut into such squares.
    """
    patch = whole_number("patch", patch)
    frames, height, width, _ = context.shape[1:]
    if height % patch or width % patch:
        raise ValueError(
            f"patch={patch} does not divide frames of {height}×{width}: {patch_cure(height, width, patch)}"
        )
    if patch == 1:
        return context
    rows, columns = height // patch, width // patch
    x = layers.Reshape((frames, rows, patch, columns, patch))(context)
    x = layers.Permute((1, 2, 4, 3, 5))(x)
    return layers.Reshape((frames, rows, columns, patch * patch))(x)


def unpatchify(frame: keras.KerasTensor, patch: int) -> keras.KerasTensor:
    """Unfold one frame, or one for each step.

    `(batch, rows, columns, patch²)` → `(batch, rows × patch, columns × patch, 1)`, with or without a time axis after the
    batch.
    """
    if patch == 1:
        return frame
    *time, rows, columns, _ = frame.shape[1:]
    x = layers.Reshape((*time, rows, columns, patch, patch))(frame)
    axes = [1, 3, 2, 4]
    x = layers.Permute([1, *(axis + 1 for axis in axes)] if time else axes)(x)
    return layers.Reshape((*time, rows * patch, columns * patch, 1))(x)


def group_frames(x: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Fold each `size` frames that follow one another into the channels of one step, oldest first.

    Args:
        x: `(batch, N, rows, columns, channels)`.
        size: Frames in a step; 1 changes nothing.

    Returns:
        `(batch, N / size, rows, columns, size × channels)`.

    Raises:
        ValueError: The frames cannot be grouped so.
    """
    frames, rows, columns, channels = x.shape[1:]
    if frames % whole_number("frames_per_step", size):
        fit = [
            str(each) for each in range(1, frames + 1) if frames % each == 0
        ]
        raise ValueError(
            f"frames_per_step={size} does not divide a context of {frames} frames: choose {' or '.join(fit)}"
        )
    if size == 1:
        return x
    x = layers.Reshape((frames // size, size, rows, columns, channels))(x)
    x = layers.Permute((1, 3, 4, 2, 5))(x)
    return layers.Reshape((frames // size, rows, columns, size * channels))(x)


def frames_to_channels(x: keras.KerasTensor) -> keras.KerasTensor:
    """Make frames channels: `(batch, N, rows, columns, channels)` → `(batch, rows, columns, N × channels)`."""
    frames, rows, columns, channels = x.shape[1:]
    x = layers.Permute((2, 3, 1, 4))(x)  # (batch, rows, columns, N, channels)
    return layers.Reshape((rows, columns, frames * channels))(x)


def channels_to_frames(
    x: keras.KerasTensor, frames: int
) -> keras.KerasTensor:
    """Undo `frames_to_channels`: `(batch, rows, columns, N × channels)` → `(batch, N, rows, columns, channels)`."""
    rows, columns, channels = x.shape[1:]
    x = layers.Reshape((rows, columns, frames, channels // frames))(x)
    return layers.Permute((3, 1, 2, 4))(x)
