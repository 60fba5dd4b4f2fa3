"""Predict the next frame of a greyscale video with Keras: what the chapters of *Next Frame* share."""

__version__ = "0.1.0"


def load(name: str):
    """Build a model with the weights that it ships with; see `nextframe.pretrained.load`."""
    from nextframe import pretrained  # here, since modules that need NumPy alone are imported through this one

    return pretrained.load(name)
