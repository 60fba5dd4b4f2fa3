"""Batches in an order that a seed decides: of `tf.data` on TensorFlow, of a `PyDataset` on other backends.

The only module that touches `tf.data`.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of the examples in an epoch, int64 `(count,)`: another one in each epoch, for each seed."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def on_tensorflow() -> bool:
    """Whether datasets are those of `tf.data`, and examples are gathered as tensors."""
    return keras.backend.backend() == "tensorflow"


def batches_of(
    count: int, batch_size: int, gather: Callable, shuffle: bool, seed: int
) -> "tf.data.Dataset | keras.utils.PyDataset":
    """Return the dataset of batches that `gather` makes of numbers of examples: tensors on TensorFlow, else arrays.

    On any backend, each pass over it has the next epoch's order. Arguments as in `Batches`.
    """
    if not on_tensorflow():
        return Batches(count, batch_size, gather, shuffle, seed)
    import tensorflow as tf

    numbers = tf.data.Dataset.range(count)
    if shuffle:
        epochs = itertools.count()
        # tf.data computes its elements anew in each pass over a dataset. So a dataset of one element, whose value is
        # not used, is mapped to the order of the examples: it is drawn once a pass, and another one in the next.
        single = tf.data.Dataset.from_tensors(0)
        order = single.map(lambda _: tf.numpy_function(lambda: epoch_order(count, seed, next(epochs)), [], tf.int64))
        numbers = order.flat_map(lambda each: tf.data.Dataset.from_tensor_slices(tf.ensure_shape(each, [count])))
    numbers = numbers.batch(batch_size).apply(tf.data.experimental.assert_cardinality(-(-count // batch_size)))
    # Numbers in place of AUTOTUNE: its thread sleeps for up to a minute, and an iterator waits for it before it ends
    options = tf.data.Options()
    options.autotune.enabled = False
    return numbers.map(gather, num_parallel_calls=2).prefetch(4).with_options(options)


class Batches(keras.utils.PyDataset):
    """Batches of examples that are gathered by number; a pass over all of them is an epoch.

    Keras counts the epochs: it calls `on_epoch_end` after each, and so does a plain `for` loop. As `fit` of Keras also
    calls it before the first one, it begins with the second epoch's order, unlike `nextframe.training.fit`.
    """

    def __init__(
        self, count: int, batch_size: int, gather: Callable[[np.ndarray], tuple], shuffle: bool = False, seed: int = 0
    ):
        """Say how many examples there are, and how to get them.

        Args:
            count: Number of examples.
            batch_size: Examples in a batch; the last one of an epoch may be smaller.
            gather: Maps numbers of examples `(batch,)` to a batch of them.
            shuffle: Whether each epoch has an order of its own.
            seed: Of these orders.
        """
        # Two threads gather ahead while the model works; batches come in order all the same.
        super().__init__(workers=2, max_queue_size=4)
        self.count, self.batch_size, self.gather = count, batch_size, gather

        def order(epoch: int) -> np.ndarray:
            return epoch_order(count, seed, epoch) if shuffle else np.arange(count)

        self.order = lru_cache(2)(order)  # two: near its end, the next epoch's first batches are gathered already
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, number: int) -> tuple:
        """Return a batch of this epoch."""
        return self.batch(self.epoch, number)

    def __iter__(self) -> Iterator[tuple]:
        for number in range(len(self)):
            yield self[number]
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order."""
        self.epoch += 1

    def batch(self, epoch: int, number: int) -> tuple:
        """Return any batch of any epoch."""
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number}: there are {len(self)}")
        return self.gather(self.order(epoch)[number * self.batch_size : (number + 1) * self.batch_size])

    def endless(self, first: int) -> Iterator[tuple]:
        """Yield the batches of this epoch and all later ones, from batch number `first` on."""
        ahead: deque[Future] = deque()
        with ThreadPoolExecutor(self.workers) as pool:  # which gathers while the model works
            for number in itertools.count(self.epoch * len(self) + first):
                ahead.append(pool.submit(self.batch, *divmod(number, len(self))))
                if len(ahead) > self.max_queue_size:
                    yield ahead.popleft().result()
