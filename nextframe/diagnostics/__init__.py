"""Diagnostics: properties of a model that its error does not show.

What does it cost? Does a shifted clip give a shifted forecast? How far back does it look, and does order matter? Can it
remember? Does it see what it should predict? What do a layer's numbers still tell? And which stages is it made of?
"""

from nextframe.diagnostics.cost import forward_flops, layer_flops, peak_training_memory, training_flops
from nextframe.diagnostics.equivariance import shift_error
from nextframe.diagnostics.leaks import data_leaks, leaks
from nextframe.diagnostics.memory import memory_network, memory_of
from nextframe.diagnostics.readout import linear_readout
from nextframe.diagnostics.stages import Stage, stages
from nextframe.diagnostics.temporal import order_sensitivity, temporal_receptive_field

__all__ = [
    "Stage",
    "data_leaks",
    "forward_flops",
    "layer_flops",
    "leaks",
    "linear_readout",
    "memory_network",
    "memory_of",
    "order_sensitivity",
    "peak_training_memory",
    "shift_error",
    "stages",
    "temporal_receptive_field",
    "training_flops",
]
