"""Real clips: the greyscale videos that ship with the package; `assets/NOTICE.md` has their sources and licences."""

from dataclasses import dataclass
from pathlib import Path

from nextframe._utils.files import asset_path
from nextframe._utils.validation import one_of


@dataclass(frozen=True)
class RealClip:
    """A clip's properties: frames, frames per second, `(height, width)` in pixels, and its motion in words."""

    frames: int
    fps: float
    size: tuple[int, int]
    motion: str


CLIPS = {
    "bottle": RealClip(217, 26.78, (240, 320), "a hand tilts and moves a bottle; the camera is still"),
    "box": RealClip(455, 29.97, (240, 320), "a hand turns a patterned box, slowly; almost still from frame 405 on"),
    "heart": RealClip(120, 30, (240, 240), "a beating heart in ultrasound, 27 frames a beat; seven frames are repeats"),
    "city": RealClip(190, 25, (240, 426), "the camera moves past towers at night; a cut before frame 116"),
    "tree": RealClip(68, 15, (240, 320), "a tree in the wind; from frame 53 on a hand waves before it"),
    "bunny": RealClip(132, 25, (240, 426), "an animated film: a rabbit stretches; five frames are repeats"),
}
EXAMPLES = tuple(CLIPS)


def example_path(name: str) -> Path:
    """Return the path of a clip that ships with the package.

    Args:
        name: One of `EXAMPLES`.

    Raises:
        ValueError: Another name, or a damaged file.
    """
    one_of("name", name, EXAMPLES)
    return asset_path(f"{name}.mp4")
