"""What tests of the library and of the browser share."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_garbage_is_left():
    """Networks of one module's tests do not fill the memory of the next: Python is told to look for them seldom."""
    yield
    gc.collect()


@pytest.fixture
def mover():
    """A world model by hand: a dot that action 1 moves to the left and action 2 to the right."""
    import keras  # most runs need none

    context, action = keras.Input((3, 6, 6, 1)), keras.Input((), dtype="int32")
    moved = keras.ops.stack([keras.ops.roll(context[:, -1], by, axis=2) for by in (0, -1, 1)], axis=-1)
    chosen = keras.ops.one_hot(action, 3)[:, None, None, None, :]
    return keras.Model([context, action], keras.ops.sum(chosen * moved, axis=-1))
