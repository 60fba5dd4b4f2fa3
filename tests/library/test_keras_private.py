"""What the library relies on without a promise of Keras, and the walk that spares it more of that."""

import keras
import numpy as np
from keras import layers

from nextframe._utils.keras_layers import all_layers
from nextframe._utils.keras_private import calls_in, examples_in_mean_loss, update_in_one_pass


def test_the_mean_loss_counts_examples():
    counts = []

    class Count(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            counts.append(examples_in_mean_loss(self.model))

        def on_test_end(self, logs=None):
            counts.append(examples_in_mean_loss(self.model))

    model = keras.Sequential([keras.Input((4, 3)), layers.Dense(2)])
    model.compile(loss="mse")
    x, y = np.zeros((10, 4, 3)), np.zeros((10, 4, 2))
    try:
        model.fit(x, y, 4, epochs=2, validation_data=(x[:7], y[:7]), callbacks=[Count()], verbose=0)
    except Exception as error:
        counts.append(error)
    assert counts == [10, 7] * 2, (
        f"Keras {keras.__version__} has no metric 'loss' any more that counts examples (ten in training, seven in "
        "validation): count them another way in nextframe/_utils/keras_private.py. Until then "
        "training.fit stops, or its history has wrong 'examples' and 'flops'; pin an older Keras in requirements.txt"
    )


def test_adam_in_one_pass_learns_what_adam_learns(tmp_path):
    x = np.random.default_rng(0).normal(size=(64, 6, 5)).astype(np.float32)
    trained = []
    for in_one_pass in (False, True):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6, 5)), layers.LSTM(8), layers.Dense(5)])
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.02, 40))
        optimizer.build(model.trainable_variables)
        if in_one_pass:
            update_in_one_pass(optimizer)
        model.compile(optimizer, "mse", jit_compile=False)
        model.fit(x, x[:, -1] ** 2, 8, epochs=5, shuffle=False, verbose=0)
        trained.append([*model.get_weights(), *map(keras.ops.convert_to_numpy, optimizer.variables)])
    plain, one_pass = trained
    for expected, found in zip(plain, one_pass, strict=True):
        np.testing.assert_allclose(
            found,
            expected,
            atol=2e-5,
            err_msg=f"Keras {keras.__version__} has another Adam: write update_in_one_pass in "
            "nextframe/_utils/keras_private.py after it, or delete it and its call in training.fit, which gets slower",
        )
    path = tmp_path / "model.keras"
    model.save(path)
    assert type(keras.saving.load_model(path).optimizer) is keras.optimizers.Adam
    assert optimizer.get_config() == keras.optimizers.Adam.from_config(optimizer.get_config()).get_config()


def test_every_call_in_a_model_is_found():
    shared, inputs = layers.Dense(2), keras.Input((5, 2))
    shared(keras.Input((7, 2)))  # no part of the model
    model = keras.Model(inputs, layers.Add()([shared(inputs), shared(shared(inputs)[:, :3])[:, :1]]))
    found = [(layer.name, given[0].shape, made.shape) for layer, given, made in calls_in(model) if layer is shared]
    whole, part = (None, 5, 2), (None, 3, 2)
    assert sorted(found, key=str) == [(shared.name, part, part), *[(shared.name, whole, whole)] * 2], (
        f"Keras {keras.__version__} keeps the graph of a functional model elsewhere: find the calls of its layers "
        "another way in nextframe/_utils/keras_private.py. Until then diagnostics.forward_flops fails"
    )
    other, attend = keras.Input((3, 2)), layers.MultiHeadAttention(1, 2)
    across = keras.Model([inputs, other], attend(inputs, other))
    assert [[each.shape for each in given] for _, given, _ in calls_in(across)] == [[whole, part]]
    in_a_row = keras.Sequential([inputs, shared])
    assert [layer for layer, _, _ in calls_in(in_a_row)] == [shared]


def test_every_layer_of_a_model_is_found_once():
    shared = layers.Dense(2)
    inner = keras.Sequential([keras.Input((5, 2)), shared, layers.Dropout(0.1)])
    frames = keras.Input((3, 5, 2))
    x = layers.TimeDistributed(inner)(frames)
    x = layers.Reshape((15, 2))(shared(x))
    x = layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)], return_sequences=True)(x)
    x = layers.Bidirectional(layers.LSTM(2))(x)
    found = list(all_layers(keras.Model(frames, x)))
    assert [type(layer).__name__ for layer in found if not isinstance(layer, layers.InputLayer)] == [
        "Functional",
        *("TimeDistributed", "Sequential", "Dense", "Dropout"),
        "Reshape",
        *("RNN", "StackedRNNCells", "LSTMCell", "GRUCell"),
        *("Bidirectional", "LSTM", "LSTMCell", "LSTM", "LSTMCell"),
    ]
    assert len({id(layer) for layer in found}) == len(found)
    assert list(all_layers(shared)) == [shared]
