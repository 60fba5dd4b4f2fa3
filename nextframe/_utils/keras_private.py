"""The one place that relies on undocumented behaviour of Keras."""

import keras
from keras import ops


def examples_in_mean_loss(model: keras.Model) -> int:
    """Return how many examples are in the mean loss that `fit` or `evaluate` reports for the current epoch.

    A callback is told no batch sizes, and a dataset's last batch may be smaller. Keras averages the loss with a
    `keras.metrics.Mean` named "loss" among `model.metrics`, whose `count` adds up examples; neither is documented. A
    batch size in the `logs` of `Callback.on_train_batch_end` would replace this.
    """
    (mean_loss,) = (metric for metric in model.metrics if metric.name == "loss")
    return int(mean_loss.count)


def calls_in(model: keras.Model) -> list[tuple[keras.layers.Layer, list[keras.KerasTensor], keras.KerasTensor]]:
    """Return each call of a layer in a functional or sequential model: the layer, its inputs and its first output.

    A layer that is called several times is listed as often. In public, Keras tells of a layer's first call alone
    (`layer.input`), wherever that was made. A way to walk through a model's graph would replace this.
    """
    if not hasattr(model, "_nodes_by_depth"):  # sequential: each layer is called once
        return [(layer, [layer.input], layer.output) for layer in model.layers]
    nodes = [node for of_depth in model._nodes_by_depth.values() for node in of_depth if not node.is_input]
    called = [node for node in nodes if isinstance(node.operation, keras.layers.Layer)]
    return [(node.operation, list(node.input_tensors), node.output_tensors[0]) for node in called]


def update_in_one_pass(optimizer: keras.optimizers.Adam) -> None:
    """Let Adam update a variable with one operation of TensorFlow, in place of ten of Keras: the same, up to rounding.

    Each of the ten reads and writes arrays as large as the variable. For a network with many weights and little to
    compute with them, such as a dense LSTM, that is about a third of a training step on a CPU. The optimizer stays a
    plain Adam when it is saved or inspected. Keras gives no public access to a variable's moments; if its Adam called
    the operation itself, this would not be needed.

    Args:
        optimizer: Built, without AMSGrad, on TensorFlow.
    """
    import tensorflow as tf  # not needed on other backends

    def update_step(gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        index = optimizer._get_variable_index(variable)
        step = ops.cast(optimizer.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            beta1_power=ops.power(ops.cast(optimizer.beta_1, variable.dtype), step),
            beta2_power=ops.power(ops.cast(optimizer.beta_2, variable.dtype), step),
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=ops.cast(gradient, variable.dtype),
        )

    optimizer.update_step = update_step
