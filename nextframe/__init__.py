"""Predict the next frame of a greyscale video with Keras: the library that the chapters of *Next Frame* share."""

from nextframe._utils import registration as registration
from nextframe.pretrained import load

__all__ = ["load"]
__version__ = "0.1.0"
