"""Self-contained pages: templates, and files as data URLs."""

import base64
import io

import jinja2
import numpy as np
from PIL import Image

from nextframe._utils.files import ASSETS

TEMPLATES = ASSETS / "templates"
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
)


def render(template: str, **values: object) -> str:
    """Fill a template of `assets/templates`, escaping the values."""
    return _ENVIRONMENT.get_template(template).render(**values)


def render_with_script(name: str, **values: object) -> str:
    """Fill `name.html`, escaping the values, and insert `name.js`, which reads its settings from the page."""
    return render(f"{name}.html", script=(TEMPLATES / f"{name}.js").read_text(encoding="utf-8"), **values)


def data_url(content: bytes, kind: str) -> str:
    """A file as a data URL; `kind` is its MIME type, such as "video/mp4"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def to_png(pixels: np.ndarray) -> bytes:
    """An image, uint8 `(height, width)` or `(height, width, 3)`, as the bytes of a PNG file."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG", optimize=True)
    return png.getvalue()
