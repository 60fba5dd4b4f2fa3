"""Optical flow as a layer: several proposals for the next frame, each of which continues the motion seen."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np
from keras import ops

SMALLEST_SIDE = 12  # pixels, below which OpenCV finds no flow
FRAMES = 3  # that are read: the last ones of a context

PROPOSALS = ("flow", "carried", "half", "accelerated", "before", "third")


@keras.saving.register_keras_serializable("nextframe")
class FlowProposals(keras.layers.Layer):
    """Propose next frames by optical flow: `(batch, N, h, w, 1)` → `(batch, proposals, h, w, 1)`.

    The flow is OpenCV's dense inverse search (Kroeger et al., 2016). It runs in NumPy on the CPU and has no gradient.

    Args:
        proposals: Which ones, of `PROPOSALS`.
            "flow": the last frame, moved on by the motion found at each pixel.
            "carried": the same, with the motion field itself moved on first.
            "half": by half the motion, which errs less where the motion is uncertain.
            "accelerated": by the motion and its change since the frame before.
            "before", "third": the last frame but one, but two, moved on to the same moment. Where they agree with the
            last one, they take noise away; where they do not, something was hidden or appeared.
        scale: Factor on the motion of "flow" and "carried".
    """

    def __init__(self, proposals: tuple[str, ...] = PROPOSALS, scale: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.proposals, self.scale = tuple(proposals), scale
        self.supports_jit = keras.backend.backend() == "jax"  # whose compiled code can call back into Python

    def compute_output_spec(self, context: keras.KerasTensor) -> keras.KerasTensor:
        """Without this, Keras would trace `call`, which is NumPy."""
        return keras.KerasTensor(self._shape(context), dtype="float32")

    def call(self, context: keras.KerasTensor) -> keras.KerasTensor:
        """Compute them; compiled code calls back into Python for it."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            return tf.ensure_shape(tf.numpy_function(self._all, [context], tf.float32), self._shape(context))
        if keras.backend.backend() == "jax":
            import jax

            return jax.pure_callback(self._all, jax.ShapeDtypeStruct(self._shape(context), "float32"), context)
        return ops.convert_to_tensor(self._all(ops.convert_to_numpy(context)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return super().get_config() | {"proposals": self.proposals, "scale": self.scale}

    def _shape(self, context: keras.KerasTensor) -> tuple[int | None, ...]:
        return (context.shape[0], len(self.proposals), *context.shape[2:])

    def _all(self, context: np.ndarray) -> np.ndarray:
        frames = np.asarray(context, np.float32)[:, -FRAMES:, ..., 0]
        return np.stack([flow_proposals(each, self.proposals, self.scale) for each in frames])[..., None]


def flow_proposals(frames: np.ndarray, proposals: tuple[str, ...] = PROPOSALS, scale: float = 1.0) -> np.ndarray:
    """Propose next frames for one context; see `FlowProposals`.

    Args:
        frames: float32 `(N, height, width)` in 0..1. "accelerated" and "third" need three frames, the others two.
        proposals, scale: As in `FlowProposals`.

    Returns:
        float32 `(proposals, height, width)`.
    """
    rows = frames.shape[1]

    def motion(later: int) -> np.ndarray:
        return way_back(frames[later], frames[later - 1])

    back = motion(-1)
    made: dict[str, Callable[[], np.ndarray]] = {
        "flow": lambda: look_up(frames[-1], back * np.float32(scale)),
        "half": lambda: look_up(frames[-1], back / 2),
    }
    if set(proposals) - set(made):
        carried = look_up(back, back)
        two = back + carried  # the way over two frames
        made["carried"] = lambda: look_up(frames[-1], carried * np.float32(scale))
        made["before"] = lambda: look_up(frames[-2], two)
    if set(proposals) - set(made):
        back_before = motion(-2)
        # beyond a frame's own height, an acceleration is an error of the flow
        change = 2 * carried - look_up(back_before, back)
        made["accelerated"] = lambda: look_up(frames[-1], np.clip(change, -rows, rows))
        made["third"] = lambda: look_up(frames[-3], two + look_up(back_before, two))
    return np.stack([made[name]() for name in proposals])


def way_back(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Find where each pixel of a frame came from, by OpenCV's dense inverse search.

    Args:
        later, earlier: float32 `(height, width)` in 0..1, at least `SMALLEST_SIDE` pixels each way.

    Returns:
        float32 `(height, width, 2)`: the way back to its place in the earlier frame, as (x, y) in pixels.

    Raises:
        ImportError: OpenCV is not installed.
    """
    cv2 = opencv()
    levels = [np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8) for frame in (later, earlier)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(*levels, None)


def look_up(image: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return an image's values at the places that `back` points to, interpolated between pixels.

    Args:
        image: float32 `(height, width)` or `(height, width, channels)`. Beyond its edges, the edge's value goes on.
        back: float32 `(height, width, 2)`, from each pixel, as (x, y) in pixels.
    """
    cv2 = opencv()
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    columns_there, rows_there = columns + back[..., 0], rows + back[..., 1]
    return cv2.remap(image, columns_there, rows_there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def opencv() -> ModuleType:
    """Return OpenCV, which is no dependency of the package: two wheels provide it, and both can be there already.

    Raises:
        ImportError: Neither is.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError("optical flow needs OpenCV: pip install opencv-python-headless") from error
    return cv2
