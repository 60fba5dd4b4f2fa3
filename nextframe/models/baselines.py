"""Baselines: forecasts that need no training. A model that does not beat them has learned nothing.

Each is a function `(context_shape) -> keras.Model` like every model in this package: a context
`(batch, N, height, width, 1)` in, a target `(batch, height, width, 1)` out.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from nextframe.models.inputs import context_input

SMALLEST_FLOW = 12  # pixels a side, below which OpenCV finds no flow


def copy_last(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast that nothing moves: the last frame again. Skill is measured against this one."""
    context = context_input(context_shape)
    return keras.Model(context, context[:, -1], name="copy_last")


def context_mean(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast the mean of the context: a still background without what moves on it."""
    context = context_input(context_shape)
    return keras.Model(
        context, ops.mean(context, axis=1), name="context_mean"
    )


def linear_extrapolation(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast that each pixel goes on changing as it just did: last + (last − one before). May leave 0..1."""
    context = context_input(context_shape, least=2)
    return keras.Model(
        context,
        2 * context[:, -1] - context[:, -2],
        name="linear_extrapolation",
    )


def black(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast black: hard to beat on sparse frames, where it shows how little a small MSE can mean."""
    context = context_input(context_shape)
    return keras.Model(context, ops.zeros_like(context[:, -1]), name="black")


def optical_flow(context_shape: tuple[int, ...]) -> keras.Model:
    """Forecast that each patch moves on as it just did: the last frame, warped by its own optical flow.

    The flow is OpenCV's dense inverse search (Kroeger et al., 2016), from the last frame back to the one before. It
    runs in NumPy on the CPU and has no gradient.
    """
    context = context_input(context_shape, least=2)
    height, width = context_shape[1:3]
    if min(height, width) < SMALLEST_FLOW:
        raise ValueError(
            f"context_shape={tuple(context_shape)}: optical flow needs frames of at least "
            f"{SMALLEST_FLOW}×{SMALLEST_FLOW}: use larger frames, or another baseline"
        )
    return keras.Model(context, WarpByFlow()(context), name="optical_flow")


@keras.saving.register_keras_serializable("nextframe")
class WarpByFlow(keras.layers.Layer):
    """Move the last frame of a context on by its optical flow: `(batch, N, h, w, 1)` → `(batch, h, w, 1)`."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_jit = False

    def compute_output_spec(
        self, context: keras.KerasTensor
    ) -> keras.KerasTensor:
        """One frame of the context's size; without this, Keras would trace `call`, which is NumPy."""
        return keras.KerasTensor(
            (context.shape[0], *context.shape[2:]), dtype=context.dtype
        )

    def call(self, context: keras.KerasTensor) -> keras.KerasTensor:
        """Warp each context's last frame, in NumPy; compiled code calls back into Python for it."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            warped = tf.numpy_function(_move_all_on, [context], tf.float32)
            return tf.ensure_shape(
                warped, (context.shape[0], *context.shape[2:])
            )
        if keras.backend.backend() == "jax":
            import jax

            shape = jax.ShapeDtypeStruct(
                (context.shape[0], *context.shape[2:]), "float32"
            )
            return jax.pure_callback(_move_all_on, shape, context)
        return ops.convert_to_tensor(
            _move_all_on(ops.convert_to_numpy(context))
        )


def _move_all_on(context: np.ndarray) -> np.ndarray:
    """Warp the last frame of each context: float `(batch, N, h, w, 1)` → float32 `(batch, h, w, 1)`."""
    pairs = np.asarray(context, np.float32)[:, -2:, ..., 0]
    return np.stack([_move_on(before, last) for before, last in pairs])[
        ..., None
    ]


def _move_on(before: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Warp `last` by the motion from `before` to `last`; both `(height, width)` in 0..1."""
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "optical_flow needs OpenCV: pip install opencv-python-headless"
        ) from error
    to_bytes = [
        np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
        for frame in (last, before)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # (height, width, 2): where each pixel of `last` was, as (x, y)
    back = search.calc(*to_bytes, None)  # type: ignore[call-overload]  # OpenCV's own stub leaves None out
    rows, columns = np.mgrid[: last.shape[0], : last.shape[1]].astype(
        np.float32
    )
    columns, rows = columns + back[..., 0], rows + back[..., 1]
    return cv2.remap(
        last, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
