"""The cost of a model: operations and memory."""

import json
import subprocess
import sys
from typing import Any

import keras
import numpy as np
from keras import layers

from nextframe._utils.keras_private import calls_in
from nextframe.layers import ConvGRU2D, FoldFrames, SpatiotemporalLSTM2D, SpatiotemporalLSTM2DCell

# Layers that have weights and compute next to nothing beside a matrix product: their work is not counted.
_CHEAP = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.Embedding)


def forward_flops(model: keras.Model) -> int:
    """Count the floating-point operations of one forecast: two for each product of a matrix or a convolution.

    Attention has two products of its own: queries with keys, and what comes of them with values. Biases, activations,
    pooling and reshaping are left out; they are small beside the products. Padding is counted as if it were pixels, as
    Keras computes it. A layer counts once for each time that the model calls it; a call on a fixed batch, such as one
    of zeros, is made once for all forecasts and does not count.

    Raises:
        ValueError: A layer with weights whose operations this function cannot count.
    """
    return sum(layer_flops(layer, model) for layer in model.layers)


def training_flops(model: keras.Model) -> int:
    """Operations of training on one example: forward, and about twice that for the gradients."""
    return 3 * forward_flops(model)


def peak_training_memory(name: str, context_shape: tuple[int, ...], batch_size: int = 16, **size: Any) -> float:
    """Measure the peak memory of one training step, in megabytes, weights and gradients included.

    The step runs in a process of its own, so nothing else counts. On a GPU it is the GPU's memory. On a CPU it is the
    growth of the process's memory from before the model was built, TensorFlow's tracing included; it is read from
    Linux's /proc, so it is measured on Linux only.

    Args:
        name: A model of `nextframe.models.MODELS`.
        context_shape: `(N, height, width, 1)`.
        batch_size: Contexts in the batch.
        **size: The model's own arguments.
    """
    job = json.dumps({"name": name, "context_shape": list(context_shape), "batch_size": batch_size, "size": size})
    done = subprocess.run(
        [sys.executable, "-m", "nextframe.diagnostics._peak_memory", job], capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]  # killed, it says nothing
        raise RuntimeError(f"one training step of {name} failed: {said[-1]}")
    return float(done.stdout.split()[-1])


def layer_flops(layer: keras.layers.Layer, model: keras.Model) -> int:
    """Operations of all calls of a layer in a model, for one example, counted as in `forward_flops`."""
    if not layer.weights:
        return 0
    batch_size = model.inputs[0].shape[0]
    found = [(inputs, output) for called, inputs, output in calls_in(model) if called is layer]
    return sum(
        _call_flops(layer, [each.shape[1:] for each in inputs], output.shape[1:])
        for inputs, output in found
        if batch_size is not None or inputs[0].shape[0] is None
    )


def _call_flops(layer: keras.layers.Layer, inputs: list[tuple[int, ...]], outputs: tuple[int, ...]) -> int:
    if isinstance(layer, layers.MultiHeadAttention):
        return _attention_flops(layer, *inputs[:2])
    if isinstance(layer, layers.TimeDistributed | FoldFrames):
        return inputs[0][0] * _product_flops(layer.layer, inputs[0][1:], outputs[1:])
    return _product_flops(layer, inputs[0], outputs)


def _attention_flops(layer: layers.MultiHeadAttention, query: tuple[int, ...], value: tuple[int, ...]) -> int:
    """Operations of attention for one example: those of its matrices, and of every query with all that it sees."""
    queries, values = (int(np.prod(tokens[:-1])) for tokens in (query, value))
    products = 0
    for weight in layer.weights:
        *_, matrix, name = weight.path.split("/")
        if name == "kernel":
            products += int(np.prod(weight.shape)) * (values if matrix in ("key", "value") else queries)
    seen = int(np.prod([value[axis - 1] for axis in layer.attention_axes]))
    return 2 * (products + queries * seen * layer.num_heads * (layer.key_dim + layer.value_dim))


def _product_flops(layer: keras.layers.Layer, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
    """Operations of one layer for one example; shapes without the batch axis.

    A kernel is applied at each position, and an output has as many values as positions times filters: wherever its
    channels stand.
    """
    if isinstance(layer, keras.Model):
        return forward_flops(layer)
    if isinstance(layer, layers.LSTM | layers.GRU):
        gates = 4 if isinstance(layer, layers.LSTM) else 3
        return 2 * inputs[0] * gates * layer.units * (inputs[1] + layer.units)
    if isinstance(layer, layers.ConvLSTM2D | ConvGRU2D):
        kernels = int(np.prod(layer.cell.kernel.shape)) + int(np.prod(layer.cell.recurrent_kernel.shape))
        return 2 * inputs[0] * kernels * int(np.prod(outputs[-3:])) // layer.cell.filters
    if isinstance(layer, SpatiotemporalLSTM2D):
        return inputs[0] * _product_flops(layer.cell, inputs[1:], outputs[-3:])
    if isinstance(layer, SpatiotemporalLSTM2DCell):
        kernels = sum(int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) == 4)
        return 2 * kernels * int(np.prod(outputs)) // layer.filters
    if isinstance(layer, layers.Dense):
        return 2 * int(np.prod(outputs)) * inputs[-1]
    if isinstance(layer, layers.Conv2D | layers.Conv3D):
        return 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(outputs)) // layer.filters
    if isinstance(layer, layers.Conv2DTranspose):
        return 2 * int(np.prod(inputs)) * int(np.prod(layer.kernel_size)) * layer.filters
    if isinstance(layer, layers.DepthwiseConv2D):
        return 2 * int(np.prod(outputs)) * int(np.prod(layer.kernel_size))
    if isinstance(layer, _CHEAP):
        return 0
    raise ValueError(
        f"do not know how many operations {type(layer).__name__} ({layer.name}) takes: "
        "add it to nextframe/diagnostics/cost.py"
    )
