"""Train the same networks in Keras and in PyTorch, in turn on the same cores, and store how their speeds compare.

The networks and the batches are those of the benchmark's digits-32: four of the book's models, and the same four
written as PyTorch users write them, with as many parameters. Keras trains with `nextframe.training.fit`, its input
pipeline included; PyTorch with a plain loop, its windows already floats in memory. Each round times one and then the
other; compilation and the first steps are left out of the clock. The machine must be idle: PyTorch's threads wait for
each other at every operation, and where other programs take their cores it falls behind out of all proportion.

    pip install torch
    python tools/measure_pytorch.py [--rounds 5] [--steps 40] [--threads 2]

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
from nextframe.benchmark import protocols, results
from nextframe.benchmark.tasks import DIGITS_32
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import build

PROTOCOL, SHAPE, BATCH, RATE = "digits-32", (10, 32, 32, 1), 32, 1e-3


class DenseLSTM(nn.Module):
    """`nextframe.models.dense_lstm`."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1024, 256, batch_first=True)
        # PyTorch adds two biases to each gate, and Keras one: the second stays at zero
        nn.init.zeros_(self.lstm.bias_hh_l0).requires_grad_(False)
        self.dense = nn.Linear(256, 1024)

    def forward(self, context: torch.Tensor) -> torch.Tensor:  # (batch, N, height, width), as in all four
        outputs, _ = self.lstm(context.flatten(2))
        return self.dense(outputs[:, -1]).view(-1, 1, 32, 32)


class FramesAsChannels(nn.Module):
    """`nextframe.models.frames_as_channels`: PyTorch's pixel_unshuffle is the book's `patchify`."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _convolutions(nn.Conv2d, 40, 64, 64, 64, 64, 64, 4)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        change = self.layers(functional.pixel_unshuffle(context, 2))
        return context[:, -1:] + functional.pixel_shuffle(change, 2)


class Conv3D(nn.Module):
    """`nextframe.models.conv3d`, with time turned into channels before the last convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolutions(nn.Conv3d, 4, 16, 16, 16), nn.ReLU(inplace=True))
        self.last = nn.Conv2d(160, 4, 3, padding=1)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        x = functional.pixel_unshuffle(context[:, :, None], 2).transpose(1, 2)  # (batch, 4, N, 16, 16)
        change = self.last(self.layers(x).flatten(1, 2))
        return context[:, -1:] + functional.pixel_shuffle(change, 2)


class ConvLSTM(nn.Module):
    """`nextframe.models.conv_lstm`, two frames a step; the inputs of all steps are convolved at once."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = nn.Conv2d(8, 64, 3, padding=1)
        self.memory = nn.Conv2d(16, 64, 3, padding=1, bias=False)
        self.decoder = _convolutions(nn.Conv2d, 16, 64, 64, 4)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        steps = functional.pixel_unshuffle(context, 2).unflatten(1, (5, 8))
        inputs = self.inputs(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])  # (batch, 5, 4 gates × 16, 16, 16)
        hidden = cell = inputs.new_zeros(len(context), 16, 16, 16)
        for step in inputs.unbind(1):
            enter, keep, new, leave = (step + self.memory(hidden)).chunk(4, dim=1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(new)
            hidden = torch.sigmoid(leave) * torch.tanh(cell)
        return context[:, -1:] + functional.pixel_shuffle(self.decoder(hidden), 2)


NETWORKS = {
    "dense_lstm": DenseLSTM,
    "frames_as_channels": FramesAsChannels,
    "conv3d": Conv3D,
    "conv_lstm": ConvLSTM,
}


def _convolutions(kind: type[nn.Conv2d] | type[nn.Conv3d], *channels: int) -> nn.Sequential:
    """Convolutions with kernels of 3 from one number of channels to the next, and ReLU between them."""
    layers = []
    for before, after in zip(channels, channels[1:], strict=False):
        layers += [kind(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class InPyTorch:
    """One of the networks, its optimizer, and the loop that trains it."""

    def __init__(self, network: type[nn.Module], channels_last: bool, context: torch.Tensor, target: torch.Tensor):
        torch.manual_seed(0)
        self.network = network()
        if channels_last:
            for layer in self.network.modules():
                if isinstance(layer, nn.Conv2d | nn.Conv3d):
                    three = isinstance(layer, nn.Conv3d)
                    layer.to(memory_format=torch.channels_last_3d if three else torch.channels_last)
        # a loop over parameters costs more here than one kernel for all of them
        self.optimizer = torch.optim.Adam(self.network.parameters(), RATE, fused=True)
        self.context, self.target = context, target

    @property
    def parameters(self) -> int:
        return sum(weights.numel() for weights in self.network.parameters() if weights.requires_grad)

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
        self.network = build(name, SHAPE, **protocols.settings(PROTOCOL)["models"][name])
        self.dataset = windows.window_dataset(clips, SHAPE[0], batch_size=BATCH, shuffle=True)
        self.validation = windows.window_dataset(clips[:10], SHAPE[0], batch_size=100)

    @property
    def parameters(self) -> int:
        return self.network.count_params()

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
    contexts, targets = zip(*(windows.sliding_windows(clip, SHAPE[0]) for clip in clips), strict=True)
    context, target = (
        torch.from_numpy(windows.to_unit(np.concatenate(part))[..., 0]) for part in (contexts, targets)
    )  # (windows, N, height, width) and (windows, 1, height, width)
    layouts = [InPyTorch(NETWORKS[name], channels_last, context, target) for channels_last in (False, True)]
    rates = []
    for candidate in layouts:
        candidate.train(3)
        rates.append(candidate.train(10)[0])
    channels_last = rates[1] > rates[0]
    in_pytorch = layouts[channels_last]
    in_keras = InKeras(name, clips)
    if in_keras.parameters != in_pytorch.parameters:
        raise RuntimeError(f"{name}: {in_keras.parameters} parameters in Keras, {in_pytorch.parameters} in PyTorch")
    result = {"parameters": in_keras.parameters, "pytorch_layout": "channels_last" if channels_last else "contiguous"}
    speeds: dict[str, list[float]] = {"keras": [], "pytorch": []}
    losses: dict[str, list[float]] = {"keras": [], "pytorch": []}
    for number in range(rounds):
        for framework, network in (("keras", in_keras), ("pytorch", in_pytorch)):
            if framework == "pytorch":
                network.train(steps)  # as many steps off the clock as `fit` has
            speed, loss = network.train(steps)
            speeds[framework].append(round(speed, 1))
            losses[framework].append(loss)
        print(
            f"{name}, round {number + 1} of {rounds}: Keras {speeds['keras'][-1]:.0f} windows/s, "
            f"PyTorch {speeds['pytorch'][-1]:.0f}, ratio {speeds['keras'][-1] / speeds['pytorch'][-1]:.2f}",
            flush=True,
        )
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
    parser.add_argument("--steps", type=int, default=40, help="steps on the clock in a round (default: 40)")
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
    compared = {name: compare(name, clips, options.rounds, options.steps) for name in options.networks}
    result = {
        "protocol": PROTOCOL,
        "batch_size": BATCH,
        "steps": options.steps,
        "threads": options.threads,
        "load_average_before": round(load, 2),
        "pytorch": torch.__version__,
        "tf_enable_onednn_opts": os.environ["TF_ENABLE_ONEDNN_OPTS"],
        "networks": compared,
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
