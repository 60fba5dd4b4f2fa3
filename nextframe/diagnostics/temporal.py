"""Time: how far back a model looks, and whether the order of the frames matters to it."""

import keras
import numpy as np

from nextframe.diagnostics._graph import has_gradient
from nextframe.forecasting import predict_next


def temporal_receptive_field(model: keras.Model, context: np.ndarray, seed: int = 0) -> np.ndarray:
    """How much each frame of the context can move the forecast.

    The norm of the gradient of a random projection of the forecast with respect to each frame, averaged over the batch.

    Returns:
        `(N,)`: oldest frame first; 0 where the forecast does not depend on a frame at all.

    Raises:
        ValueError: The model uses optical flow, which has no gradient.
    """
    if not has_gradient(model):
        raise ValueError(f"{model.name} uses optical flow, which has no gradient: change frames, and compare forecasts")
    context = np.asarray(context, np.float32)
    projection = np.random.default_rng(seed).standard_normal((len(context), *model.output_shape[1:])).astype("float32")
    gradient = _gradient(model, context, projection)
    return np.sqrt(np.square(gradient).sum(axis=(2, 3, 4))).mean(axis=0)


def order_sensitivity(model: keras.Model, context: np.ndarray, seed: int = 0) -> dict[str, float]:
    """How much the forecast changes when the context's frames are reordered: ‖change‖ ÷ ‖forecast‖.

    Returns:
        {"reversed": …, "shuffled": …}; 0 for a model to which order means nothing.
    """
    forecast = predict_next(model, context)
    count = context.shape[1]
    order = np.random.default_rng(seed).permutation(count)
    while count > 1 and (order == np.arange(count)).all():
        order = np.roll(order, 1)
    orders: dict[str, slice | np.ndarray] = {"reversed": slice(None, None, -1), "shuffled": order}
    return {
        name: float(np.linalg.norm(predict_next(model, context[:, order]) - forecast) / np.linalg.norm(forecast))
        for name, order in orders.items()
    }


def _gradient(model: keras.Model, context: np.ndarray, projection: np.ndarray) -> np.ndarray:
    """Gradient of the sum of `projection` × forecast with respect to the context."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            watched = tf.convert_to_tensor(context)
            tape.watch(watched)
            total = tf.reduce_sum(model(watched, training=False) * projection)
        gradient = tape.gradient(total, watched)
        return np.zeros_like(context) if gradient is None else gradient.numpy()
    if keras.backend.backend() == "jax":
        import jax

        def total(watched: jax.Array) -> jax.Array:
            return (model(watched, training=False) * projection).sum()

        return np.asarray(jax.grad(total)(context))
    if keras.backend.backend() == "torch":
        watched = keras.ops.convert_to_tensor(context).requires_grad_()
        # A forecast that does not depend on the context at all has no gradient: adding 0 × context gives it one.
        total = (model(watched, training=False) * keras.ops.convert_to_tensor(projection)).sum() + 0 * watched.sum()
        total.backward()
        return watched.grad.cpu().numpy()
    raise NotImplementedError(f"gradients need TensorFlow, JAX or PyTorch, and Keras runs on {keras.backend.backend()}")
