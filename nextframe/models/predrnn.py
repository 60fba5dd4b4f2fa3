"""PredRNN: ConvLSTMs with a second memory, which climbs the layers at each step and goes on from the top one."""

from typing import Any

import keras
from keras import layers, ops

from nextframe._utils.validation import one_of, whole_number
from nextframe.layers import SpatiotemporalLSTM2DCell
from nextframe.models.heads import HEADS, to_frame, to_rollout
from nextframe.models.inputs import context_input
from nextframe.models.patches import patchify, unpatchify


def predrnn(
    context_shape: tuple[int, ...],
    filters: int = 24,
    depth: int = 2,
    kernel_size: int = 3,
    patch: int = 4,
    horizon: int = 1,
    head: str = "linear",
) -> keras.Model:
    """Read the frames with a stack of spatiotemporal LSTMs that share one memory, then read the forecasts themselves.

    Each layer has a hidden state and a cell state of its own, as in a ConvLSTM, which stay with it from step to step. The
    second memory is the stack's: the first layer updates it and hands it up, the last one hands it back to the first
    for the next step. So what a layer near the pixels has seen at this step reaches the top within it, and what the top
    has made of it reaches the bottom at the next one.

    Each step is written out, so a long context or horizon takes long to build.

    Args:
        context_shape: `(N, height, width, 1)`.
        filters: Channels of every state. The published networks have 128.
        depth: Number of layers; published, 4.
        kernel_size: Side of each kernel, for inputs and for states, in positions; published, 5.
        patch: Side of the squares of pixels that make one position; see `nextframe.models.patches`.
        horizon: Frames to forecast. From the second on, the network reads its own forecast in place of a frame.
        head: "linear", "residual" or "sigmoid"; see `nextframe.models.heads`. "residual" adds to the frame read last, be
            it a forecast.

    Returns:
        Model from a context `(batch, N, height, width, 1)` to a target `(batch, height, width, 1)`, or with a `horizon`
        above 1 to `(batch, horizon, height, width, 1)`.

    Raises:
        ValueError: A context shape or head that does not exist, a number that is too small, or a patch that does not
            divide the frames.

    Source:
        Wang et al., PredRNN: Recurrent Neural Networks for Predictive Learning using Spatiotemporal LSTMs, NIPS 2017. As
        in the authors' code, nothing has biases but for the forget gates' 1, and a 1×1 convolution makes the frame. Left
        out: training on forecasts of the context's own frames, and scheduled sampling, which mixes true frames with
        forecasts while it trains; of the version of 2022 (TPAMI), the loss that keeps both memories apart.
    """
    sizes = {"filters": filters, "depth": depth, "kernel_size": kernel_size}
    for name, size in (sizes | {"horizon": horizon}).items():
        whole_number(name, size)
    one_of("head", head, HEADS)
    context = context_input(context_shape)
    seen = patchify(context, patch)  # (batch, N, rows, columns, patch²)
    options: dict[str, Any] = {"padding": "same", "use_bias": False}
    cells = [
        SpatiotemporalLSTM2DCell(filters, kernel_size, **options)
        for _ in range(depth)
    ]
    to_patches = layers.Conv2D(patch**2, 1, **options)
    memory = ops.repeat(ops.zeros_like(seen[:, 0, ..., :1]), filters, axis=-1)
    states = [[memory, memory]] * depth  # hidden state, cell state
    forecasts: list[keras.KerasTensor] = []
    for step in range(seen.shape[1] + horizon - 1):
        frame = seen[:, step] if step < seen.shape[1] else forecasts[-1]
        x = frame
        for layer, cell in enumerate(cells):
            x, (hidden, state, memory) = cell(x, [*states[layer], memory])
            states[layer] = [hidden, state]
        if step >= seen.shape[1] - 1:  # the context is read
            change = to_patches(x)
            forecasts.append(
                to_frame(frame[:, None], change, head, name=None)
            )
    frames = unpatchify(ops.stack(forecasts, axis=1), patch)
    forecast = to_rollout(context, frames, "linear")
    return keras.Model(context, forecast, name="predrnn")
