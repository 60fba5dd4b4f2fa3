"""PredFormer: tokens of patches, attention over time and over space in turn; no convolution, no recurrence."""

import keras
from keras import layers

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import SinusoidalPositions
from nextframe.models.heads import to_rollout
from nextframe.models.inputs import context_input
from nextframe.models.patches import patchify, unpatchify

# Of tokens (batch, time, space, channels): the axes that a block attends along
AXES = {"t": (1,), "s": (2,), "a": (1, 2)}
REPEATED = ("ts", "st", "tst", "sts", "tsst", "stts")
ORDERS = (*REPEATED, "fac_ts", "fac_st", "full")


def runs(order: str, repeats: int) -> list[str]:
    """Spell out an order: each run of blocks ends in a normalization.

    `("tsst", 1)` → `["t", "s", "s", "t"]`, `("fac_ts", 2)` → `["tt", "ss"]`, `("full", 2)` → `["aa"]`.
    """
    if order == "full":
        return ["a" * repeats]
    if order.startswith("fac_"):
        return [letter * repeats for letter in order.removeprefix("fac_")]
    return list(order) * repeats


def small() -> keras.initializers.Initializer:
    """Weights near 0, so that a block starts by leaving its input nearly as it is."""
    return keras.initializers.RandomNormal(stddev=0.02)


def dense(units: int, activation: str | None = None) -> layers.Dense:
    """Dense layer whose weights start small."""
    return layers.Dense(units, activation, kernel_initializer=small())


def normalize(x: keras.KerasTensor) -> keras.KerasTensor:
    """Layer normalization, with PyTorch's epsilon."""
    return layers.LayerNormalization(epsilon=1e-5)(x)


def gated_feed_forward(
    x: keras.KerasTensor, hidden: int
) -> keras.KerasTensor:
    """SwiGLU: one layer's output times another's, which opens or shuts it, and back to the width of a token."""
    gate, value = dense(hidden, "silu")(x), dense(hidden)(x)
    return dense(x.shape[-1])(gate * value)


def gated_block(
    x: keras.KerasTensor, axes: tuple[int, ...], heads: int, hidden: int
) -> keras.KerasTensor:
    """Gated transformer block: attention along some axes, then the feed-forward; each adds to what was there."""
    seen, width = normalize(x), x.shape[-1]
    options = {"attention_axes": axes, "kernel_initializer": small()}
    attend = layers.MultiHeadAttention(heads, width // heads, **options)
    x = x + attend(seen, seen)
    return x + gated_feed_forward(normalize(x), hidden)


def check_sizes(
    frames: int, width: int, heads: int, order: str, horizon: int
) -> None:
    """Raise a ValueError that names the argument that does not fit."""
    one_of("order", order, ORDERS)
    if whole_number("width", width) % whole_number("heads", heads):
        near = max(1, round(width / heads)) * heads
        raise ValueError(
            f"width={width} cannot be shared by heads={heads}: choose a "
            f"multiple of it, such as width={near}"
        )
    if whole_number("horizon", horizon) > frames:
        raise ValueError(
            f"horizon={horizon} is more than the {frames} frames of "
            "context, and each forecast is made from the tokens of one: "
            f"choose horizon={frames}, or horizon=1 and call "
            "nextframe.forecasting.rollout"
        )


def predformer(
    context_shape: tuple[int, ...],
    width: int = 48,
    heads: int = 4,
    order: str = "tsst",
    repeats: int = 1,
    expansion: int = 4,
    patch: int = 4,
    horizon: int = 1,
    head: str = "linear",
) -> keras.Model:
    """Cut frames into patches, and let the token of each patch attend to others: over time and over space in turn.

    Over time, a token attends to those of its own place in all frames; over space, to those of its own frame. With N
    frames of P patches it meets N + P tokens that way, and N × P with full attention.

    Args:
        context_shape: `(N, height, width, 1)`.
        width: Channels of a token.
        heads: Of each attention; they share the channels.
        order: Of the blocks, "t" for time and "s" for space. "ts", "st", "tst", "sts", "tsst", "stts" (the paper's
            Binary, Triplet and Quadruplet) repeat as they are; "fac_ts" and "fac_st" take all blocks of one kind,
            then all of the other; "full" has blocks that attend to all tokens of all frames.
        repeats: How often the order is gone through; for "full", the number of blocks.
        expansion: Hidden channels of the feed-forward, in widths of a token.
        patch: Side of the squares of pixels that make one token; see `nextframe.models.patches`.
        horizon: Frames to forecast, at most N: the tokens of the context's last `horizon` frames become them.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or with a horizon
        above 1 to a rollout `(batch, horizon, height, width, 1)`.

    Raises:
        ValueError: A context shape, order or head that does not exist, a number below 1, a patch that does not divide
            the frames, heads that do not divide the width, or a horizon of more frames than the context has.

    Source:
        Tang et al., Video Prediction Transformers without Recurrence or Convolution, arXiv 2410.04733, 2024. Its
        network for Moving MNIST has width 256, 8 heads, patch 8, order "tsst" 6 times, horizon 10. Left out: dropout
        and stochastic depth, which the paper needs for small sets of real video. Added: biases of queries, keys and
        values, three for each channel and block, which the authors' attention lacks and Keras's comes with.
    """
    context = context_input(context_shape)
    check_sizes(context_shape[0], width, heads, order, horizon)
    whole_number("repeats", repeats)
    hidden = whole_number("expansion", expansion) * width
    x = dense(width)(patchify(context, patch))
    x = SinusoidalPositions()(x)  # (batch, N, rows, columns, width)
    frames, rows, columns, _ = x.shape[1:]
    # On a CPU, TensorFlow's softmax takes no more axes than this leaves it
    x = layers.Reshape((frames, rows * columns, width))(x)
    for run in runs(order, repeats):
        for letter in run:
            x = gated_block(x, AXES[letter], heads, hidden)
        x = normalize(x)
    x = layers.Reshape((frames, rows, columns, width))(x)
    x = dense(patch**2)(normalize(x[:, -horizon:]))
    x = unpatchify(x, patch)  # (batch, horizon, height, width, 1)
    forecast = to_rollout(context, x, head)
    return keras.Model(context, forecast, name="predformer")
