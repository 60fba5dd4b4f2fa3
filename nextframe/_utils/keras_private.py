"""The one place that relies on what Keras does and does not document."""

import keras


def examples_in_mean_loss(model: keras.Model) -> int:
    """Return how many examples are in the mean loss that `fit` or `evaluate` reports for the current epoch.

    A callback is told no batch sizes, and a dataset's last batch may be smaller. Keras averages the loss with a
    `keras.metrics.Mean` named "loss" among `model.metrics`, whose `count` adds up examples; neither is documented. A
    batch size in the `logs` of `Callback.on_train_batch_end` would replace this.
    """
    (mean_loss,) = (metric for metric in model.metrics if metric.name == "loss")
    return int(mean_loss.count)
