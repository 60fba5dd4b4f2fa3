"""Profiles: how big a run is. Chapters ask for a number by profile, so one notebook fits a test, a laptop and a GPU.

`ci` proves that a notebook runs, in seconds. `cpu` makes the book's outputs: minutes on 2 cores. `gpu` is for Colab:
minutes on its GPU, with more data and larger frames.
"""

import os
from typing import TypeVar

import keras

from nextframe._utils.validation import one_of

PROFILES = ("ci", "cpu", "gpu")
T = TypeVar("T")


def current() -> str:
    """Return the profile's name: the environment's NEXTFRAME_PROFILE, else "gpu" where Keras sees one, else "cpu"."""
    name = os.environ.get("NEXTFRAME_PROFILE") or ("gpu" if sees_gpu() else "cpu")
    one_of("NEXTFRAME_PROFILE", name, PROFILES)
    return name


def pick(*, ci: T, cpu: T, gpu: T) -> T:
    """Return the value for the current profile.

    Example:
        `epochs = pick(ci=1, cpu=10, gpu=50)`
    """
    return {"ci": ci, "cpu": cpu, "gpu": gpu}[current()]


def sees_gpu() -> bool:
    """Whether Keras's backend has a GPU to compute on."""
    if keras.backend.backend() == "torch":  # where Keras lists no devices
        import torch

        return torch.cuda.is_available()
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # how JAX says that it has none
        return False
