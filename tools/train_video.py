"""Train the weights of `flow_unet` that ship: on the book's real clips, and on photographs that move.

    KERAS_BACKEND=jax python tools/train_video.py [--without heart] [--steps 20000] [--ship]

A GPU takes minutes for a network, a CPU hours. Three parts, each of which goes on where it was cut off:

1. Windows of five frames are cut from the clips, with one, two or three frames of the clip from one to the next,
   forwards and backwards, at 64×64 and 128×128; `tools/moving_photographs.py` draws any number of others. Optical
   flow's proposals for a window have no gradient and never change, so they are computed once, on all cores. All of it
   lies in _build/video, 3.3 GB: delete that folder after a change to this data.
2. Keras trains a model of the network's own layers that is given frames and proposals. Half of a batch are photographs,
   a quarter each crops and whole frames of clips, all turned and mirrored at random. A window counts by 1 ÷ the error
   of copying in its clip. A checkpoint is written every 1,000 steps; weights are averaged over the last hundred or so.
3. The weights are stored in 16 bits, beside an index of their training data: in _build/video/weights, or, with
   `--ship`, in the package. Measure them with tools/measure_video.py.

The weights that ship were made by this recipe, not by this very file: on an NVIDIA H100 that several runs shared, with
Keras on JAX and a hand-written loop; those without box, city, heart or tree in 22,160, 21,180, 21,170 and 21,190 steps
(220 s each), those without bottle or bunny and those from all clips in 12,160, 12,110 and 12,210 (50 s each). The tree
then ended at frame 58, not at 53, and another rule found the scene cuts.
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops
from video_windows import SIDE, Draws, parts, prepare

from nextframe import pretrained, training
from nextframe._utils.files import write_atomically
from nextframe.benchmark.shipping import packed
from nextframe.benchmark.tasks import read_real_clip
from nextframe.datasets.real_clips import EXAMPLES
from nextframe.layers import FlowProposals
from nextframe.models import build
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import scene_cuts
from nextframe.video.contest import window_errors

CACHE = Path(__file__).resolve().parents[1] / "_build" / "video"
SHAPE = (FRAMES, SIDE, SIDE, 1)
LEARNING_RATE, WARM_UP = 1e-3, 200  # steps
BOUND = 8  # times the error of copying
EVERY = 1000  # steps, from one checkpoint to the next


def bounded(errors: keras.KerasTensor) -> keras.KerasTensor:
    """Let errors above a bound grow only as a logarithm: one wild window must not decide a step."""
    return ops.minimum(errors, BOUND) + ops.log1p(ops.maximum(errors - BOUND, 0))


class GivenProposals(keras.Model):
    """The network, given the proposals of optical flow, and its training loss."""

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, training: bool = True
    ) -> keras.KerasTensor:
        """Return the mean of the windows' errors, each weighted, then bounded."""
        return ops.mean(bounded(sample_weight * ops.mean(ops.square(y_pred - y), axis=(1, 2, 3))))


def given_proposals(network: keras.Model) -> GivenProposals:
    """Return a model of a network's own layers, from contexts and proposals to the forecast; there may be none."""
    of_flow = [layer.output for layer in network.layers if isinstance(layer, FlowProposals)]
    proposals = of_flow[0] if of_flow else keras.Input((0, *network.input_shape[2:]))
    return GivenProposals((network.input, proposals), network.output)


def train(
    folder: Path, names: Iterable[str], checkpoint: Path, steps: int, *, seed: int = 0, every: int = EVERY, **size: Any
) -> keras.Model:
    """Train a network, or go on from the checkpoint, and return it with the average of its last weights.

    Args:
        folder, names: The parts to learn from.
        checkpoint: A file that ends in .weights.h5.
        steps: In all; rounded up to whole rounds.
        seed: Of the initial weights and the batches.
        every: Steps of a round, from one checkpoint to the next.
        size: Arguments of `flow_unet`.
    """
    rounds = math.ceil(steps / every)
    warm_up = min(WARM_UP, rounds * every // 10)
    keras.utils.set_random_seed(seed)
    network = build("flow_unet", SHAPE, **size)
    model = given_proposals(network)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, rounds * every - warm_up, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0, use_ema=True, ema_momentum=0.99)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, jit_compile=training.compiles_well(model))
    if checkpoint.exists():
        model.load_weights(checkpoint)  # and the optimizer's state, with its count of steps

    def save(epoch: int, logs: dict) -> None:
        unfinished = checkpoint.with_name(f"unfinished-{checkpoint.name}")
        model.save_weights(unfinished)
        unfinished.replace(checkpoint)

    done = int(optimizer.iterations) // every
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    model.fit(
        Draws(folder, names, done * every, seed),
        steps_per_epoch=every,
        initial_epoch=done,
        epochs=rounds,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=save)],
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    return network


def flow_ratio(network: keras.Model, name: str) -> float:
    """Return a network's error on a whole clip, divided by that of optical flow."""
    clip = read_real_clip(name, SIDE)
    scenes = np.split(clip, scene_cuts(clip))
    ours, flow = (window_errors(model, scenes).mean() for model in (network, build("optical_flow", SHAPE)))
    return float(ours / flow)


def label(without: str | None) -> str:
    """Return the name that weights ship by."""
    return "flow_unet" if without is None else f"flow_unet-without-{without}"


def keep(network: keras.Model, without: str | None, folder: Path, **size: Any) -> Path:
    """Write a network's weights in 16 bits, enter them in the folder's index, and return their file."""
    name = label(without)
    if not all(np.isfinite(weights).all() for weights in network.get_weights()):
        raise ValueError(f"{name}: some weights are not finite; delete its checkpoint in {CACHE} and train again")
    with tempfile.TemporaryDirectory() as elsewhere:
        whole = Path(elsewhere) / "whole.weights.h5"
        network.save_weights(whole)
        content = packed(whole)
    index = folder / pretrained.INDEX
    models = pretrained.read_index(folder) if index.exists() else {}
    models[name] = {
        "model": "flow_unet",
        "arguments": size,
        "context_shape": SHAPE,
        "trained_on": [clip for clip in EXAMPLES if clip != without] + ["photographs that move"],
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    path = write_atomically(folder / f"{name}.weights.h5", content)
    write_atomically(index, (json.dumps({"models": models}, indent=1) + "\n").encode())
    return path


def in_worker() -> None:
    """Keep to one core, and leave Ctrl+C to the process that waits, which then ends this one."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, prepare missing data, and train a network for each clip that is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--without", nargs="+", choices=EXAMPLES, metavar="CLIP", help="a network each that never sees one of these"
    )
    parser.add_argument("--steps", type=int, default=20_000, help="of 32 windows (default: %(default)s)")
    parser.add_argument("--sequences", type=int, default=12_000, help="of photographs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, default=CACHE / "weights", help="where to (default: %(default)s)")
    where.add_argument("--ship", action="store_true", help="into the package, in the place of what ships")
    given = parser.parse_args(arguments)
    if given.out.resolve() == pretrained.VIDEO_FOLDER.resolve() and not given.ship:
        parser.error(f"{given.out} holds the weights that ship: say --ship to replace them")
    folder = pretrained.VIDEO_FOLDER if given.ship else given.out
    left_out = given.without or [None]
    learned = {without: parts([name for name in EXAMPLES if name != without], given.sequences) for without in left_out}
    processes = multiprocessing.get_context("forkserver")  # a process that has touched no GPU
    with processes.Pool(initializer=in_worker) as pool:
        prepare({name: draw for wanted in learned.values() for name, draw in wanted.items()}, CACHE, pool)
    for without, wanted in learned.items():
        run = f"{label(without)}-{given.steps}-{given.sequences}-{given.seed}"
        network = train(CACHE, wanted, CACHE / f"{run}.weights.h5", given.steps, seed=given.seed)
        print(keep(network, without, folder))
        if without:
            print(f"{without}, never seen: {flow_ratio(network, without):.3f} of the error of optical flow", flush=True)


if __name__ == "__main__":
    main()
