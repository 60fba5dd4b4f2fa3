"""The network of "Your own video" on the page "Try it": `flow_unet` without flow, which no page can compute.

    make live

trains it if its weights are missing here: half an hour on two cores. It learns as the network that ships does, see
tools/train_video.py, but never sees the clip that the page begins with.
"""

import io
import multiprocessing
from pathlib import Path

import keras
import numpy as np
from train_video import CACHE, in_worker, train
from video_windows import SIDE, parts, prepare

from nextframe._utils.files import write_atomically
from nextframe.datasets.real_clips import EXAMPLES
from nextframe.models import build
from nextframe.models.flow_unet import FRAMES

WEIGHTS = Path(__file__).resolve().parent / "video_weights.npz"
CLIP, FIRST = "bottle", 40  # what the page begins with, and the frame: the hand waits until then
STEPS, SEQUENCES = 8000, 6000


def load(side: int = SIDE) -> keras.Model:
    """Build it, for frames of any size, with the weights that it learned."""
    model = build("flow_unet", (FRAMES, side, side, 1), proposals=())
    with np.load(WEIGHTS) as weights:
        model.set_weights([weights[name] for name in weights.files])
    return model


def main() -> None:
    if WEIGHTS.exists():
        return
    folder = CACHE / "without-flow"
    wanted = parts([name for name in EXAMPLES if name != CLIP], SEQUENCES)
    with multiprocessing.get_context("forkserver").Pool(initializer=in_worker) as pool:
        prepare(wanted, folder, pool, kinds=())
    checkpoint = folder / "checkpoint.weights.h5"
    model = train(folder, wanted, checkpoint, STEPS, proposals=())
    memory = io.BytesIO()
    np.savez_compressed(memory, *(weights.astype(np.float16) for weights in model.get_weights()))
    write_atomically(WEIGHTS, memory.getvalue())
    checkpoint.unlink(missing_ok=True)  # whoever deletes the weights wants others


if __name__ == "__main__":
    main()
