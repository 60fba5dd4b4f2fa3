"""Measure every network of two protocols on an NVIDIA GPU, with Keras on JAX; TensorFlow need not be there.

    python tools/measure_gpu.py --minutes 8

A network is measured in parts, each in a process of its own, so that its peak of memory is its own and a part that
takes too long can be ended:

- a part for each dtype policy: seconds to compile, steps per second, peak memory, and the loss after the steps;
- "equality": one training step from the same weights on the same batch, here and on the CPU.

There is one file a network, `gpu/<protocol>/<model>.json` in the results store, written anew after each part. A part
that is stored is not measured again: run the same command until it says that nothing is left.
"""

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

# before Keras is imported: a machine with a GPU and JAX need not have TensorFlow
os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from nextframe import training, windows
from nextframe.benchmark import fingerprints, protocols, results
from nextframe.benchmark.tasks import DIGITS_32
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import build

# The protocols' clips; those of moving-mnist-64 are drawn as its training clips are, so nothing is downloaded.
CLIPS = {
    "digits-32": DIGITS_32,
    "moving-mnist-64": {"canvas": 64, "digit_size": 28, "speed": (3.6, 3.6)},
}
CONTEXT, BATCH = 10, 32
# The most telling first: the time may not be enough for all.
MODELS = (
    "forecaster",
    "conv3d",
    "conv_lstm",
    "frames_as_channels",
    "dense_lstm",
    "grid_hybrid",
    "time_distributed",
    "conv_then_lstm",
    "stacked_hybrid",
)
POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
PARTS = (POLICIES[0], "equality", *POLICIES[1:])
EQUALITY_BATCH = 4  # small, since the CPU computes it too
# Largest difference between two processors' gradients, as a share of the largest gradient of the same weights. Sums of
# 32-bit floats in another order differ by about 1e-6 of their terms; a wrong formula differs by about 1.
TOLERANCE = 1e-3


def measure_policy(
    protocol: str, model: str, arguments: dict, policy: str, steps: int, wait: Callable[[], None]
) -> dict:
    """Train a network for three rounds of `steps` steps; the first one holds the compilation, the last is timed.

    Args:
        protocol, model, arguments, policy, steps: The network to train, its dtype policy, and the steps of a round.
        wait: Called when the network is ready to train; returns when none trains beside it.
    """
    import jax

    clips = CLIPS[protocol]
    train = moving_digits(1000, 2 * CONTEXT, **clips)
    held_out = moving_digits(20, 2 * CONTEXT, split="validation", **clips)
    network = _network(model, arguments, clips["canvas"], policy)
    train = windows.window_dataset(train, CONTEXT, batch_size=BATCH, shuffle=True)
    held_out = windows.window_dataset(held_out, CONTEXT, batch_size=100)
    wait()
    history = training.fit(network, train, held_out, steps=3 * steps, rounds=3, progress=False)
    first, second, third = np.diff([0, *(entry["seconds"] for entry in history)])
    memory = jax.local_devices()[0].memory_stats() or {}
    return {
        "steps_per_second": steps / min(second, third),
        "seconds_to_compile": float(first - min(second, third)),
        "peak_megabytes": memory["peak_bytes_in_use"] / 1e6 if memory else None,
        "steps": 3 * steps,
        "loss": _finite(history[-1]["loss"]),
        "validation": _finite(history[-1]["validation"]),
        "parameters": network.count_params(),
        "structure": fingerprints.structure(network),
    }


def measure_equality(protocol: str, model: str, arguments: dict) -> dict:
    """Compare a step's loss and gradients with the CPU's, products and convolutions in full float32 on both."""
    import jax

    clips = CLIPS[protocol]
    frames = windows.to_unit(moving_digits(EQUALITY_BATCH, CONTEXT + 1, **clips))
    batch = frames[:, :CONTEXT], frames[:, CONTEXT]
    network = _network(model, arguments, clips["canvas"], "float32")
    weights = [variable.numpy() for variable in network.trainable_variables]
    # Some kernels start at zero, which leaves the layers before them without a gradient.
    noise = np.random.default_rng(0)
    weights = [array + 0.01 * noise.standard_normal(array.shape).astype(array.dtype) for array in weights]
    others = [variable.numpy() for variable in network.non_trainable_variables]

    def loss(weights: list[jax.Array], others: list[jax.Array], context: jax.Array, target: jax.Array) -> jax.Array:
        forecast, _ = network.stateless_call(weights, others, context, training=True)
        return keras.ops.mean(keras.ops.square(forecast - target))

    answers = []
    with jax.default_matmul_precision("highest"):  # or a GPU would round factors to 10 bits (TF32)
        for device in (jax.local_devices()[0], jax.local_devices(backend="cpu")[0]):
            given = jax.device_put((weights, others, *batch), device)
            answers.append(jax.device_get(jax.jit(jax.value_and_grad(loss))(*given)))
    (here, gradients), (on_cpu, expected) = answers
    differences = {
        variable.path: float(np.abs(found - wanted).max() / np.abs(wanted).max())
        for variable, found, wanted in zip(network.trainable_variables, gradients, expected, strict=True)
        if np.abs(wanted).max() > 0
    }
    worst = max(differences, key=differences.__getitem__)
    return {
        "loss": float(here),
        "loss_on_cpu": float(on_cpu),
        "largest_relative_difference": differences[worst],
        "where": worst,
        "tolerance": TOLERANCE,
        "equal": bool(differences[worst] <= TOLERANCE and abs(here - on_cpu) <= TOLERANCE * abs(on_cpu)),
        "batch": EQUALITY_BATCH,
    }


def _network(model: str, arguments: dict, canvas: int, policy: str) -> keras.Model:
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    return build(model, (CONTEXT, canvas, canvas, 1), **arguments)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None  # JSON has no NaN


def _work(parent: Connection, seconds: int, part: str, protocol: str, model: str, arguments: dict, steps: int) -> None:
    """Measure a part in this process, which ends itself if that takes too long, and send the result."""
    import jax

    def wait() -> None:
        signal.alarm(0)  # waiting is no work
        parent.send("ready")
        parent.recv()
        signal.alarm(seconds)

    signal.alarm(seconds)
    if part == "equality":
        wait()
        found = measure_equality(protocol, model, arguments)
    else:
        found = measure_policy(protocol, model, arguments, part, steps, wait)
    device = jax.local_devices()[0]
    machine = {"device": device.device_kind, "platform": device.platform, "driver": _driver(), "jax": jax.__version__}
    parent.send((found, machine))


def _driver() -> str | None:
    """The NVIDIA driver's version, where there is one."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def in_own_process(
    processes: ForkServerContext, turn: AbstractContextManager[object], seconds: int, *arguments: str | int | dict
) -> tuple[dict, dict] | None:
    """Return the result that `_work` sends, or None if it failed or was ended.

    Args:
        processes: A context of `multiprocessing`.
        turn: A lock to hold while the process measures, not while it gets ready.
        seconds, arguments: As for `_work`.
    """
    child, its_end = processes.Pipe()
    process = processes.Process(target=_work, args=(its_end, seconds, *arguments), daemon=True)
    process.start()
    its_end.close()
    try:
        child.recv()  # it is ready
        with turn:
            child.send("go")
            return child.recv()
    except (EOFError, ConnectionError):
        return None
    finally:
        process.join()


def settings(protocol: str, model: str, steps: int) -> dict:
    """All that a network's measurements depend on; stored ones with other settings are made anew."""
    arguments = fingerprints.resolved_arguments(model, protocols.settings(protocol)["models"][model])
    return {"arguments": arguments, "clips": CLIPS[protocol], "steps": 3 * steps}


def stored(protocol: str, model: str, asked: dict, folder: str | os.PathLike) -> dict:
    """Return the parts of a network that are measured already."""
    try:
        found = results.load(f"gpu/{protocol}/{model}", folder)
    except FileNotFoundError:
        return {}
    same = found["settings"] == json.loads(json.dumps(asked))
    return {part: found[part] for part in PARTS if part in found} if same else {}


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; return 1 if a part failed or there was no time for it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--protocols", nargs="+", choices=CLIPS, default=list(CLIPS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--steps", type=int, default=100, help="in each of three rounds (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=8, help="start nothing after these (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=120, help="end a part after these (default: %(default)s)")
    parser.add_argument("--folder", default=results.FOLDER, help="where results are kept")
    options = parser.parse_args(arguments)
    if keras.backend.backend() != "jax":
        parser.error(f"KERAS_BACKEND is {keras.backend.backend()}: set it to jax")
    end = time.perf_counter() + 60 * options.minutes
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several share the GPU's memory
    # Processes are forked from one that has imported all this, and has touched no GPU: each starts in no time.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["nextframe.benchmark.protocols", "nextframe.models"])
    turn = threading.Lock()
    failed = []

    def measure(part: str, protocol: str, model: str) -> None:
        name, asked = f"{protocol}/{model}", settings(protocol, model, options.steps)
        if part in stored(protocol, model, asked, options.folder):
            return
        seconds = min(options.seconds, int(end - time.perf_counter()))
        if seconds < 5:
            failed.append(f"{name} {part}: no time left")
            return
        begun = time.perf_counter()
        job = (part, protocol, model, asked["arguments"], options.steps)
        answer = in_own_process(processes, nullcontext() if part == "equality" else turn, seconds, *job)
        took = time.perf_counter() - begun
        if answer is None:
            failed.append(f"{name} {part}: failed after {took:.0f} s")
        else:
            found, machine = answer
            # No other thread has this network: parts of one network come one after another.
            parts = stored(protocol, model, asked, options.folder) | {part: found | machine}
            results.save(f"gpu/{name}", {"settings": asked} | parts, options.folder)
        print(f"{took:3.0f} s  {name} {part}: {json.dumps(answer and answer[0])}", flush=True)

    for part in options.parts:
        with ThreadPoolExecutor(4 if part == "equality" else 2) as pool:
            jobs = [(part, protocol, model) for model in options.models for protocol in options.protocols]
            list(pool.map(lambda job: measure(*job), jobs))
    print("\n".join(failed) or "nothing is left to measure")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
