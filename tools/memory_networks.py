"""The small networks of "Who remembers?" on the page "Try it": each architecture, for each period of a light.

    make live

trains those whose weights are missing here, a quarter of an hour for all, and puts them into the page.
"""

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe import diagnostics
from nextframe._utils.files import write_atomically
from nextframe.models import build

FOLDER = Path(__file__).resolve().parent / "memory_weights"
CONTEXT, SIDE = 20, 16
PERIODS = (4, 6, 8, 10, 12)
STEPS = 2000
NETWORKS: dict[str, dict[str, Any]] = {
    "conv3d_of_seven": {"name": "conv3d", "filters": 8, "depth": 3, "temporal_pooling": "last_slice"},
    "conv3d_of_all": {"name": "conv3d", "filters": 8, "depth": 3, "temporal_pooling": "time_to_channels"},
    "conv_lstm": {"name": "conv_lstm", "patch": 4, "decoder_depth": 1},
}


def path(label: str, period: int) -> Path:
    return FOLDER / f"{label}-{period}.npz"


def load(label: str, period: int) -> keras.Model:
    """Build one of `NETWORKS` with the weights that it learned from a light of that period."""
    model = build(context_shape=(CONTEXT, SIDE, SIDE, 1), **NETWORKS[label])
    with np.load(path(label, period)) as weights:
        model.set_weights([weights[name] for name in weights.files])
    return model


def train(label: str, period: int) -> None:
    """Keep the weights, in 16 bits, that one of `NETWORKS` learns from a light of that period."""
    model = diagnostics.memory_network(back=period, steps=STEPS, context=CONTEXT, **NETWORKS[label])
    memory = io.BytesIO()
    np.savez_compressed(memory, *(weights.astype(np.float16) for weights in model.get_weights()))
    write_atomically(path(label, period), memory.getvalue())


def main() -> None:
    missing = [(label, period) for label in NETWORKS for period in PERIODS if not path(label, period).exists()]
    for label, period in missing:
        train(label, period)
        print(f"{label}, period {period}: memory {diagnostics.memory_of(load(label, period), period):.3f}", flush=True)


if __name__ == "__main__":
    main()
