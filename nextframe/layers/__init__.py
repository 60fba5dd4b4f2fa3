"""Layers that Keras lacks."""

from nextframe.layers.causal_conv3d import CausalConv3D
from nextframe.layers.conv_gru import ConvGRU2D
from nextframe.layers.flow_proposals import FlowProposals
from nextframe.layers.fold_frames import FoldFrames
from nextframe.layers.mirrored_flow import MirroredFlow
from nextframe.layers.sinusoidal_positions import SinusoidalPositions
from nextframe.layers.spatiotemporal_lstm_2d import SpatiotemporalLSTM2D
from nextframe.layers.spatiotemporal_lstm_2d_cell import SpatiotemporalLSTM2DCell

__all__ = [
    "CausalConv3D",
    "ConvGRU2D",
    "FlowProposals",
    "FoldFrames",
    "MirroredFlow",
    "SinusoidalPositions",
    "SpatiotemporalLSTM2D",
    "SpatiotemporalLSTM2DCell",
]
