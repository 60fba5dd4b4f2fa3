"""Backbones: networks pretrained on photographs, made to read the grey frames of a video."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import keras
from keras import layers

from nextframe._utils.downloads import fetch
from nextframe._utils.validation import one_of
from nextframe.models.efficientnet_lite0 import BLOCKS, efficientnet_lite0

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
# Address and checksum of the networks without their last layer, as
# keras.applications states them
IMAGENET = {
    "InceptionV3": (
        f"{_KERAS}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    "ResNet50": (
        f"{_KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
}

# (image_shape, weights, feature_layer) → model from images to features, in
# which that layer is; what follows it need not be built
Build: TypeAlias = Callable[
    [tuple[int, int, int], str | None, str | None], keras.Model
]


class Backbone(NamedTuple):
    """A network, and the images that it reads."""

    build: Build
    scale: float  # pixels of 0..1 times this …
    offset: float | tuple[float, ...]  # … plus this, one for each channel
    smallest: int  # side of the smallest image it reads


def _of_keras(name: str) -> Build:
    def build(
        image_shape: tuple[int, int, int],
        weights: str | None,
        feature_layer: str | None,
    ) -> keras.Model:
        learned = imagenet_weights(name) if weights == "imagenet" else weights
        return getattr(keras.applications, name)(
            include_top=False, weights=learned, input_shape=image_shape
        )

    return build


def _lite0(
    image_shape: tuple[int, int, int],
    weights: str | None,
    feature_layer: str | None,
) -> keras.Model:
    block = (feature_layer or "").split("_")[0]  # "block3_widen" is in block3
    last = block if block in BLOCKS else None
    return efficientnet_lite0(
        image_shape, weights, include_top=False, last=last
    )


BACKBONES = {
    "EfficientNetLite0": Backbone(_lite0, 255 / 128, -127 / 128, 1),
    "InceptionV3": Backbone(_of_keras("InceptionV3"), 2.0, -1.0, 75),
    # blue, green and red, minus their means over ImageNet
    "ResNet50": Backbone(
        _of_keras("ResNet50"), 255.0, (-103.939, -116.779, -123.68), 32
    ),
}


def imagenet_weights(name: str) -> Path:
    """Return the path of the weights that InceptionV3 or ResNet50 learned on ImageNet; download them once.

    Args:
        name: One of `IMAGENET`.

    Raises:
        ConnectionError: They cannot be fetched.
        ValueError: An unknown name, or a file with another checksum.
    """
    one_of("name", name, IMAGENET)
    return fetch(*IMAGENET[name])


def frame_encoder(
    frame_shape: tuple[int, ...],
    backbone: str = "EfficientNetLite0",
    weights: str | None = "imagenet",
    feature_layer: str | None = None,
    image_size: int | None = None,
    trainable: bool = False,
) -> keras.Model:
    """Read one grey frame with a network for colour photographs, up to one of its layers.

    The grey plane is repeated three times and scaled as the network's training images were.

    Args:
        frame_shape: `(height, width, 1)`, values 0..1.
        backbone: One of `BACKBONES`.
        weights: "imagenet", downloaded for InceptionV3 and ResNet50, see `imagenet_weights`; or None, random ones.
        feature_layer: Name of the layer whose output are the features, such as "block3" or "mixed2". Default: the last one.
        image_size: Frames are resized to so many pixels a side. Default: as they are.
        trainable: Whether training changes the backbone. If not, its normalisation also stays as it is.

    Returns:
        Model from a frame `(batch, height, width, 1)` to features `(batch, rows, columns, channels)`.

    Raises:
        ValueError: An unknown backbone, weights or layer, or frames that are too small for the network.
        ConnectionError: Weights that cannot be fetched.
    """
    one_of("backbone", backbone, BACKBONES)
    network, scale, offset, smallest = BACKBONES[backbone]
    one_of("weights", weights, ("imagenet", None))
    height, width = (
        frame_shape[:2] if image_size is None else (image_size, image_size)
    )
    if min(height, width) < smallest:
        raise ValueError(
            f"{backbone} reads images of at least {smallest}×{smallest} pixels, not {height}×{width}: "
            f"raise image_size, or choose another backbone"
        )
    frame = x = keras.Input(frame_shape)
    if image_size is not None:
        x = layers.Resizing(image_size, image_size)(x)
    x = layers.Concatenate()([x, x, x])
    x = layers.Rescaling(scale, offset)(x)
    model = network((height, width, 3), weights, feature_layer)
    if feature_layer is not None:
        one_of(
            "feature_layer",
            feature_layer,
            [layer.name for layer in model.layers],
        )
        model = keras.Model(
            model.input,
            model.get_layer(feature_layer).output,
            name=model.name,
        )
    model.trainable = trainable
    return keras.Model(frame, model(x), name="frame_encoder")


def normalize_features(features: keras.KerasTensor) -> keras.KerasTensor:
    """Normalise each channel of a network's features to a mean of 0 and one small scale.

    The features of ImageNet's networks go far beyond the 0..1 of pixels. With a high learning rate, they would drown
    the last frame's pixels beside them. Training may change the scale.
    """
    return layers.BatchNormalization(
        momentum=0.9,  # as many averages as a short training has time for
        epsilon=1e-9,  # random networks may give very small features
        gamma_initializer=keras.initializers.Constant(0.1),
    )(features)
