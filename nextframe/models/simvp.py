"""SimVP: encode every frame, mix all frames as channels, decode every frame; convolutions only."""

import math

import keras
from keras import layers

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import FoldFrames
from nextframe.models.heads import to_rollout
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    channels_to_frames,
    frames_to_channels,
    resize_cure,
)
from nextframe.models.translators import TRANSLATORS, translate


def pixel_shuffle(x: keras.KerasTensor) -> keras.KerasTensor:
    """Double rows and columns: each four channels that follow one another become a square of 2×2 positions."""
    rows, columns, channels = x.shape[1], x.shape[2], x.shape[3] // 4
    x = layers.Reshape((rows, columns, channels, 2, 2))(x)
    x = layers.Permute((1, 4, 2, 5, 3))(x)
    return layers.Reshape((2 * rows, 2 * columns, channels))(x)


def convolve(
    x: keras.KerasTensor, filters: int, sampling: str = "same"
) -> keras.KerasTensor:
    """3×3 convolution, normalization in two groups, SiLU; "down" halves rows and columns, "up" doubles them."""
    if sampling == "down":  # padded on all four sides, unlike Keras's "same"
        x = layers.Conv2D(filters, 3, strides=2)(layers.ZeroPadding2D()(x))
    elif sampling == "up":
        x = layers.Conv2D(4 * filters, 3, padding="same")(x)
        x = pixel_shuffle(x)
    else:
        x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.GroupNormalization(2, epsilon=1e-5)(x)
    return layers.Activation("silu")(x)


def convolve_frames(
    x: keras.KerasTensor, filters: int, samplings: list[str]
) -> keras.KerasTensor:
    """A stack of `convolve`, applied to every frame alike."""
    frame = y = keras.Input(x.shape[2:])
    for sampling in samplings:
        y = convolve(y, filters, sampling)
    return FoldFrames(keras.Model(frame, y))(x) if samplings else x


def check_sizes(
    context_shape: tuple[int, ...],
    filters: int,
    depth: int,
    translator: str,
    translator_filters: int,
    translator_depth: int,
    mlp_ratio: int,
    horizon: int,
) -> None:
    """Raise a ValueError that names the argument that does not fit."""
    one_of("translator", translator, TRANSLATORS)
    if whole_number("filters", filters, least=2) % 2:
        raise ValueError(
            f"{filters=}: expected an even number, since channels are "
            f"normalized in two groups: choose {filters - 1} or {filters + 1}"
        )
    whole_number("depth", depth)
    whole_number("translator_filters", translator_filters, least=2)
    whole_number("translator_depth", translator_depth)
    whole_number("mlp_ratio", mlp_ratio)
    frames, height, width = context_shape[:3]
    if whole_number("horizon", horizon) > frames:
        raise ValueError(
            f"{horizon=} with a context of {frames} frames: each forecast "
            "is decoded beside a frame of the context: lower horizon to "
            f"{frames}, or show {horizon} frames"
        )
    step = 2 ** (depth // 2)
    if height % step or width % step:
        fits = math.gcd(height, width, step).bit_length() - 1
        raise ValueError(
            f"depth={depth} halves frames of {height}×{width} {depth // 2} "
            f"times: choose depth={2 * fits + 1}, or "
            f"{resize_cure(height, width, step)}"
        )


def simvp(
    context_shape: tuple[int, ...],
    filters: int = 8,
    depth: int = 2,
    translator: str = "gsta",
    translator_filters: int = 64,
    translator_depth: int = 4,
    mlp_ratio: int = 4,
    horizon: int = 1,
    head: str = "linear",
) -> keras.Model:
    """Encode each frame by itself, mix the features of all frames as channels, and decode each forecast by itself.

    Nothing recurs, and nothing is fed back: all forecasts are made at once. As published, with each of the three
    translators, for ten frames from ten, it has `filters=64`, `depth=4`, `translator_filters=512`,
    `translator_depth=8`, `mlp_ratio=8` and `horizon=10`.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of a frame's features, an even number; `hid_S` in the authors' code.
        depth: Convolutions of the encoder, and of the decoder; `N_S`. Every second one of the encoder halves rows and
            columns, and the decoder doubles them again.
        translator: What stands in the middle. "incepu": a U-Net of Inception blocks, with grouped convolutions.
            "gsta": gated blocks, each with a large kernel for space and an MLP for channels, thus for time. "tau":
            the temporal attention unit, such blocks with an attention between frames too.
        translator_filters: Channels in the middle, for all frames together; `hid_T`.
        translator_depth: Blocks of "gsta" and "tau"; blocks on each side of the U-Net of "incepu"; `N_T`.
        mlp_ratio: Channels inside the MLPs of "gsta" and "tau", as a multiple of those outside.
        horizon: Frames to forecast, at most N.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`; with a horizon
        above 1 to `(batch, horizon, height, width, 1)`, the frames after the context, from a layer named "rollout".

    Raises:
        ValueError: A context shape, translator or head that does not exist, sides that cannot be halved as often as
            `depth` asks, an odd number of filters, a number that is too small, or a horizon beyond N.

    Source:
        "incepu": Gao et al., SimVP: Simpler yet Better Video Prediction, CVPR 2022. "gsta": Tan et al., SimVP: Towards
        Simple yet Powerful Spatiotemporal Predictive Learning, 2022. "tau": Tan et al., Temporal Attention Unit, CVPR
        2023, without its loss on the differences of frames. Stochastic depth is left out; the authors switch it off for
        moving digits. Their networks make as many frames as they see. Here a shorter horizon is allowed, and its
        forecasts are decoded beside the last frames of the context.
    """
    context = context_input(context_shape)
    check_sizes(
        context_shape,
        filters,
        depth,
        translator,
        translator_filters,
        translator_depth,
        mlp_ratio,
        horizon,
    )
    down = ["down" if step % 2 else "same" for step in range(depth)]
    up = ["up" if step == "down" else step for step in reversed(down[1:])]
    near = convolve_frames(context, filters, down[:1])
    x = convolve_frames(near, filters, down[1:])
    x = frames_to_channels(x)  # (batch, rows, columns, N × filters)
    x = translate(
        x,
        translator,
        translator_filters,
        translator_depth,
        mlp_ratio,
        outputs=horizon * filters,
    )
    x = channels_to_frames(x, horizon)
    x = convolve_frames(x, filters, up)
    x = convolve_frames(x + near[:, -horizon:], filters, ["same"])
    frames = FoldFrames(layers.Conv2D(1, 1))(x)
    forecast = to_rollout(context, frames, head)
    return keras.Model(context, forecast, name="simvp")
