"""Early fusion: a plain Conv2D network that reads N frames as the N channels of one image."""

import keras
from keras import layers

from nextframe._utils.validation import whole_number
from nextframe.models.heads import to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)


def frames_as_channels(
    context_shape: tuple[int, ...],
    filters: int = 32,
    depth: int = 6,
    kernel_size: int = 3,
    patch: int = 1,
    differences: bool = False,
    head: str = "linear",
) -> keras.Model:
    """Stack 2-D convolutions on a context whose frames have become channels.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of each hidden layer.
        depth: Number of convolutions, the last one included. Each widens the receptive field by `kernel_size // 2` positions on each side.
        kernel_size: Side of each kernel, in positions.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.
        differences: Whether to read how each frame differs from the last one, and to have no biases. Where nothing
            moves, the last layer then gives exactly 0, and with the residual head the forecast is the last frame.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError: A context shape or head that does not exist, a patch that does not divide the frames, or a depth below 1.
    """
    whole_number("depth", depth)
    context = context_input(context_shape, least=2 if differences else 1)
    frames = context[:, :-1] - context[:, -1:] if differences else context
    x = patchify(frames, patch)  # (batch, N, rows, columns, patch²)
    x = frames_to_channels(x)  # (batch, rows, columns, N × patch²)
    options = {"padding": "same", "use_bias": not differences}
    for _ in range(depth - 1):
        x = layers.Conv2D(filters, kernel_size, activation="relu", **options)(
            x
        )
    x = layers.Conv2D(patch**2, kernel_size, **options)(x)
    frame = unpatchify(x, patch)  # (batch, height, width, 1)
    return keras.Model(
        context, to_frame(context, frame, head), name="frames_as_channels"
    )
