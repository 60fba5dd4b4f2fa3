"""Layers that Keras lacks."""

from nextframe.layers.causal_conv3d import CausalConv3D

__all__ = ["CausalConv3D"]
