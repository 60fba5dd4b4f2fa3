"""One step of a recurrent layer."""

import math

import keras
from IPython.display import HTML

from nextframe._utils import pages
from nextframe._utils.glyphs import SIDE, glyph, shape_words
from nextframe._utils.validation import one_of

# Boxes with weights that read x and a state; the candidates are among them
_GATES = {
    "LSTM": 4,
    "LSTMCell": 4,
    "GRU": 3,
    "GRUCell": 3,
    "ConvLSTM2D": 4,
    "ConvGRU2D": 3,
    "SpatiotemporalLSTM2D": 7,
    "SpatiotemporalLSTM2DCell": 7,
}
_WIRING = {
    7: "The cell state c is updated as in an LSTM, by gates that read x and h; the second memory m, which comes from "
    "the layer below, by gates that read x and m. Output gate and tanh read both, and their product is the next h.",
    4: "The forget gate multiplies the cell state c; the input gate times the candidate is added to it; the output "
    "gate times its tanh is the next h.",
    3: "The next h is the update gate times the last h, plus one minus that gate times the candidate.",
}
# What a GRU's reset gate multiplies: the last h, or what the candidate's weights U make of it
_RESET = {
    False: " The candidate reads x and the reset gate times the last h.",
    True: " The candidate reads x, and the reset gate times what its weights U make of the last h.",
}
_SIDE = 34  # height of the longest data


def cell(layer: keras.layers.Layer) -> HTML:
    """Draw one step of a recurrent layer with the shapes of its data and the number of its weights.

    Args:
        layer: A layer of a built model: LSTM, GRU, ConvLSTM2D, ConvGRU2D or SpatiotemporalLSTM2D; or the cell of an
            LSTM, a GRU or the last. A GRU is drawn as it computes: with `reset_after=True`, the default of
            `keras.layers.GRU`, the reset gate acts on the product of the hidden state with the candidate's weights;
            without, as by default in `ConvGRU2D`, on the hidden state itself.

    Raises:
        ValueError: Another layer.
    """
    kind = type(layer).__name__
    one_of("layer", kind, _GATES)
    gates, inner = _GATES[kind], getattr(layer, "cell", layer)
    read, state = _shapes(layer, gates)
    sides = tuple(inner.kernel_size) if "2D" in kind else ()
    factors = "".join(f"{side} × " for side in sides)
    channels = state[-1]
    after = gates == 3 and inner.reset_after
    # What the second memory adds: both memories to the output gate, and to what it lets through
    beside = [(*sides, 2 * channels, channels), (2 * channels, channels)] if gates == 7 else []
    products = math.prod(sides) * (read[-1] + channels) * channels
    biases = (layer.count_params() - sum(map(math.prod, beside))) // gates - products
    verb = f"convolves them with {shape_words(sides)} kernels" if sides else "multiplies them by weights"
    states = "x and h, or x and m" if gates == 7 else "x and h"
    more = " + ".join(["", *map(shape_words, beside)])
    which = "; output and mix also read both memories" if beside else ""
    which += "; box U holds the candidate's for h, and the reset gate acts on that product" if after else ""
    caption = (
        f"One step of the {kind}. Each of the {gates} boxes with a name reads {states}, and {verb} of its own{which}: "
        f"{gates} × ({factors}({read[-1]:,} + {channels:,}) × {channels:,} + {biases:,}){more} = "
        f"{layer.count_params():,} parameters. σ gives numbers from 0 to 1, tanh from −1 to 1."
    )
    summary = (
        f"{kind}: boxes with weights read x, {shape_words(read)}, and the hidden state h, {shape_words(state)}. "
        f"{_WIRING[gates]}{_RESET[after] if gates == 3 else ''}"
    )
    side = max(*read[:2], *state[:2]) if sides else max(math.sqrt(read[0]), math.sqrt(state[0]))
    data = {
        name: {"shape": _lines(shape), "glyph": glyph(shape, side * SIDE / _SIDE)}
        for name, shape in {"input": read, "state": state}.items()
    }
    page = {"gates": gates, "reset_after": after, "tip": f"tip-{kind}-{layer.count_params()}"}
    return HTML(pages.render("cell.html", **page, caption=caption, summary=summary, **data))


def _shapes(layer: keras.layers.Layer, gates: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What one step reads, and the hidden state. A cell may be called many times, and then has no one input."""
    inner = getattr(layer, "cell", layer)
    if gates == 7:
        read = tuple(inner.input_shape_of_a_step)
        return read, tuple(inner.compute_output_shape((None, *read))[0][1:])
    if hasattr(inner, "kernel_size"):
        return tuple(layer.input.shape[2:]), tuple(layer.output.shape[-3:])
    return (inner.kernel.shape[0],), (inner.units,)


def _lines(shape: tuple[int, ...]) -> list[str]:
    """A shape in lines as narrow as what they stand under: rows and columns, then channels."""
    return [shape_words(shape[:2], "×"), f"×{shape[2]:,}"] if len(shape) == 3 else [shape_words(shape, "×")]
