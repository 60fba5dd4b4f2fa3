"""Real clips: the greyscale videos that ship with the package."""

from pathlib import Path

from nextframe._utils.files import asset_path
from nextframe._utils.validation import one_of

EXAMPLES = ("bottle", "box")


def example_path(name: str) -> Path:
    """Return the path of a clip that ships with the package.

    Args:
        name: One of `EXAMPLES`.

    Raises:
        ValueError: Another name, or a damaged file.
    """
    one_of("name", name, EXAMPLES)
    return asset_path(f"{name}.mp4")
