"""Drawings of networks, made from the built model: what they read, what each stage makes of it, and what it costs.

They are plain HTML, so their text can be read, searched and spoken, and they take a page's colours: light or dark.
"""

from nextframe.drawing.cell import cell
from nextframe.drawing.network import network
from nextframe.drawing.unrolled import unrolled

__all__ = ["cell", "network", "unrolled"]
