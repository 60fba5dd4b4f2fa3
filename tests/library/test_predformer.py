"""PredFormer against an implementation of its own in NumPy, and against what is published of it."""

import re

import keras
import numpy as np
import pytest

from nextframe import diagnostics
from nextframe.models import build
from nextframe.models.predformer import AXES, ORDERS, gated_block, runs

SHAPE = (3, 8, 12, 1)
SMALL = {"width": 8, "heads": 2, "expansion": 3}


@pytest.fixture
def context():
    return np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)


def with_any_weights(model):
    """Weights that are no special case: biases that are not 0, gains of normalizations that are not 1."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.4, weight.shape) for weight in model.get_weights()])
    return model


def output(model, context):
    return keras.ops.convert_to_numpy(model(context))


# ---- in NumPy ----


def normalized(x, gain, bias):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias


def attended(tokens, weights):
    """Attention of a list of tokens `(count, width)` to one another, head by head and token by token."""
    query, query_bias, key, key_bias, value, value_bias, out, out_bias = weights
    found = np.zeros_like(tokens) + out_bias
    for head in range(query.shape[1]):
        q = tokens @ query[:, head] + query_bias[head]
        k = tokens @ key[:, head] + key_bias[head]
        v = tokens @ value[:, head] + value_bias[head]
        for number in range(len(tokens)):
            likeness = np.exp([q[number] @ other / np.sqrt(query.shape[2]) for other in k])
            found[number] += (likeness / likeness.sum()) @ v @ out[head]
    return found


def in_numpy(context, weights, order, patch, horizon, repeats):
    """The whole network, after the paper: one clip, one list of tokens at a time, in float64."""
    taken = iter([weight.astype(np.float64) for weight in weights])

    def take(count):
        return [next(taken) for _ in range(count)]

    times, height, width, _ = context.shape
    rows, columns = height // patch, width // patch
    squares = [
        [
            context[time, patch * row : patch * row + patch, patch * column : patch * column + patch].ravel()
            for row in range(rows)
            for column in range(columns)
        ]
        for time in range(times)
    ]
    kernel, bias = take(2)
    x = np.array(squares) @ kernel + bias  # (time, space, channels)
    channels = x.shape[-1]
    for number in range(times * rows * columns):
        for channel in range(channels):
            angle = number / 10_000 ** (2 * (channel // 2) / channels)
            x[number // (rows * columns), number % (rows * columns), channel] += (np.sin, np.cos)[channel % 2](angle)
    spelled = {"full": "a" * repeats + "|", "fac_ts": "t" * repeats + "|" + "s" * repeats + "|"}
    spelled["fac_st"] = "s" * repeats + "|" + "t" * repeats + "|"
    for step in spelled.get(order, "".join(f"{letter}|" for letter in order) * repeats):
        if step == "|":
            x = normalized(x, *take(2))
            continue
        seen, matrices, change = normalized(x, *take(2)), take(8), np.zeros_like(x)
        if step == "t":
            for place in range(rows * columns):
                change[:, place] = attended(seen[:, place], matrices)
        elif step == "s":
            for time in range(times):
                change[time] = attended(seen[time], matrices)
        else:
            change = attended(seen.reshape(-1, channels), matrices).reshape(x.shape)
        x = x + change
        seen = normalized(x, *take(2))
        gate, gate_bias, value, value_bias, out, out_bias = take(6)
        opened = seen @ gate + gate_bias
        x = x + (opened / (1 + np.exp(-opened)) * (seen @ value + value_bias)) @ out + out_bias
    gain, shift, kernel, bias = take(4)
    assert next(taken, None) is None
    squares = normalized(x[-horizon:], gain, shift) @ kernel + bias
    frames = squares.reshape(horizon, rows, columns, patch, patch).transpose(0, 1, 3, 2, 4)
    return frames.reshape(horizon, height, width, 1)


@pytest.mark.parametrize(("order", "horizon"), [(order, 1 + at % 2) for at, order in enumerate(ORDERS)])
def test_equals_numpy(order, horizon, context):
    repeats = 1 if len(order) == 4 else 2
    model = with_any_weights(build("predformer", SHAPE, order=order, repeats=repeats, horizon=horizon, **SMALL))
    expected = [in_numpy(clip, model.get_weights(), order, 4, horizon, repeats) for clip in context]
    found = output(model, context)
    assert found.shape == ((2, 2, 8, 12, 1) if horizon == 2 else (2, 8, 12, 1))
    np.testing.assert_allclose(found.reshape(2, horizon, 8, 12, 1), expected, atol=1e-4)
    assert np.std(expected) > 0.1


# ---- what a token sees ----


@pytest.mark.parametrize(
    ("letter", "reached"),
    [("t", lambda time, place: place == 1), ("s", lambda time, place: time == 2), ("a", lambda time, place: True)],
)
def test_attention_runs_along_its_axes_alone(letter, reached):
    """One token is changed: what else changes in one block shares its place, its frame, or nothing."""
    inputs = keras.Input((4, 6, 8))
    model = with_any_weights(keras.Model(inputs, gated_block(inputs, AXES[letter], heads=2, hidden=16)))
    tokens = np.random.default_rng(0).random((1, 4, 6, 8)).astype(np.float32)
    changed = tokens.copy()
    changed[0, 2, 1] += np.random.default_rng(1).normal(size=8)  # an equal change of all channels is normalized away
    moved = np.abs(output(model, changed) - output(model, tokens)).max((0, -1)) > 1e-5
    assert moved.tolist() == [[reached(time, place) for place in range(6)] for time in range(4)]


def test_orders_are_spelled_out():
    assert [len(runs(order, 2)) for order in ORDERS] == [4, 4, 6, 6, 8, 8, 2, 2, 1]
    assert runs("tsst", 2) == ["t", "s", "s", "t", "t", "s", "s", "t"]
    assert runs("fac_ts", 3) == ["ttt", "sss"]
    assert runs("fac_st", 1) == ["s", "t"]
    assert runs("full", 3) == ["aaa"]


def test_without_positions_places_are_all_alike(context):
    """Which they are not: the same square makes another forecast elsewhere."""
    model = with_any_weights(build("predformer", SHAPE, order="ts", **SMALL))
    found = output(model, np.full_like(context, 0.5))[0, ..., 0]
    squares = found.reshape(2, 4, 3, 4).transpose(0, 2, 1, 3).reshape(6, 16)
    assert all(np.abs(one - other).max() > 1e-3 for at, one in enumerate(squares) for other in squares[:at])


def test_every_matrix_starts_small_and_on_its_own():
    model = build("predformer", SHAPE, order="ts")
    kernels = [weight.numpy() for weight in model.weights if weight.path.endswith("kernel")]
    assert len(kernels) == 2 + 2 * 7
    assert all(kernel.std() == pytest.approx(0.02, rel=0.1) for kernel in kernels)
    assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)


# ---- several frames ----


def test_the_last_frames_become_the_forecast(context):
    """With equal weights, fewer forecasts are the later ones of more."""
    whole = with_any_weights(build("predformer", SHAPE, horizon=3, **SMALL))
    expected = output(whole, context)
    for horizon in (1, 2):
        some = build("predformer", SHAPE, horizon=horizon, **SMALL)
        some.set_weights(whole.get_weights())
        found = output(some, context).reshape(2, horizon, 8, 12, 1)
        np.testing.assert_allclose(found, expected[:, -horizon:], atol=1e-5)


def test_heads_of_a_rollout(context):
    """A residual is added to the last frame of the context, whichever frame it forecasts."""
    linear = with_any_weights(build("predformer", SHAPE, horizon=3, **SMALL))
    found = output(linear, context)
    expected = {"residual": context[:, -1:] + found, "sigmoid": 1 / (1 + np.exp(-found))}
    assert linear.layers[-1].name == "rollout"
    for head, frames in expected.items():
        model = build("predformer", SHAPE, horizon=3, head=head, **SMALL)
        model.set_weights(linear.get_weights())
        assert model.layers[-1].name == "rollout"
        np.testing.assert_allclose(output(model, context), frames, atol=1e-5)
    assert build("predformer", SHAPE, **SMALL).layers[-1].name == "forecast"
    with pytest.raises(ValueError, match="head='relu': expected one of linear, residual, sigmoid"):
        build("predformer", SHAPE, horizon=3, head="relu")


def test_a_rollout_is_learned_saved_and_loaded(context, fit_one_batch, tmp_path):
    keras.utils.set_random_seed(0)
    truth = np.repeat(context[:, :1], 2, axis=1)
    model = build("predformer", SHAPE, width=8, heads=2, order="ts", horizon=2)
    losses = fit_one_batch(model, context, truth, steps=30)
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(output(loaded, context), output(model, context), atol=1e-6)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("horizon", [1, 2])
def test_half_precision(context, precision, horizon):
    size = SMALL | {"order": "ts", "horizon": horizon}
    whole = build("predformer", SHAPE, **size)
    keras.config.set_dtype_policy(precision)
    try:
        half = build("predformer", SHAPE, **size)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(whole.get_weights())
    assert {layer.compute_dtype for layer in half.layers} >= {precision.removeprefix("mixed_")}
    found = output(half, context)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - output(whole, context)).max() < 0.1


# ---- as published ----

PUBLISHED = {"width": 256, "heads": 8, "patch": 8, "horizon": 10}


def published(order, repeats):
    """Parameters, and operations of which a product and its sum are one, as the tables count them.

    Without Keras's biases of queries, keys and values, which the authors' attention lacks.
    """
    model = build("predformer", (10, 64, 64, 1), order=order, repeats=repeats, **PUBLISHED)
    blocks = sum(len(run) for run in runs(order, repeats))
    return model.count_params() - blocks * 3 * 256, diagnostics.forward_flops(model) / 2


def by_hand(blocks, endings):
    """Each block: two normalizations, four matrices of attention, of which one has a bias, and the feed-forward."""
    attention = 4 * 256 * 256 + 256
    feed_forward = 2 * (256 * 1024 + 1024) + (1024 * 256 + 256)
    normalization, embedding, back = 2 * 256, 64 * 256 + 256, 256 * 64 + 64
    return blocks * (2 * normalization + attention + feed_forward) + (endings + 1) * normalization + embedding + back


def test_as_large_and_as_costly_as_published():
    """Tang et al. (2024), the tables for Moving MNIST: millions of parameters, billions of operations."""
    two, six = published("tsst", 2), published("tsst", 6)
    assert (two[0], six[0]) == (by_hand(8, 8), by_hand(24, 24)) == (8_454_976, 25_297_728)
    rows = {2: (8.5, 5.5), 3: (12.7, 8.3), 4: (16.9, 11.0), 6: (25.3, 16.5), 8: (33.7, 22.0)}
    for repeats, (millions, billions) in rows.items():
        weights, products = (small + (large - small) * (repeats - 2) / 4 for small, large in zip(two, six, strict=True))
        assert round(weights / 1e6, 1) == millions
        assert products / 1e9 == pytest.approx(billions, rel=0.01)


@pytest.mark.parametrize(("order", "repeats", "endings", "billions"), [("fac_ts", 12, 2, 16.5), ("full", 24, 1, 21.2)])
def test_other_orders_as_published(order, repeats, endings, billions):
    weights, products = published(order, repeats)
    assert weights == by_hand(24, endings)
    assert round(weights / 1e6, 1) == 25.3
    assert products / 1e9 == pytest.approx(billions, rel=0.01)


def test_expansion_is_of_the_feed_forward():
    """Its two matrices on the way in, with biases, and its one on the way out."""
    wide, narrow = (
        build("predformer", SHAPE, width=8, heads=2, order="ts", expansion=expansion).count_params()
        for expansion in (5, 2)
    )
    assert wide - narrow == 2 * (5 - 2) * 8 * (2 * (8 + 1) + 8)


def test_full_attention_costs_more():
    """By the second product that grows with all tokens of all frames; everything else is equal."""
    tokens, blocks, width = 10 * 64, 4, 48
    costs = {
        order: diagnostics.forward_flops(build("predformer", (10, 32, 32, 1), order=order, repeats=repeats))
        for order, repeats in (("tsst", 1), ("stts", 1), ("full", blocks))
    }
    assert costs["tsst"] == costs["stts"]
    met = blocks * 10 * 64 - 2 * (10 + 64)
    assert costs["full"] - costs["tsst"] == 2 * 2 * tokens * width * met


@pytest.mark.parametrize(("width", "heads"), [(50, 4), (7, 8), (48, 5), (1, 3)])
def test_advice_on_widths_works(width, heads):
    with pytest.raises(ValueError, match=f"{width=} cannot be shared by {heads=}") as caught:
        build("predformer", SHAPE, width=width, heads=heads)
    advised = int(re.search(r"such as width=(\d+)", str(caught.value))[1])
    assert build("predformer", SHAPE, width=advised, heads=heads)


def test_advice_on_horizons_works():
    with pytest.raises(ValueError, match="horizon=4 is more than the 3 frames of context.*choose horizon=3"):
        build("predformer", SHAPE, horizon=4)
    assert build("predformer", SHAPE, horizon=3).output_shape == (None, 3, 8, 12, 1)
