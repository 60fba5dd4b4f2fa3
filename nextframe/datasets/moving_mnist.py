"""Moving MNIST's official test set, from the file that the literature scores on: `mnist_test_seq.npy`.

Two digits of 28 pixels bounce inside 64×64; ten frames are seen and ten forecast. The file has 819 MB, with time first:
(20, 10000, 64, 64). It is at http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy; the benchmark's
task `moving_mnist_64` lets `tensorflow_datasets` fetch the same clips. There is no official training set: everybody
draws clips, as `nextframe.datasets.moving_digits.moving_digits` does.
"""

import os
from pathlib import Path

import numpy as np

from nextframe._utils.validation import whole_number

NAME = "mnist_test_seq.npy"
ADDRESS = f"http://www.cs.toronto.edu/~nitish/unsupervised_video/{NAME}"
FRAMES, SIDE = 20, 64
_FIRST_BYTES = b"\x93NUMPY"  # of every .npy file


def moving_mnist_test(path: str | os.PathLike, count: int | None = None) -> np.ndarray:
    """Return clips of the official test set, clips first.

    Pixels stay in the file until they are used, so asking for a hundred clips costs no more memory than they take.

    Args:
        path: Of `mnist_test_seq.npy`, or of the folder that it is in.
        count: How many clips, from the first. Default: all that the file has, which are 10,000 in the official one.

    Returns:
        uint8 `(count, 20, 64, 64)`, read-only. `nextframe.windows.to_unit(clips[:, :10])` are contexts.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no NumPy file, or cut short, or holds something else; or `count` is more than it has.
    """
    file = Path(path)
    file = file / NAME if file.is_dir() else file
    if not file.is_file():
        raise FileNotFoundError(
            f"no file at {str(file)!r}: the official one is at {ADDRESS} (819 MB): download it and pass its path"
        )
    stored = _mapped(file)
    times, clips, *sides = stored.shape if stored.ndim == 4 else (0, 0)
    if (times, *sides) != (FRAMES, SIDE, SIDE) or stored.dtype != np.uint8:
        ordered = stored.ndim == 4 and stored.shape[1:] == (FRAMES, SIDE, SIDE)
        cure = "clips come first already, so read it with np.load" if ordered else f"download {ADDRESS}"
        raise ValueError(
            f"{file.name} holds {stored.dtype} of shape {stored.shape}; expected uint8 ({FRAMES}, clips, {SIDE}, "
            f"{SIDE}), time first: {cure}"
        )
    if whole_number("count", clips if count is None else count) > clips:
        raise ValueError(f"count={count} is more than the {clips} clips of {file.name}: lower it")
    return stored.swapaxes(0, 1)[:count]


def _mapped(file: Path) -> np.ndarray:
    with file.open("rb") as opened:
        begins = opened.read(len(_FIRST_BYTES))
    again = f"download it again, from {ADDRESS}"
    if begins != _FIRST_BYTES:
        raise ValueError(f"{file.name} is no NumPy file, it begins with {begins!r}: {again}")
    try:
        return np.load(file, mmap_mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{file.name} is cut short at {file.stat().st_size:,} bytes ({error}): {again}") from error
