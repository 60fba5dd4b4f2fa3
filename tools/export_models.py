"""Put the trained networks into the page "Try it": as ONNX, with lists of them for the page.

    make live

Each network is the one that `nextframe.load` gives, `memory_networks.load` or `video_network.load`. Weights are kept in
16 bits or 8, as they ship, and become 32 in the browser; onnxruntime must then agree with Keras on real windows, to
1e-4, or nothing is written.
"""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import memory_networks
import numpy as np
import onnx
import onnxruntime
import video_network
from PIL import Image

import nextframe
from nextframe import diagnostics
from nextframe._utils.files import write_atomically
from nextframe.benchmark import leaderboard, shipping, tasks
from nextframe.benchmark.task import Task
from nextframe.benchmark.tasks import read_real_clip
from nextframe.datasets import paddle_game
from nextframe.datasets.memory_tasks import as_windows, blinking_clips
from nextframe.datasets.moving_digits import SPLITS, shuffled_digits
from nextframe.models.flow_unet import FRAMES
from nextframe.windows import sliding_windows, to_unit

FOLDER = Path(__file__).resolve().parents[1] / "book" / "site" / "live" / "models"
LARGEST_DIFFERENCE = 1e-4
LARGEST_TOTAL = 5_000_000  # bytes, of all networks in the book's repository; tests/browser guards what a visit loads
DIGITS = 20
# Networks small enough for a page; the first one is loaded first
TITLES = {
    "forecaster": "the book's forecaster",
    "frames_as_channels": "Conv2D, frames as channels",
    "dense_lstm": "dense LSTM",
    "conv3d": "Conv3D",
    "conv_lstm": "ConvLSTM2D",
    "time_distributed": "TimeDistributed",
    "grid_hybrid": "hybrid on a grid",
}
MEMORY_TITLES = {
    "conv3d_of_seven": "Conv3D that sees seven frames",
    "conv3d_of_all": "Conv3D that sees all twenty",
    "conv_lstm": "ConvLSTM2D",
}
VIDEO_TITLE = "U-Net without optical flow"
VIDEO_SIDES = (64, 128)  # pixels, of frames
FUTURES = {"drawer": "many_futures", "plain": "mean_cnn"}


def to_onnx(network: keras.Model, folder: Path) -> onnx.ModelProto:
    """Export what a network says of one example, with weights of few bits."""
    inputs = [
        keras.Input(batch_shape=(1, *each.shape[1:]), dtype=each.dtype, name=each.name) for each in network.inputs
    ]
    one = keras.Model(inputs, for_the_page(network(inputs)))
    one([np.zeros(each.shape, each.dtype) for each in inputs])  # Keras exports only a model that has been called
    path = folder / "network.onnx"
    one.export(path, format="onnx", verbose=False)
    model = onnx.load(path)
    path.unlink()
    unpacking = []
    for weights in model.graph.initializer:
        name, values = weights.name, onnx.numpy_helper.to_array(weights)
        small, unpack = shrunk(name, values)
        if small is not None:
            weights.CopyFrom(small)
            unpacking += unpack
    nodes = [part for node in model.graph.node for part in without_second_bias(node)]
    del model.graph.node[:]
    model.graph.node.extend([*unpacking, *nodes])
    onnx.checker.check_model(model)
    return model


def for_the_page(said: Any) -> Any:
    """Of a forecast of several frames, the last; several futures and their odds as they are."""
    return said if isinstance(said, dict) or len(said.shape) == 4 else said[:, -1]


def shrunk(name: str, values: np.ndarray) -> tuple[onnx.TensorProto | None, list[onnx.NodeProto]]:
    """Return weights in the fewest bits that hold them exactly, and the nodes that turn them back into float32.

    None for a derived tensor, such as a normalization folded into a convolution: it stays as it is.
    """
    if values.dtype != np.float32 or values.size == 1:
        return None, []
    step = shipping.step(values)
    counts = values / step
    if values.size >= shipping.LARGE and (counts == np.round(counts)).all():
        scale = onnx.helper.make_node("Constant", [], [f"{name}/step"], value_float=step)
        small = onnx.numpy_helper.from_array(counts.astype(np.int8), f"{name}/8")
        return small, [scale, onnx.helper.make_node("DequantizeLinear", [f"{name}/8", f"{name}/step"], [name])]
    few = values.astype(np.float16)
    if (few == values).all():
        small = onnx.numpy_helper.from_array(few, f"{name}/16")
        return small, [onnx.helper.make_node("Cast", [f"{name}/16"], [name], to=onnx.TensorProto.FLOAT)]
    return None, []


def without_second_bias(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Undo a fusion of tf2onnx 1.17: an addition after a convolution with a bias becomes a fourth input."""
    if node.op_type != "Conv" or len(node.input) < 4:
        return [node]
    biases = list(node.input[2:])
    del node.input[2:]
    node.input.append(f"{node.output[0]}/bias")
    return [onnx.helper.make_node("Add", biases, [node.input[2]]), node]


def difference(model: onnx.ModelProto, network: keras.Model, examples: Sequence[np.ndarray]) -> float:
    """Return the largest difference between the two over all examples: an array for each input."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [each.name for each in session.get_inputs()]
    here = [
        session.run(None, {name: value[None] for name, value in zip(names, example, strict=True)})
        for example in zip(*examples, strict=True)
    ]
    there = keras.tree.flatten(for_the_page(network(list(examples))))
    outputs = zip(zip(*here, strict=True), there, strict=True)
    return max(float(np.abs(np.concatenate(ours) - theirs).max()) for ours, theirs in outputs)


def exported(label: str, network: keras.Model, *examples: np.ndarray) -> bytes:
    """Return a network as packed ONNX; it is tried on these examples, an array for each input.

    Raises:
        SystemExit: Its forecasts differ from the network's.
    """
    model = to_onnx(network, FOLDER)
    gap = difference(model, network, examples)
    if gap > LARGEST_DIFFERENCE:
        raise SystemExit(f"{label}: onnxruntime differs from Keras by {gap:.1e}; expected at most 1e-4")
    content = gzip.compress(model.SerializeToString(), mtime=0)
    print(f"{label}: {len(content):,} bytes, differs by {gap:.1e}")
    return content


def digits_networks(task: Task, contents: dict[str, bytes]) -> list[dict]:
    """Export the networks for digits into `contents`, by file name; return their list."""
    measured_runs = leaderboard.load_runs("digits-32")
    listed = []
    for name, title in TITLES.items():
        file = f"{name}.onnx.gz"
        contents[file] = exported(name, nextframe.load(name), task.context[:50])
        frames, side, *_ = task.context_shape
        listed.append(
            {
                "name": name,
                "title": title,
                "file": file,
                "bytes": len(contents[file]),
                "frames": frames,
                "side": side,
                "error": round(leaderboard.over_seeds(measured_runs[name], leaderboard.mse_per_frame)[0], 2),
            }
        )
    return listed


def blinking_networks(contents: dict[str, bytes]) -> dict:
    """Export the networks of "Who remembers?" into `contents`; return their entries in the page's index."""
    listed = []
    for label, title in MEMORY_TITLES.items():
        periods = {}
        for period in memory_networks.PERIODS:
            network = memory_networks.load(label, period)
            clips = blinking_clips(50, memory_networks.CONTEXT + 1, period, seed=2)
            contexts, _ = as_windows(clips, memory_networks.CONTEXT)
            file = f"memory/{label}-{period}.onnx.gz"
            contents[file] = exported(f"{label}-{period}", network, contexts)
            periods[period] = {"file": file, "memory": round(diagnostics.memory_of(network, period), 3)}
        sees = int((diagnostics.temporal_receptive_field(network, contexts) > 0).sum())
        listed.append({"name": label, "title": title, "sees": sees, "periods": periods})
    return {"frames": memory_networks.CONTEXT, "side": memory_networks.SIDE, "networks": listed}


def video_networks(contents: dict[str, bytes]) -> dict:
    """Export the network of "Your own video" for each size of frames into `contents`; return its entry in the index."""
    sides = {}
    for side in VIDEO_SIDES:
        network = video_network.load(side)
        contexts = to_unit(sliding_windows(read_real_clip(video_network.CLIP, side)[:40:2], FRAMES)[0])
        file = f"video/{side}.onnx.gz"
        contents[file] = exported(f"video of {side}×{side}", network, contexts)
        sides[side] = {"file": file, "bytes": len(contents[file])}
    clip = {"clip": f"../{video_network.CLIP}.mp4", "first": video_network.FIRST}
    return {"title": VIDEO_TITLE, "frames": FRAMES, **clip, "sides": sides}


def steered_network(contents: dict[str, bytes]) -> dict:
    """Export the network of "A world you steer" into `contents`; return its entry in the page's index."""
    network = nextframe.load("steerable")
    _, frames, side, *_ = network.inputs[0].shape
    seen, pressed = paddle_game.episodes(50, frames + 1)
    contents["steer.onnx.gz"] = exported("steerable", network, to_unit(seen[:, :-1]), pressed[:, -1].astype(np.int32))
    return {"file": "steer.onnx.gz", "frames": frames, "side": side}


def futures_networks(contents: dict[str, bytes]) -> dict:
    """Export the networks of "A fan of futures" into `contents`; return their entry in the page's index."""
    context = tasks.random_walls_32(training=1).context
    _, frames, side, *_ = context.shape
    listed = {}
    for part, name in FUTURES.items():
        listed[part] = {"file": f"futures/{name}.onnx.gz", "frames": frames, "side": side}
        contents[listed[part]["file"]] = exported(name, nextframe.load(name), context[:50])
    return listed


def digits_picture() -> bytes:
    """Digits that are in no training clip, side by side."""
    picture = io.BytesIO()
    digits = shuffled_digits(16)[SPLITS["test"]][:DIGITS]
    Image.fromarray(np.concatenate(list(digits), axis=1)).save(picture, "PNG")
    return picture.getvalue()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    contents: dict[str, bytes] = {}
    lists = {
        "digits": digits_networks(tasks.digits_32(training=1), contents),
        "memory": blinking_networks(contents),
        "video": video_networks(contents),
        "steer": steered_network(contents),
        "futures": futures_networks(contents),
    }
    total = sum(map(len, contents.values()))
    if total > LARGEST_TOTAL:
        raise SystemExit(f"{total:,} bytes in all; expected at most {LARGEST_TOTAL:,}: leave one out")
    for file, content in contents.items():
        write_atomically(FOLDER / file, content)
    for name, listed in lists.items():
        write_atomically(FOLDER / f"{name}.json", (json.dumps(listed, indent=1) + "\n").encode())
    write_atomically(FOLDER.parent / "digits.png", digits_picture())


if __name__ == "__main__":
    main()
