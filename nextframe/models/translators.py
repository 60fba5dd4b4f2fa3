"""Translators, the middle of SimVP: from the features of all frames, as channels, to those of all forecasts."""

import math

import keras
from keras import layers, ops

TRANSLATORS = ("incepu", "gsta", "tau")


def he_normal() -> keras.initializers.Initializer:
    """He initialization by fan-out. Keras's default would start a depthwise convolution of many channels close to 0."""
    return keras.initializers.VarianceScaling(
        2.0, "fan_out", "untruncated_normal"
    )


def inception(
    x: keras.KerasTensor, hidden: int, filters: int
) -> keras.KerasTensor:
    """Inception block: grouped convolutions of four sizes side by side, and their sum."""
    x = layers.Conv2D(hidden, 1)(x)
    groups = math.gcd(8, hidden, filters)
    branches = []
    for kernel_size in (3, 5, 7, 11):
        options = {"padding": "same", "groups": groups}
        y = layers.Conv2D(filters, kernel_size, **options)(x)
        y = layers.GroupNormalization(groups, epsilon=1e-5)(y)
        branches.append(layers.LeakyReLU(0.2)(y))
    return layers.Add()(branches)


def inception_unet(
    x: keras.KerasTensor, filters: int, depth: int, outputs: int
) -> keras.KerasTensor:
    """A U-Net of inception blocks, all at one resolution: `depth` of them in, `depth` out."""
    skips = []
    for _ in range(depth):
        x = inception(x, filters // 2, filters)
        skips.append(x)
    skips.pop()  # the last one is where the way back starts
    for step in reversed(range(depth)):
        x = inception(x, filters // 2, filters if step else outputs)
        if step:
            x = layers.Concatenate()([x, skips.pop()])
    return x


def large_kernel(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """See 23×23 positions with 74 weights a channel: 5×5, then 7×7 with two positions left out between any two."""
    options = {"padding": "same", "depthwise_initializer": he_normal()}
    x = layers.DepthwiseConv2D(5, **options)(x)
    x = layers.DepthwiseConv2D(7, dilation_rate=3, **options)(x)
    return layers.Conv2D(filters, 1, kernel_initializer=he_normal())(x)


def spatial_gate(x: keras.KerasTensor) -> keras.KerasTensor:
    """Gated large-kernel attention: what is seen around a position, and how much of it counts there."""
    channels = x.shape[-1]
    seen = large_kernel(x, 2 * channels)
    return seen[..., :channels] * ops.sigmoid(seen[..., channels:])


def temporal_gate(x: keras.KerasTensor) -> keras.KerasTensor:
    """Temporal attention unit: attention within frames (a large kernel) times attention between them (one factor a channel)."""
    channels = x.shape[-1]
    hidden = max(1, channels // max(4, channels // 16))
    factors = layers.GlobalAveragePooling2D(keepdims=True)(x)
    options = {"use_bias": False}
    factors = layers.Dense(hidden, activation="relu", **options)(factors)
    factors = layers.Dense(channels, activation="sigmoid", **options)(factors)
    return factors * large_kernel(x, channels) * x


def add_scaled(
    x: keras.KerasTensor, change: keras.KerasTensor
) -> keras.KerasTensor:
    """Residual connection with LayerScale: one learned factor a channel, small at first."""
    options = {"depthwise_initializer": keras.initializers.Constant(0.01)}
    return x + layers.DepthwiseConv2D(1, use_bias=False, **options)(change)


def gated_block(
    x: keras.KerasTensor, translator: str, mlp_ratio: int
) -> keras.KerasTensor:
    """A transformer's block without its attention: a gate that mixes positions, and an MLP that mixes channels."""
    channels = x.shape[-1]
    options = {"kernel_initializer": he_normal()}
    gate = spatial_gate if translator == "gsta" else temporal_gate
    seen = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    y = layers.Conv2D(channels, 1, activation="gelu", **options)(seen)
    y = layers.Conv2D(channels, 1, **options)(gate(y))
    x = add_scaled(x, seen + y)
    y = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    y = layers.Conv2D(mlp_ratio * channels, 1, **options)(y)
    y = layers.DepthwiseConv2D(
        3, padding="same", depthwise_initializer=he_normal()
    )(y)
    y = layers.Activation("gelu")(y)
    return add_scaled(x, layers.Conv2D(channels, 1, **options)(y))


def translate(
    x: keras.KerasTensor,
    translator: str,
    filters: int,
    depth: int,
    mlp_ratio: int,
    outputs: int,
) -> keras.KerasTensor:
    """Turn the features of all frames of a context into those of all forecasts.

    Args:
        x: `(batch, rows, columns, N × channels)`, the frames as channels.
        translator: "incepu", "gsta" or "tau"; see `nextframe.models.simvp`.
        filters: Channels in between.
        depth: Gated blocks, or Inception blocks on each side of the U-Net.
        mlp_ratio: Channels inside the gated blocks' MLPs, as a multiple of those outside.
        outputs: Channels to return.

    Returns:
        `(batch, rows, columns, outputs)`.
    """
    if translator == "incepu":
        return inception_unet(x, filters, depth, outputs)
    for width in [filters] * (depth - 1) + [outputs]:
        x = gated_block(x, translator, mlp_ratio)
        if x.shape[-1] != width:
            x = layers.Conv2D(width, 1)(x)
    return x
