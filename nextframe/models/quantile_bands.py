"""Quantile bands: for each pixel, values that the truth stays below with a stated probability."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from nextframe._utils.validation import whole_number
from nextframe.models.inputs import context_input
from nextframe.models.patches import (
    frames_to_channels,
    patchify,
    unpatchify,
)


def quantile_bands(
    context_shape: tuple[int, ...],
    quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    filters: int = 64,
    depth: int = 6,
    patch: int = 2,
) -> keras.Model:
    """Frames as channels, with a frame for each quantile; none lies above a higher one.

    Trained by `nextframe.training.fit` with `loss="pinball"`.

    Args:
        context_shape: `(N, height, width, 1)`.
        quantiles: Probabilities that a pixel of the truth is lower, above 0 and below 1, in rising order.
        filters, depth, patch: As in `nextframe.models.frames_as_channels`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to {"quantile 0.05": `(batch, height, width, 1)`, …}, a
        frame for each of the quantiles.

    Raises:
        ValueError: Quantiles that are not in rising order between 0 and 1, or as `frames_as_channels`.

    Source:
        Koenker and Bassett, Regression Quantiles, Econometrica 1978.
    """
    context = context_input(context_shape)
    edges = [0.0, *quantiles, 1.0]
    if not quantiles or any(
        low >= high for low, high in zip(edges, edges[1:], strict=False)
    ):
        raise ValueError(
            f"quantiles={quantiles}: expected one or more above 0 and below "
            "1, in rising order"
        )
    for name, number in {"filters": filters, "depth": depth}.items():
        whole_number(name, number)
    x = frames_to_channels(patchify(context, patch))
    for _ in range(depth - 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    made: dict[str, keras.KerasTensor] = {}
    frame = None
    narrow = keras.initializers.Constant(-4)  # softplus(-4) is 0.02
    for quantile in quantiles:
        # the first is free; each later one adds what is not negative
        options = {"bias_initializer": narrow} if made else {}
        rise = layers.Conv2D(patch**2, 3, padding="same", **options)(x)
        frame = rise if frame is None else frame + ops.softplus(rise)
        name = f"quantile {quantile:g}"
        options = {"dtype": "float32", "name": name.replace(" ", "_")}
        made[name] = layers.Activation("linear", **options)(
            unpatchify(frame, patch)
        )
    return keras.Model(context, made, name="quantile_bands")
