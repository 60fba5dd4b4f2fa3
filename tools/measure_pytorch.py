"""Train the same networks in Keras and in PyTorch, in turn on the same cores, and store how their speeds compare.

On the clips and batches of the benchmark's digits-32: four of the book's models, and the same four written as PyTorch
users write them, with as many parameters. Keras trains with `nextframe.training.fit`, its input pipeline included;
PyTorch with a plain loop, its windows already floats in memory. Each round times one and then the other; compilation
and the first steps are left out of the clock. The machine must be idle: PyTorch's threads wait for each other at every
operation, and where other programs take their cores it falls behind out of all proportion.

    pip install torch  # a build for CPUs: one for GPUs can crash beside TensorFlow
    python tools/measure_pytorch.py [--rounds 5] [--steps 50] [--threads 2]

Ctrl-C ends it between two steps; only a run that reaches its end is stored.
"""

import argparse
import os
import statistics
import time

# PyTorch always computes with oneDNN; TensorFlow, on processors without AVX-512, only if told before it is imported
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf
import torch
from torch import nn
from torch.nn import functional

from nextframe import training, windows
from nextframe.benchmark import results
from nextframe.benchmark.tasks import DIGITS_32
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import build

SHAPE, BATCH, RATE = (10, 32, 32, 1), 32, 1e-3
STEPS = training.SHORT_ROUND  # the fewest that `fit` takes ten at a time in TensorFlow's own loop, as in long trainings


class DenseLSTM(nn.Module):
    """`nextframe.models.dense_lstm`."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1024, units, batch_first=True)
        # PyTorch adds two biases to each gate, and Keras one: the second stays at zero
        nn.init.zeros_(self.lstm.bias_hh_l0).requires_grad_(False)
        self.dense = nn.Linear(units, 1024)

    def forward(self, context: torch.Tensor) -> torch.Tensor:  # (batch, N, height, width), as in all four
        outputs, _ = self.lstm(context.flatten(2))
        return self.dense(outputs[:, -1]).view(-1, 1, 32, 32)


class FramesAsChannels(nn.Module):
    """`nextframe.models.frames_as_channels`: PyTorch's pixel_unshuffle is the book's `patchify`."""

    def __init__(self, filters: int, depth: int) -> None:
        super().__init__()
        self.layers = _convolutions(nn.Conv2d, 40, *[filters] * (depth - 1), 4)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        change = self.layers(functional.pixel_unshuffle(context, 2))
        return context[:, -1:] + functional.pixel_shuffle(change, 2)


class Conv3D(nn.Module):
    """`nextframe.models.conv3d`, with time turned into channels before the last convolution."""

    def __init__(self, filters: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolutions(nn.Conv3d, 4, *[filters] * (depth - 1)), nn.ReLU(inplace=True))
        self.last = nn.Conv2d(10 * filters, 4, 3, padding=1)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        x = functional.pixel_unshuffle(context[:, :, None], 2).transpose(1, 2)  # (batch, 4, N, 16, 16)
        change = self.last(self.layers(x).flatten(1, 2))
        return context[:, -1:] + functional.pixel_shuffle(change, 2)


class ConvLSTM(nn.Module):
    """`nextframe.models.conv_lstm`; the inputs of all steps are convolved at once."""

    def __init__(self, filters: int, decoder_filters: int, frames_per_step: int) -> None:
        super().__init__()
        self.inputs = nn.Conv2d(4 * frames_per_step, 4 * filters, 3, padding=1)
        self.memory = nn.Conv2d(filters, 4 * filters, 3, padding=1, bias=False)
        self.decoder = _convolutions(nn.Conv2d, filters, decoder_filters, decoder_filters, 4)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        steps = functional.pixel_unshuffle(context, 2).unflatten(1, (-1, self.inputs.in_channels))
        # (batch, steps, 4 gates × filters, 16, 16)
        inputs = self.inputs(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])
        hidden = cell = inputs.new_zeros(len(context), self.memory.in_channels, 16, 16)
        for step in inputs.unbind(1):
            enter, keep, new, leave = (step + self.memory(hidden)).chunk(4, dim=1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(new)
            hidden = torch.sigmoid(leave) * torch.tanh(cell)
        return context[:, -1:] + functional.pixel_shuffle(self.decoder(hidden), 2)


# The sizes, for both frameworks. Not a protocol's, which change with what does best: a measurement that is made again
# must be of the same networks as the stored one.
NETWORKS = {
    "dense_lstm": (DenseLSTM, {"units": 256}),
    "frames_as_channels": (FramesAsChannels, {"filters": 64, "depth": 6}),
    "conv3d": (Conv3D, {"filters": 16, "depth": 4}),
    "conv_lstm": (ConvLSTM, {"filters": 16, "decoder_filters": 64, "frames_per_step": 2}),
}


def _convolutions(kind: type[nn.Conv2d] | type[nn.Conv3d], *channels: int) -> nn.Sequential:
    """Convolutions with kernels of 3 from one number of channels to the next, and ReLU between them."""
    layers = []
    for before, after in zip(channels, channels[1:], strict=False):
        layers += [kind(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class InPyTorch:
    """One of the networks, its optimizer, and the loop that trains it."""

    def __init__(self, name: str, layout: str, context: torch.Tensor, target: torch.Tensor):
        torch.manual_seed(0)
        network, sizes = NETWORKS[name]
        self.network = network(**sizes)
        if layout == "channels_last":
            for layer in self.network.modules():
                if isinstance(layer, nn.Conv2d | nn.Conv3d):
                    three = isinstance(layer, nn.Conv3d)
                    layer.to(memory_format=torch.channels_last_3d if three else torch.channels_last)
        # a loop over parameters costs more here than one kernel for all of them
        self.optimizer = torch.optim.Adam(self.network.parameters(), RATE, fused=True)
        self.parameters = sum(weights.numel() for weights in self.network.parameters() if weights.requires_grad)
        self.context, self.target = context, target

    def train(self, steps: int) -> tuple[float, float]:
        """Return windows a second, and the mean loss."""
        total = torch.zeros(())
        began = time.perf_counter()
        for _ in range(steps):
            chosen = torch.randint(len(self.context), (BATCH,))
            loss = functional.mse_loss(self.network(self.context[chosen]), self.target[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return steps * BATCH / (time.perf_counter() - began), float(total) / steps


class InKeras:
    """The same network of the book, trained as its chapters and its benchmark train."""

    def __init__(self, name: str, clips: np.ndarray):
        keras.utils.set_random_seed(0)
        form = {"head": "linear"} if name == "dense_lstm" else {"head": "residual", "patch": 2}  # as the classes above
        self.network = build(name, SHAPE, **NETWORKS[name][1], **form)
        self.parameters = self.network.count_params()
        self.dataset = windows.window_dataset(clips, SHAPE[0], batch_size=BATCH, shuffle=True)
        self.validation = windows.window_dataset(clips[:10], SHAPE[0], batch_size=100)

    def train(self, steps: int) -> tuple[float, float]:
        """Return windows a second of the second of two rounds, since the first compiles; and its mean loss."""
        first, second = training.fit(
            self.network, self.dataset, self.validation, steps=2 * steps, rounds=2, learning_rate=RATE, progress=False
        )
        seen = second["examples"] - first["examples"]
        return seen / (second["seconds"] - first["seconds"]), second["loss"]


def compare(name: str, clips: np.ndarray, rounds: int, steps: int) -> dict:
    """Train one network in both, round by round; return windows a second, their ratios and the losses.

    Raises:
        RuntimeError: The two differ in their parameters, or one of them does not learn.
    """
    parts = zip(*(windows.sliding_windows(clip, SHAPE[0]) for clip in clips), strict=True)
    # (windows, N, height, width) and (windows, 1, height, width)
    context, target = (torch.from_numpy(windows.to_unit(np.concatenate(part))[..., 0]) for part in parts)
    layouts = {layout: InPyTorch(name, layout, context, target) for layout in ("contiguous", "channels_last")}
    for candidate in layouts.values():
        candidate.train(3)
    layout = max(layouts, key=lambda each: layouts[each].train(10)[0])
    in_keras, in_pytorch = InKeras(name, clips), layouts[layout]
    if in_keras.parameters != in_pytorch.parameters:
        raise RuntimeError(f"{name}: {in_keras.parameters} parameters in Keras, {in_pytorch.parameters} in PyTorch")
    result = {"parameters": in_keras.parameters, "pytorch_layout": layout}
    speeds: dict[str, list[float]] = {"keras": [], "pytorch": []}
    losses: dict[str, list[float]] = {"keras": [], "pytorch": []}
    for number in range(rounds):
        for framework, network in (("keras", in_keras), ("pytorch", in_pytorch)):
            if framework == "pytorch":
                network.train(steps)  # as many steps off the clock as `fit` has
            speed, loss = network.train(steps)
            speeds[framework].append(round(speed, 1))
            losses[framework].append(loss)
        done, ours, theirs = f"{name}, round {number + 1} of {rounds}", speeds["keras"][-1], speeds["pytorch"][-1]
        print(f"{done}: Keras {ours:.0f} windows/s, PyTorch {theirs:.0f}, ratio {ours / theirs:.2f}", flush=True)
    for framework, values in losses.items():
        if rounds > 1 and not values[-1] < values[0]:
            raise RuntimeError(f"{name} does not learn in {framework}: its loss went from {values[0]} to {values[-1]}")
    ratios = [ours / theirs for ours, theirs in zip(speeds["keras"], speeds["pytorch"], strict=True)]
    return result | {
        "windows_per_second": speeds,
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio": round(statistics.median(ratios), 3),
        "loss": {framework: [values[0], values[-1]] for framework, values in losses.items()},
    }


def main() -> None:
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that each is timed (default: 5)")
    parser.add_argument("--steps", type=int, default=STEPS, help="on the clock in a round (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=min(2, cores), help="of both (default: 2)")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: all four")
    parser.add_argument("--folder", default=results.FOLDER, help="where pytorch_speed.json goes (default: %(default)s)")
    parser.add_argument("--busy", action="store_true", help="run although the machine is not idle, and store nothing")
    options = parser.parse_args()
    if keras.backend.backend() != "tensorflow":
        raise SystemExit(f"KERAS_BACKEND is {keras.backend.backend()}: this measures Keras on TensorFlow")
    load = os.getloadavg()[0]
    if load > cores / 2 and not options.busy:
        raise SystemExit(f"load average {load:.1f}: wait until the machine is idle, or try it out with --busy")
    torch.set_num_threads(options.threads)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    clips = moving_digits(200, 20, split="train", **DIGITS_32)
    result = {
        "clips": "digits-32",
        "batch_size": BATCH,
        "steps": options.steps,
        "threads": options.threads,
        "load_average_before": round(load, 2),
        "pytorch": torch.__version__,
        "tf_enable_onednn_opts": os.environ["TF_ENABLE_ONEDNN_OPTS"],
        "networks": {name: compare(name, clips, options.rounds, options.steps) for name in options.networks},
    }
    if options.busy:
        print("not stored, since the machine may have been busy")
    else:
        print("stored", results.save("pytorch_speed", result, options.folder))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted: nothing stored") from None
