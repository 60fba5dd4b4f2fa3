"""Flow matching on a residual: from a forecast and noise to one of the frames that may come next, in a few steps."""

import keras
from keras import layers, ops

from nextframe._utils.validation import whole_number
from nextframe.models.forecaster import (
    apply_kernels,
    correct,
    forecaster,
    predict_kernels,
    unet,
)
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)

NOISE = 0.25  # standard deviation of the noise that a path begins with


def denoiser(
    context_shape: tuple[int, ...],
    filters: int,
    blocks: int,
    deep_filters: int,
    deep_blocks: int,
    frames: int,
    max_displacement: int,
    patch: int,
) -> keras.Model:
    """A forecaster that also sees a forecast of the mean, and a point of the path from there to the next frame.

    At time 0 the point is the forecast and noise, and at 1 it is the frame.
    """
    context = context_input(context_shape)
    mean = keras.Input(context_shape[1:], name="mean")
    noisy = keras.Input(context_shape[1:], name="noisy")
    time = keras.Input((1,), name="time")
    last = context[:, -frames:]
    seen = ops.concatenate([last, mean[:, None], noisy[:, None]], axis=1)
    x = frames_to_channels(patchify(seen, patch))
    clock = ops.ones_like(x[..., :1]) * time[:, None, None]
    x = ops.concatenate([x, clock], axis=-1)
    x = unet(x, filters, blocks, deep_filters, deep_blocks)
    kernels = predict_kernels(x, max_displacement, "softmax")
    moved = apply_kernels(context[:, -1], kernels, max_displacement, patch)
    frame = unpatchify(correct(moved, x, patch), patch)
    return keras.Model([context, mean, noisy, time], frame, name="denoiser")


def flow_matching(
    context_shape: tuple[int, ...],
    steps: int = 6,
    filters: int = 32,
    blocks: int = 4,
    deep_filters: int = 64,
    deep_blocks: int = 1,
    frames: int = 5,
    max_displacement: int = 3,
    patch: int = 2,
) -> keras.Model:
    """Draw one next frame: begin with a forecast of the mean and noise, and go in steps to where a denoiser sees the frame.

    What the forecast leaves open, the residual, is what the steps draw. Trained by `nextframe.training.fit` with
    `loss="flow_matching"`, on its parts `forecaster` and `denoiser`.

    Args:
        context_shape: `(N, height, width, 1)`.
        steps: Euler steps from noise to frame, all with the same weights.
        filters, blocks, deep_filters, deep_blocks, frames, max_displacement, patch: Of the denoiser; as in
            `nextframe.models.forecaster`. The forecaster has half of the filters and blocks, since a mean is easier.

    Returns:
        Model from {"context": `(batch, N, height, width, 1)`, "noise": `(batch, height, width, 1)`, drawn from the
        standard normal distribution} to one of the frames that may come next, `(batch, height, width, 1)`.
        `nextframe.sampling` draws from it.

    Raises:
        ValueError: As the forecaster, or fewer than one step.

    Source:
        Lipman et al., Flow Matching for Generative Modeling, ICLR 2023: straight paths from noise to data. That the
        network tells the end of the path in place of its direction is from Salimans and Ho, ICLR 2022; that it draws
        what a forecast leaves, from Yang et al., Diffusion Probabilistic Modeling for Video Generation, 2023.
    """
    context = context_input(context_shape)
    whole_number("steps", steps)
    size = (filters, blocks, deep_filters, deep_blocks)
    motion = (frames, max_displacement, patch)
    half = (max(filters // 2, 1), max(blocks // 2, 1), *size[2:])
    forecast = forecaster(context_shape, *half, *motion, kernels="softmax")
    # In a scope, since its kernels have a namesake in the forecaster: Keras on
    # PyTorch finds weights by their paths, and would lose one of the two
    with keras.name_scope("denoiser"):
        denoise = denoiser(tuple(context_shape), *size, *motion)
    noise = keras.Input(context_shape[1:], name="noise")
    mean = forecast(context)
    x = mean + NOISE * noise
    for step in range(steps):
        time = ops.full_like(noise[:, 0, 0], step / steps)
        end = denoise([context, mean, x, time])
        x = x + (end - x) / (steps - step)  # the last step goes to the end
    x = layers.Activation("linear", dtype="float32", name="forecast")(x)
    inputs = {"context": context, "noise": noise}
    return keras.Model(inputs, x, name="flow_matching")
