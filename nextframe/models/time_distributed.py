"""An image network applied to every frame: to classify a clip, or to forecast its next frame."""

from typing import Any

import keras
from keras import layers, ops

from nextframe._utils.validation import one_of
from nextframe.layers import FoldFrames
from nextframe.models.backbones import frame_encoder, normalize_features
from nextframe.models.heads import decode_with_skip, to_frame
from nextframe.models.inputs import context_input
from nextframe.models.patches import frames_to_channels

TEMPORAL = ("conv3d", "none")


def check_features(
    features_shape: tuple[int, int, int, int], temporal: str
) -> None:
    """Raise a ValueError unless two convolutions fit."""
    one_of("temporal", temporal, TEMPORAL)
    frames, rows, columns, _ = features_shape
    if min(rows, columns) < 5:
        raise ValueError(
            f"features of {rows}×{columns}: two convolutions need 5×5: raise "
            "image_size, or choose an earlier layer"
        )
    if temporal == "conv3d" and frames < 5:
        raise ValueError(
            f"{frames} frames: two Conv3D need 5: show more frames"
        )


def classifier(
    features_shape: tuple[int, int, int, int],
    classes: int,
    temporal: str = "conv3d",
    filters: int = 32,
    activation: str | None = "relu",
) -> keras.Model:
    """Classify a clip, from the features of its frames.

    Args:
        features_shape: `(N, rows, columns, channels)`, as `nextframe.models.frame_encoder` makes of N frames.
        classes: How many there are.
        temporal: "conv3d": two convolutions in space and time, which take four frames, rows and columns away.
            "none": two in space alone, of the mean over the frames; their order means nothing.
        filters: Channels of each convolution.
        activation: Of each convolution. None is how the famous answer wrote it: then all of it is one linear map.

    Returns:
        Model from features `(batch, N, rows, columns, channels)` to probabilities `(batch, classes)`.

    Raises:
        ValueError: Another value of `temporal`, or features too small for two convolutions.
    """
    check_features(features_shape, temporal)
    features = x = keras.Input(features_shape)
    x = normalize_features(x)
    if temporal == "none":
        x = ops.mean(x, axis=1)
    convolution = layers.Conv3D if temporal == "conv3d" else layers.Conv2D
    for _ in range(2):
        x = convolution(filters, 3, activation=activation)(x)
    x = layers.Flatten()(x)
    probabilities = layers.Dense(
        classes, activation="softmax", dtype="float32"
    )(x)
    return keras.Model(features, probabilities, name=f"classifier_{temporal}")


def time_distributed_classifier(
    context_shape: tuple[int, ...],
    classes: int = 8,
    temporal: str = "conv3d",
    filters: int = 32,
    activation: str | None = "relu",
    **encoder: Any,
) -> keras.Model:
    """Classify a clip, from its frames: the network of the famous answer.

    Args:
        context_shape: `(N, height, width, 1)`.
        classes, temporal, filters, activation: As in `classifier`.
        **encoder: Arguments of `nextframe.models.frame_encoder`, but for the shape.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to probabilities `(batch, classes)`.
    """
    context = context_input(context_shape)
    read = frame_encoder(context_shape[1:], **encoder)
    features = FoldFrames(read)(
        context
    )  # (batch, N, rows, columns, channels)
    shape = features.shape[1:]
    head = classifier(shape, classes, temporal, filters, activation)
    probabilities = head(features)
    return keras.Model(
        context, probabilities, name="time_distributed_classifier"
    )


def time_distributed(
    context_shape: tuple[int, ...],
    filters: int = 64,
    patch: int = 2,
    head: str = "residual",
    feature_layer: str | None = "block1",
    **encoder: Any,
) -> keras.Model:
    """Forecast from an ImageNet network's features of each frame, and from the last frame itself.

    Features are taken early, where they still form a picture; a convolution reads those of all frames as channels; and
    the decoder also sees the pixels of the last frame, which the features have lost.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of the convolutions after the encoder.
        patch: Side of the squares of pixels that are decoded at once; see `nextframe.models.patches`.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.
        feature_layer, encoder: As in `nextframe.models.frame_encoder`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`.

    Raises:
        ValueError, ConnectionError: As `nextframe.models.frame_encoder`; or a patch or head that does not exist.
    """
    context = context_input(context_shape)
    read = frame_encoder(
        context_shape[1:], feature_layer=feature_layer, **encoder
    )
    x = FoldFrames(read)(context)  # (batch, N, rows, columns, channels)
    x = normalize_features(x)
    x = frames_to_channels(x)  # (batch, rows, columns, N × channels)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    frame = decode_with_skip(context, x, filters, patch)
    forecast = to_frame(context, frame, head)
    return keras.Model(context, forecast, name="time_distributed")
