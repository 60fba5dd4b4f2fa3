"""Every exercise of every chapter: its solution is right, wrong answers are not, and what is open is said to be."""

import ast
import contextlib
import copy
import functools
import io
import re
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest

from nextframe.exercises import Exercise, checking, review
from nextframe.exercises.exercise import review_function, review_value

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHECK = re.compile(r'^check\("([\d.]+)", \w+\)$', re.MULTILINE)
KINDS = {"Predict": "predict", "Mend": "mend", "Build": "build"}

# Tempting and wrong: code in place of the solution's. Numbers, words and dicts are put off by themselves, see below
WRONG = {
    "1.1": ['arguments = {"context": 60, "horizon": 30, "frame_step": 3}'],
    "1.2": ["leaking = 0", "leaking = 11", "leaking = 10.000001", "leaking = np.nan"],
    "1.3": [
        "def by_hand(clip, context, horizon):\n"
        "    starts = range(len(clip) - context)\n"
        "    return np.array([clip[s : s + context] for s in starts]), np.array([clip[s + context] for s in starts])",
    ],
    "1.4": ["f = lambda contexts: contexts[-1]", "f = lambda contexts: contexts[:, 0]"],
    "1.5": [
        "f = lambda clip: np.diff(clip, axis=0)",
        "f = lambda clip: np.abs(np.diff(clip.astype(int), axis=0))",
        "f = lambda clip: clip[:-1].astype(int) - clip[1:]",
    ],
    "1.6": [
        "f = lambda frames, context, horizon, stride: np.arange(0, frames - context - horizon, stride)",
        "f = lambda frames, context, horizon, stride: np.arange(0, frames - context + 1, stride)",
        "f = lambda frames, context, horizon, stride: np.arange(frames - context - horizon + 1)",
    ],
    "1.7": [
        "f = lambda starts, context, frame_step: starts[:, None] + np.arange(context)",
        "f = lambda starts, context, frame_step: starts + frame_step * np.arange(context)[:, None]",
        "f = lambda starts, context, frame_step: [[1], [2, 3]]",
        "f = lambda starts, context, frame_step: (starts[:, None] + frame_step * np.arange(context)).astype(object)",
        "f = lambda starts, context, frame_step: (starts[:, None] + frame_step * np.arange(context)).astype(str)",
    ],
    "1.8": [
        "f = lambda clip, starts, context: clip[starts[:, None] + np.arange(context)] / 255",
        "f = lambda clip, starts, context: clip[starts[:, None] + np.arange(context)][..., None]",
    ],
    "2.1": ["f = lambda x: 2 * x[:, -1] - x[:, -2]", "f = lambda x: (x[:, -1] + x[:, -2]) / 2"],
    "2.2": ['ahead = {"bottle": True, "box": False}'],
    "2.3": [f'lowest = "{name}"' for name in ("copy_last", "black", "optical_flow", "context mean")],
    "2.4": ["f = lambda a, b: 10 * np.log10(255**2 / np.mean((a.astype('int8') - b.astype('int8')) ** 2.0))"],
    "2.5": ["f = lambda a, b, c: 1 - np.median(metrics.mse(a, b)) / np.median(metrics.mse(a, c))"],
    "3.1": [
        'lost = {"LSTM": 0.09, "Conv3D": 0.21}',
        *(f'lost = {{"LSTM": {lost / 100}, "Conv3D": {lost / 100}}}' for lost in range(31)),
    ],
    "3.2": ["n = 4 * 1024 * (4096 + 1024) + 4096 * 1024", "n = 4 * 1024 * (4096 + 1024 + 1)", "n = 25_174_017"],
    "3.3": [
        "f = lambda k: np.eye(k)",
        "f = lambda k: np.eye(k, k=-1)",
        "f = lambda k: np.eye(k + 1, k=1)",
        "f = lambda k: np.roll(np.eye(k), 1, axis=1)",
        "f = lambda k: 0.9 * np.eye(k, k=1)",
        "f = lambda k: 3",
    ],
    "3.4": [
        "def f(x, h, c, w, u, b):\n"
        "    i, f, g, o = 1 / (1 + np.exp(-np.array(np.split(x @ w + h @ u + b, 4))))\n"
        "    c = f * c + i * g\n"
        "    return o * np.tanh(c), c",
        "def f(x, h, c, w, u, b):\n"
        "    i, f, g, o = np.split(x @ w + h @ u + b, 4)\n"
        "    i, f, o = 1 / (1 + np.exp(-np.array([i, f, o])))\n"
        "    c = f * c + i * np.tanh(g)\n"
        "    return c, o * np.tanh(c)",
        "f = lambda x, h, c, w, u, b: np.stack((h, c))",
        "f = lambda x, h, c, w, u, b: h",
    ],
    "3.5": ["f = lambda z, h, g: (1 - z) * h + z * g", "f = lambda z, h, g: z * h + g"],
    "4.1": ["share = 25 / 9 / 2", "share = 0.5", "share = 1"],
    "4.2": [
        "f = lambda mean: mean",
        "f = lambda mean: np.log((1 - mean) / mean)",
        "f = lambda mean: np.log(mean)",
        "f = lambda mean: [0.0]",
    ],
    "4.3": [
        "f = lambda x: np.moveaxis(x[..., 0], 1, 2)",
        "f = lambda x: x[..., 0].T",
        "f = lambda x: np.moveaxis(x[:, ::-1, ..., 0], 1, -1)",
    ],
    "4.4": [
        "kernel = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])",
        "kernel = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])",
        "kernel = np.array([1, 0, 0])",
    ],
    "4.5": [
        "f = lambda: keras.layers.Conv2D(8, 3, strides=2, padding='same')",
        "f = lambda: keras.layers.Conv2D(8, (1, 4), strides=2, padding='same')",
        "f = lambda: keras.layers.Conv2D(8, (2, 4), strides=2, padding='same')",
        "f = lambda: keras.layers.Conv2D(8, 1, strides=2)",
        "f = lambda: keras.layers.Conv2D",
        "f = lambda: keras.layers.Conv2D(8, 2, padding='same')",
        "f = lambda: keras.layers.Conv2D(10, 2, strides=2)",
        "f = lambda: keras.layers.MaxPooling2D(2)",
    ],
    "4.6": [
        "f = lambda x: x.reshape(len(x), x.shape[1] // 2, x.shape[2] // 2, 4)",
        "def f(x):\n"
        "    n, rows, columns = x.shape\n"
        "    cut = x.reshape(n, rows // 2, 2, columns // 2, 2).transpose(0, 1, 3, 4, 2)\n"
        "    return cut.reshape(n, rows // 2, columns // 2, 4)",
    ],
    "5.1": ['n = {"plain": 10, "dilated": 5}', 'n = {"plain": 7, "dilated": 10}', 'n = {"plain": 9, "dilated": 7}'],
    "5.2": ['shift = {"steps": 3, "frames_ahead": 4}', 'shift = {"steps": 1, "frames_ahead": 1}'],
    "5.3": [
        "def f():\n"
        "    frames = keras.Input((10, 8, 8, 1))\n"
        "    return keras.Model(frames, keras.layers.Conv3D(1, (1, 3, 3), padding='same')(frames))",
        "def f():\n"
        "    frames = keras.Input((10, 8, 8, 1))\n"
        "    x = CausalConv3D(4, 3, activation='relu')(frames)\n"
        "    return keras.Model(frames, keras.layers.Conv3D(1, 3, padding='same')(x))",
    ],
    "5.4": [
        "f = lambda clip, size: np.pad(clip, [(size, 0), (0, 0), (0, 0)])",
        "f = lambda clip, size: np.pad(clip, [(0, size - 1), (0, 0), (0, 0)])",
        "f = lambda clip, size: np.pad(clip, [(size - 1, 0), (0, 0), (0, 0)], mode='edge')",
    ],
    "5.5": [
        "def f(clip, kernel):\n"
        "    past = np.pad(clip, [(len(kernel) - 1, 0), (0, 0), (0, 0)])\n"
        "    return sum(k * past[j : j + len(clip)] for j, k in enumerate(kernel[::-1]))",
        "f = lambda clip, kernel: sum(k * clip for k in kernel)",
    ],
    "6.1": ["side = 203", "side = 205", "side = 235"],
    "6.2": [
        "f = lambda x: x.repeat(3, axis=-1)",
        "f = lambda x: 2 * x - 1",
        "f = lambda x: 255 * x.repeat(3, axis=-1) / 128 - 1",
    ],
    "6.3": [
        "f = lambda kernel, mean, scale: kernel",
        "f = lambda kernel, mean, scale: (kernel, np.zeros(2))",
        "f = lambda kernel, mean, scale: (kernel.sum(axis=2, keepdims=True), np.zeros(2))",
        "f = lambda kernel, mean, scale: ((kernel / scale[:, None]).sum(axis=2, keepdims=True), np.zeros(2))",
        "f = lambda kernel, mean, scale: (\n"
        "    (kernel / scale[:, None]).mean(axis=2, keepdims=True),\n"
        "    -(kernel / scale[:, None] * mean[:, None]).mean(axis=2).sum(axis=(0, 1)),\n"
        ")",
    ],
    "6.4": ["size = 9", "size = 6", "size = 3"],
    "7.1": ["times = 10", "times = 1"],
    "7.2": ["filters = 32", "filters = 16"],
    "7.3": [
        "f = lambda: keras.layers.Conv3D(1, (3, 1, 1), padding='same')",
        "f = lambda: keras.layers.Conv3D(1, 1, padding='same')",
        "f = lambda: keras.layers.Conv3D(1, (2, 3, 3), padding='same')",
        "f = lambda: keras.layers.Conv3D(1, (1, 3, 3), strides=(1, 2, 2), padding='same')",
        "f = lambda: keras.layers.Conv3D(1, (1, 3, 3))",
        "f = lambda: keras.layers.Conv3D(1, (1, 1, 9), padding='same')",
        "f = lambda: keras.layers.Conv3D(1, (1, 9, 1), padding='same')",
        "from nextframe.layers import CausalConv3D\nf = lambda: CausalConv3D(1, 3)",
    ],
    "7.4": ['left = {"steps": 1, "idle_weights": 9216}', 'left = {"steps": 10, "idle_weights": 14992}'],
    "7.5": [
        "f = lambda c, i, f, g, o: (o * np.tanh(f * c + i * g), c)",
        "f = lambda c, i, f, g, o: (o * np.tanh(i * c + f * g), i * c + f * g)",
        "f = lambda c, i, f, g, o: (f * c + i * g, o * np.tanh(f * c + i * g))",
    ],
    "8.1": [
        'n = {"numbers_a_frame": 8192, "decoder_parameters": 1052672}',
        'n = {"numbers_a_frame": 8, "decoder_parameters": 0}',
    ],
    "8.2": ["positions = 4", "positions = 8", "positions = 256"],
    "8.3": [
        "f = lambda x: np.maximum(x[:, ::2, ::2], x[:, 1::2, 1::2])",
        "f = lambda x: x[:, ::2, ::2]",
        "f = lambda x: x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean(axis=(2, 4))",
    ],
    "8.4": [
        "def f():\n"
        "    features = keras.Input((8, 8, 4))\n"
        "    x = keras.layers.Dense(64)(keras.layers.Flatten()(features))\n"
        "    return keras.Model(features, keras.layers.Reshape((8, 8, 1))(x))",
        "def f():\n"
        "    features = keras.Input((8, 8, 4))\n"
        "    return keras.Model(features, keras.layers.Conv2D(1, 3, strides=2, padding='same')(features))",
        "f = lambda: keras.Sequential(\n"
        "    [\n"
        "        keras.layers.GlobalMaxPooling2D(keepdims=True),\n"
        "        keras.layers.UpSampling2D(8),\n"
        "        keras.layers.Conv2D(1, 1),\n"
        "    ]\n"
        ")",
        "f = lambda: keras.Sequential([keras.layers.MaxPooling2D(2), keras.layers.Conv2DTranspose(1, 2, strides=2)])",
        "def f():\n"
        "    features = keras.Input((8, 8, 4))\n"
        "    rows = keras.ops.repeat(keras.ops.max(features, axis=1, keepdims=True), 8, axis=1)\n"
        "    return keras.Model(features, keras.layers.Conv2D(1, 3, padding='same')(rows))",
    ],
    "9.1": [
        "kernel = 0.5 * np.eye(7)[3] * np.array([0, 0, 0, 1, 1, 0, 0])[:, None]",
        "kernel = 0.5 * np.eye(7)[3][:, None] * np.array([0, 0, 1, 1, 0, 0, 0])",
        "kernel = np.eye(7)[3][:, None] * np.array([0, 0, 0, 1, 1, 0, 0])",
        "kernel = np.zeros((3, 3))",
    ],
    "9.2": ["share = 1 / 9", "share = 0.5"],
    "9.3": [
        "f = lambda one, other: abs(one.mean() - other.mean()) < one.std() / len(one) ** 0.5",
        "f = lambda one, other: False",
        "f = lambda one, other: True",
        "f = lambda one, other: bool(abs(one.mean() - other.mean()) < 0.05)",
        "f = lambda one, other: bool(abs(one.mean() - other.mean()) < 0.02)",
    ],
    "10.1": ["brightest = 1", "brightest = 3"],
    "10.2": ['frames = {"conv_lstm": 10, "dense_lstm": 6}', 'frames = {"conv_lstm": 7, "dense_lstm": 11}'],
    "10.3": [
        "f = lambda error, energy, empty: (1 + energy - error) / 2 / energy",
        "f = lambda error, energy, empty: 1 - error / empty",
        "f = lambda error, energy, empty: energy**-0.5",
    ],
    "10.4": [
        "def f(model, context, future):\n"
        "    seen = np.concatenate([context, future], axis=1)\n"
        "    many = range(future.shape[1])\n"
        "    return np.stack([model(seen[:, k : k + context.shape[1]]) for k in many], axis=1)",
        "f = lambda model, context, future: np.stack([model(context)] * future.shape[1], axis=1)",
    ],
    "11.1": [
        "f = lambda clip: (clip[1:] == clip[:-1]).sum()",
        "f = lambda clip: (clip[1:] == clip[:-1]).any(axis=(1, 2)).sum()",
        "f = lambda clip: len(clip) - len(np.unique(clip, axis=0)) + 1",
        "f = lambda clip: len(clip) - len(np.unique(clip, axis=0))",
        "f = lambda clip: (np.diff(clip.astype(int), axis=0).sum(axis=(1, 2)) == 0).sum()",
        "f = lambda clip: (np.diff(clip.astype(int), axis=0).max(axis=(1, 2)) == 0).sum()",
        "f = lambda clip: (np.diff(clip.astype(int), axis=0).min(axis=(1, 2)) == 0).sum()",
    ],
    "11.2": ["skill = 0", "skill = 1", "skill = -2"],
    "11.3": [
        "def f(shape):\n    context = keras.Input(shape)\n    return keras.Model(context, context[:, -1])",
        "def f(shape):\n"
        "    context = keras.Input(shape)\n"
        "    return keras.Model(context, keras.ops.mean(context, axis=1))",
        "def f(shape):\n"
        "    context = keras.Input(shape)\n"
        "    x = keras.ops.transpose(context[..., 0], (0, 2, 3, 1))\n"
        "    x = keras.layers.Conv2D(1, 3, padding='same', use_bias=False)(x)\n"
        "    return keras.Model(context, context[:, -1] + x)",
    ],
    "11.4": [
        "f = lambda last, proposals, weights: (weights * proposals).sum(axis=0)",
        "f = lambda last, proposals, weights: last + (weights * proposals).sum(axis=0)",
        "f = lambda last, proposals, weights: (weights * proposals).sum(axis=0) / weights.sum(axis=0)",
    ],
    "12.1": ['notices = {"attention over time": True, "attention over space": False, "frames as channels": True}'],
    "12.2": [
        "f = lambda frames, patches: (frames * patches) ** 2",
        "f = lambda frames, patches: frames * patches",
        "f = lambda frames, patches: frames**2 + patches**2",
    ],
    "12.3": ['first_wrong = {"uint8": 256, "int16": 32768}', 'first_wrong = {"uint8": 15, "int16": 181}'],
    "12.4": [
        "f = lambda a, b: 10 * np.log10(255**2 / np.mean((a - b) ** 2))",
        "f = lambda a, b: 10 * np.log10(255**2 / np.mean((a.astype('int16') - b) ** 2))",
    ],
    "13.1": [
        'brightness = {"squared": 0.5, "absolute": 0.5}',
        'brightness = {"squared": 1 / 3, "absolute": 1 / 3}',
        'brightness = {"squared": 0, "absolute": 1 / 3}',
    ],
    "13.2": [
        "f = lambda y, x: np.linalg.norm(x - y, axis=-1).mean()",
        "f = lambda y, x: np.linalg.norm(x - y, axis=-1).mean() - np.linalg.norm(x[:, None] - x, axis=-1).mean() / 2",
        "f = lambda y, x: np.linalg.norm(x - y, axis=-1).mean()\\\n"
        " - np.linalg.norm(x[:, None] - x, axis=-1).sum() / len(x) / (len(x) - 1)",
    ],
    "13.3": [
        "f = lambda futures, target: np.square(futures - target).mean(axis=-1).max()",
        "f = lambda futures, target: np.square(futures.mean(axis=0) - target).mean()",
        "f = lambda futures, target: np.abs(futures - target).mean(axis=-1).min()",
    ],
    "14.1": ["n = 3", "n = 4", "n = 6"],
    "14.2": [
        "f = lambda column, paddle, across: column - paddle - 1",
        "f = lambda column, paddle, across: across",
        "f = lambda column, paddle, across: (column - paddle) or across",
    ],
    "14.3": [
        "f = lambda balls, longest: bool((balls <= 1).all())",
        "f = lambda balls, longest: bool((balls == 1).all())",
        "f = lambda balls, longest: bool((balls <= 1).all() and (balls == 0).sum() <= longest)",
        "f = lambda balls, longest: bool((balls <= 1).all() and balls[-longest:].any())",
    ],
}

CELL = """def f(*arguments):
    x, h, c, w, u, b = arguments
    i, f, g, o = np.split(x @ w + h @ u + b, 4)
    i, f, o = 1 / (1 + np.exp(-np.array([i, f, o])))
    c = f * c + i * np.tanh(g)
    return """

# Right, and not as the solution has it: lists, tensors, and other layers
RIGHT = {
    "1.2": ["leaking = np.int64(10)", "leaking = 10.0", "leaking = np.array(10)"],
    "1.4": [
        "import keras\nf = lambda contexts: [keras.ops.convert_to_tensor(context[-1]) for context in contexts]",
        "import keras\nf = lambda contexts: keras.ops.convert_to_tensor(contexts)[:, -1]",
    ],
    "1.6": [
        f"f = lambda frames, context, horizon, stride: {kind}(range(0, frames - context - horizon + 1, stride))"
        for kind in ("list", "tuple", "", "np.array")
    ],
    "1.7": [
        "f = lambda starts, context, frame_step: [[s + frame_step * k for k in range(context)] for s in starts]",
        "f = lambda starts, context, frame_step: [s + frame_step * np.arange(context) for s in starts]",
    ],
    "2.1": ["f = lambda x: (1.5 * x[:, -1] - x[:, -2] / 2).tolist()"],
    "2.2": ['ahead = {"bottle": np.True_, "box": np.True_}'],
    "3.3": ["f = lambda k: np.eye(k, k=1).tolist()", "import keras\nf = lambda k: keras.ops.eye(k, k=1)"],
    "3.4": [CELL + back for back in ("np.stack((o * np.tanh(c), c))", "[(o * np.tanh(c)).tolist(), c.tolist()]")],
    "4.2": ["f = lambda mean: keras.ops.convert_to_tensor(np.log(mean / (1 - mean)))"],
    "4.4": [
        "kernel = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]",
        "kernel = keras.ops.convert_to_tensor([[0, 0, 0], [1, 0, 0], [0, 0, 0]])",
    ],
    "4.5": [
        "f = lambda: keras.layers.Conv2D(8, 2, strides=2, use_bias=False)",
        "f = lambda: keras.layers.Conv2D(8, 2, strides=2, padding='same', kernel_initializer='zeros')",
        "f = lambda: keras.layers.SeparableConv2D(8, 2, strides=2)",
        "f = lambda: keras.Sequential([keras.layers.Conv2D(8, 2, strides=2)])",
    ],
    "5.3": [
        "f = lambda: keras.Sequential([CausalConv3D(4, 3, activation='relu'), CausalConv3D(1, 3)])",
        "f = lambda: keras.Sequential([keras.Input((10, 8, 8, 1)), CausalConv3D(2, 3), CausalConv3D(1, 3)])",
    ],
    "6.3": [
        "def f(kernel, mean, scale):\n"
        "    kernel = kernel / scale[:, None]\n"
        "    bias = -(kernel * mean[:, None]).sum(axis=(0, 1, 2))\n"
        "    return [kernel.sum(axis=2, keepdims=True).tolist(), bias.tolist()]",
    ],
    "7.3": [
        "f = lambda: keras.layers.Conv3D(1, (1, 5, 5), padding='same')",
        "f = lambda: keras.layers.Conv3D(1, (1, 3, 3), padding='same', use_bias=False, activation='sigmoid')",
        "f = lambda: keras.layers.TimeDistributed(keras.layers.Conv2D(1, 3, padding='same'))",
        "f = lambda: keras.layers.ConvLSTM2D(1, 3, padding='same', return_sequences=True)",
    ],
    "7.5": ["f = lambda c, i, f, g, o: np.stack((o * np.tanh(f * c + i * g), f * c + i * g))"],
    "8.4": [
        "def f():\n"
        "    features = x = keras.Input((8, 8, 4))\n"
        f"    for filters in {filters}:\n"
        f"        x = keras.layers.Conv2D(filters, {size}, padding='same', activation='{activation}')(x)\n"
        "    return keras.Model(features, x)"
        for filters, size, activation in [
            ((1,), 1, "linear"),
            ((1,), 7, "linear"),
            ((4, 1), 5, "relu"),
            ((4, 4, 1), 3, "relu"),
            ((64, 64, 1), 3, "gelu"),
            ((4, 4, 4, 4, 1), 3, "relu"),
        ]
    ]
    + [
        "f = lambda: keras.Sequential(\n"
        "    [\n"
        "        keras.layers.Conv2D(16, 3, padding='same'),\n"
        "        keras.layers.BatchNormalization(),\n"
        "        keras.layers.ReLU(),\n"
        "        keras.layers.Conv2D(1, 3, padding='same', activation='sigmoid'),\n"
        "    ]\n"
        ")",
        "f = lambda: keras.layers.Conv2DTranspose(1, 3, padding='same')",
    ],
    "9.1": ["kernel = [[(row == 3) * (column in (3, 4)) / 2 for column in range(7)] for row in range(7)]"],
    "9.3": [
        "f = lambda one, other: abs((one - other).mean()) < 1.96 * (one - other).std() / len(one) ** 0.5",
        "f = lambda one, other: bool(abs((one - other).mean()) < 1.96 * (one - other).std() / len(one) ** 0.5)",
    ],
    "10.2": ['frames = {"conv_lstm": 7, "dense_lstm": 10}'],
    "11.1": [
        "f = lambda clip: sum(np.array_equal(*pair) for pair in zip(clip, clip[1:]))",
        "f = lambda clip: (np.diff(clip, axis=0).max(axis=(1, 2)) == 0).sum()",
    ],
    "14.3": ["f = lambda balls, longest: (balls <= 1).all() and '0' * (longest + 1) not in ''.join(map(str, balls))"],
}


@functools.cache
def exercises():
    """Name → number and kind on the page, the cell's source and output, its solution, and what was imported before."""
    found = {}
    for path in CHAPTERS:
        cells = nbformat.read(path, as_version=4).cells
        imports = ""
        for at, cell in enumerate(cells):
            if cell.cell_type != "code" or not (names := CHECK.findall(cell.source)):
                continue
            (name,) = names
            nodes = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
            imports += "".join(f"{ast.unparse(node)}\n" for node in nodes)
            kind = re.match(r"\*\*(\d+)\. (\w+)\.\*\*", cells[at - 1].source)
            number, word = kind.groups() if kind else ("none", "none")
            solution = re.fullmatch(r"<details>.*```python\n(.*?)```.*</details>", cells[at + 1].source, re.DOTALL)
            output = "".join(part.get("text", "") for part in cell.outputs)
            assert name not in found, f"{name} is there twice"
            place = f"{int(path.stem[:2])}.{number}"
            found[name] = place, KINDS.get(word), cell.source, output, solution[1] if solution else "", imports
    return found


def run(name, code, imports):
    """Run code, and hand the last name that it gave a value to the check of an exercise."""
    space = {}
    exec(imports, space)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, space)
    defined = [getattr(node, "name", None) or node.targets[0].id for node in ast.parse(code).body if named(node)]
    return space[defined[-1]]


def named(node):
    return isinstance(node, ast.FunctionDef) or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))


NAMES = list(exercises())


def test_chapters_and_library_have_the_same_exercises():
    assert set(NAMES) == set(checking.EXERCISES) == set(WRONG)


def test_all_three_kinds_and_ten_puzzles():
    assert {checking.EXERCISES[name].kind for name in NAMES} == set(KINDS.values())
    text = "\n".join(cell.source for path in CHAPTERS for cell in nbformat.read(path, as_version=4).cells)
    assert [int(number) for number in re.findall(r"\*Puzzle (\d+) of 10\.\*", text)] == list(range(1, 11))


@pytest.mark.parametrize("name", NAMES)
def test_as_the_page_has_it(name, capsys):
    """Open to begin with, or, where a bug is planted, wrong: the page shows what is said."""
    place, kind, source, output, solution, imports = exercises()[name]
    assert (place, kind) == (name, checking.EXERCISES[name].kind), "the cell before begins with another number or kind"
    assert solution, "no code in the solution behind it"
    exec(imports + source, {})
    assert capsys.readouterr().out == output
    assert output.startswith(f"Exercise {name}: {'not yet' if kind == 'mend' else 'still to fill in'}")
    assert max(map(len, output.splitlines())) <= checking.WIDTH


@pytest.mark.parametrize("name", NAMES)
def test_its_solution_is_right(name):
    *_, solution, imports = exercises()[name]
    said = review(name, run(name, solution, imports))
    assert said.right, said.words
    assert said.words.startswith("right. ")


@pytest.mark.parametrize("name", RIGHT)
def test_other_right_answers_are(name):
    *_, imports = exercises()[name]
    for code in RIGHT[name]:
        said = review(name, run(name, code, imports))
        assert said.right, f"{code}: {said.words}"


@pytest.mark.parametrize("name", NAMES)
def test_wrong_answers_are_not(name):
    *_, solution, imports = exercises()[name]
    right = run(name, solution, imports)
    wrong = [run(name, code, imports) for code in WRONG[name]]
    for answer in [*wrong, *spoiled(right, checking.EXERCISES[name])]:
        said = review(name, answer)
        assert said.right is False, f"{answer} passes for {right}"
        assert said.words.startswith("not yet. ")


def spoiled(right, exercise):
    """Answers a little off: a number just outside what is allowed, an array with one value changed, or turned round."""
    if isinstance(right, bool):
        return [not right]
    if isinstance(right, int | float):
        allowed = exercise.within
        return [exercise.answer() + sign * (1.02 * allowed + (allowed == 0)) for sign in (-1, 1)]
    if isinstance(right, str):
        return [right.upper() + "?"]
    if isinstance(right, dict):
        expected = exercise.answer()
        within = exercise.within if isinstance(exercise.within, dict) else dict.fromkeys(expected, exercise.within)
        return [expected | {key: spoiled_part(value, within[key])} for key, value in expected.items()]
    if isinstance(right, tuple):
        return [(*right[:at], right[at] + 1, *right[at + 1 :]) for at in range(len(right))] + [right[:-1]]
    if isinstance(right, np.ndarray):
        one_off = right.astype(float)
        one_off.flat[-1] += 1
        return [one_off, right[..., None]]
    if exercise.measure is not None:
        return []  # what a function builds has tempting errors of its own, in WRONG

    def changed(*arguments):
        returned = right(*copy.deepcopy(arguments))
        parts = returned if isinstance(returned, tuple) else (returned,)
        last = np.array(keras.ops.convert_to_numpy(parts[-1]), float)
        last.flat[-1] += 0.01
        return (*parts[:-1], last) if isinstance(returned, tuple) else last

    def one_axis_more(*arguments):
        returned = right(*copy.deepcopy(arguments))
        return (*returned, 0) if isinstance(returned, tuple) else np.asarray(returned)[..., None]

    return [changed, one_axis_more, lambda *arguments: None, lambda *arguments: right(*arguments, 0)]


def spoiled_part(value, within):
    return not value if isinstance(value, bool) else value + 1.02 * within + (within == 0)


# ---- the check itself ----

NUMBER = Exercise("predict", lambda: 0.5, "Since it is {answer}.", within=0.1, traps=((2.0, "That is four times it."),))
DOUBLE = Exercise("build", lambda x: 2 * x, "Twice.", inputs=lambda: [(np.array([1, 2]),), (np.arange(30),)])


def test_a_number_within_its_tolerance():
    assert review_value(NUMBER, 0.41).right
    assert review_value(NUMBER, np.float32(0.59)).words == "Since it is 0.5."
    assert review_value(NUMBER, 0.39).words == "0.39 is too low (0.1 more or less would do)."
    assert review_value(NUMBER, 2).words.endswith("That is four times it.")
    assert review_value(NUMBER, float("nan")).words == "nan is not a number."
    assert review_value(NUMBER, 0.60001).words.startswith("0.6 is too high")
    one = Exercise("predict", lambda: {"a": 5, "b": 5}, "", within={"a": 1, "b": 0})
    assert review_value(one, {"a": 6, "b": 5}).right
    assert review_value(one, {"a": 5, "b": 6}).words == "B is too high."


def test_a_word_and_a_yes_or_no():
    word = Exercise("predict", lambda: "black", "So it is.")
    assert review_value(word, "black").right
    assert review_value(word, "copy_last").words == "'copy_last' is not right."
    named = Exercise("predict", lambda: "black", "", choices=("black", "white"))
    assert review_value(named, "white").words == "'white' is not right."
    assert review_value(named, "red").words == "'red' is none of 'black', 'white'."
    both = Exercise("predict", lambda: {"one": True, "other": False}, "So they are.")
    assert review_value(both, {"one": True, "other": False}).right
    assert review_value(both, {"one": True, "other": True}).words == "Other is not right."


def test_a_value_that_is_given_is_not_told_the_right_one():
    for given in (0.2, 3.0):
        assert "0.5" not in review_value(NUMBER, given).words


def test_a_function_is_told_where_it_differs():
    said = review_function(DOUBLE, lambda values: values + 1)
    assert said.words == "<lambda>(values=[1, 2])\nreturns [2, 3];\nexpected [2, 4]."
    late = review_function(DOUBLE, lambda x: np.where(x < 29, 2 * x, 0))
    assert "an array of shape (30,)" in late.words
    assert "at [29], is 0; expected 58" in late.words
    assert review_function(DOUBLE, lambda x: 2.0 * x).right


def test_two_values_are_written_so_that_they_differ():
    exact = Exercise("predict", lambda: 10, "", within=0)
    assert review_value(exact, 10.000001).words == "10.000001 is too high."
    near = Exercise("build", lambda: 25.123456, "", inputs=lambda: [()])
    assert review_function(near, lambda: np.float16(25.123456)).words.endswith("returns 25.125;\nexpected 25.123.")
    assert review_function(DOUBLE, lambda x: 2 * x + 1e-4).words.endswith("[2.0001, 4.0001];\nexpected [2, 4].")


def test_what_is_no_array_of_numbers_is_told():
    def said(change):
        return review_function(DOUBLE, lambda x: change(2 * x)).words.partition("\n")[2]

    assert (
        said(lambda y: [[2], [2, 4]])
        == "returns a list of 2 parts that do not make an array; expected one of shape (2,)."
    )
    assert said(lambda y: y.astype(object)) == "returns an array of dtype object; expected ints or floats."
    assert said(lambda y: [str(each) for each in y]) == "returns an array of dtype <U1; expected ints or floats."
    assert review_function(DOUBLE, lambda x: [2 * each for each in x]).right


def test_what_cannot_be_measured_is_no_fault_of_the_function():
    built = Exercise("build", lambda: 1, "", inputs=lambda: [()], measure=len)
    assert review_function(built, lambda: None).words == "<lambda>() returns None: a function needs return."
    assert review_function(built, lambda: 3).words == (
        "<lambda>()\nreturns something that cannot be used: object of type 'int' has no len()."
    )
    assert (
        "its output has shape (6, 6, 1); expected (8, 8, 1)" in review("8.4", lambda: keras.layers.Conv2D(1, 3)).words
    )


def test_what_a_function_raises_is_told():
    def bad(x):
        return x @ np.ones((3, 3))

    assert "bad(x=[1, 2]) raises ValueError: matmul" in review_function(DOUBLE, bad).words


def test_a_function_cannot_spoil_the_hidden_input():
    def in_place(x):
        x *= 2
        return x

    kept = np.arange(1, 4)
    assert review_function(Exercise("build", lambda x: 2 * x, "", inputs=lambda: [(kept,)]), in_place).right
    assert kept.tolist() == [1, 2, 3]


def test_what_is_still_open():
    for answer in (..., {"context": 2, "horizon": ..., "frame_step": 1}):
        assert review("1.1", answer).right is None
    assert review("1.4", lambda contexts: ...).words == "still to fill in."


@pytest.mark.parametrize(
    ("name", "answer", "error", "says"),
    [
        ("1.9", 3, ValueError, "name='1.9': expected the name of an exercise, one of 1.1, 1.2"),
        (1.2, 3, ValueError, "name=1.2: expected the name of an exercise, one of 1.1"),
        ("windows", 3, ValueError, "expected the name of an exercise, one of 1.1"),
        ("1.2", "10", TypeError, "exercise 1.2: answer='10': expected one number, without quotes"),
        ("1.2", True, TypeError, "answer=True: expected one number"),
        ("6.4", (5, 5, 5), TypeError, "expected one number"),
        ("1.1", {"context": 3}, TypeError, "expected a dict with the keys 'context', 'horizon', 'frame_step'"),
        ("1.4", np.zeros(3), TypeError, "answer=<array of shape .3,.>: expected a function: give its name"),
        ("2.2", {"bottle": 1, "box": 1}, TypeError, r"answer\['bottle'\]=1: expected True or False"),
        ("4.5", keras.layers.Conv2D(8, 2, strides=2), TypeError, "expected a function: give its name"),
        ("2.3", 0, TypeError, "answer=0: expected a word in quotes"),
    ],
)
def test_answers_of_another_kind(name, answer, error, says):
    with pytest.raises(error, match=says):
        review(name, answer)
