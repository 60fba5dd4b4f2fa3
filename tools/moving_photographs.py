"""Photographs that move: short sequences whose motion, light and noise are known to be possible.

They are half of `flow_unet`'s training data: six clips show six scenes, and these as many as one likes. Each idea
is a function: a camera that moves, cut-outs that move by themselves, light, noise, compression. `sequence` draws one of
each. The photographs come with scikit-image; nothing is downloaded.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

FRAMES = 5  # four to see, one to forecast
PHOTOGRAPHS = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "grass",
    "gravel",
    "rocket",
    "hubble_deep_field",
    "moon",
    "coins",
    "cell",
)
LONGER_SIDE = 512  # pixels, at most
FASTEST = 5.0  # pixels a frame: a typical speed, which a few exceed
TURNING, ZOOMING = 0.6, 0.006  # degrees, and share of the size, that a picture turns and grows by for each pixel moved
MARGIN = 1.3  # a photograph is at least so many times as large as the frame

Motion = tuple[np.ndarray, np.ndarray, np.ndarray]  # shifts (FRAMES, 2), degrees (FRAMES,), zoom factors (FRAMES,)


def photographs() -> list[np.ndarray]:
    """Return scikit-image's photographs in grey, uint8 `(height, width)`, sides of at most 512 pixels."""
    from skimage import data

    pictures = [Image.fromarray(getattr(data, name)()).convert("L") for name in PHOTOGRAPHS]
    for picture in pictures:
        picture.thumbnail((LONGER_SIDE, LONGER_SIDE))
    return [np.asarray(picture) for picture in pictures]


def log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    """Draw a number of any magnitude between two."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def course(random: np.random.Generator, speed: float) -> np.ndarray:
    """Return a coordinate over time, float64 `(FRAMES,)`: 0 at first, then at a steady speed that changes slightly."""
    time = np.arange(FRAMES)
    return random.normal(0, speed) * time + random.normal(0, 0.15 * speed) * time**2 / 2


def motion(random: np.random.Generator, speed: float, turning: float = TURNING) -> Motion:
    """Draw a motion: shifts in pixels, turns in degrees, and zoom factors, with none of them in the first frame."""
    shifts = np.stack([course(random, speed), course(random, speed)], axis=1)
    return shifts, course(random, turning * speed), np.exp(course(random, ZOOMING * speed))


def show(
    picture: np.ndarray,
    centre: tuple[float, float],
    place: np.ndarray,
    angle: float,
    zoom: float,
    side: int,
    border: int = cv2.BORDER_REFLECT,
) -> np.ndarray:
    """Return a frame, float32 `(side, side)`: a picture, turned and zoomed, its `centre` at `place`, both (x, y)."""
    matrix = cv2.getRotationMatrix2D(centre, angle, zoom)
    matrix[:, 2] += place - np.asarray(centre)
    return cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border).astype(np.float32)


def halved(picture: np.ndarray) -> np.ndarray:
    """Return a picture at half its size, each pixel a mean of four: distant things show no grain."""
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def somewhere(random: np.random.Generator, picture: np.ndarray) -> tuple[float, float]:
    """Draw a point (x, y) in the middle of a picture."""
    height, width = picture.shape
    return random.uniform(0.3, 0.7) * width, random.uniform(0.3, 0.7) * height


def camera(random: np.random.Generator, picture: np.ndarray, side: int) -> np.ndarray:
    """Move a camera over a picture, or, three times in ten, hold it still: float32 `(FRAMES, side, side)`."""
    speed = 0.0 if random.random() < 0.3 else log_uniform(random, 0.1, FASTEST)
    if random.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 1.5))  # out of focus
    if random.random() < 0.5:
        picture = halved(picture)
    zoom = max(log_uniform(random, 0.25, 1.2), MARGIN * side / min(picture.shape))
    centre, angle = somewhere(random, picture), random.uniform(0, 360)
    moves = zip(*motion(random, speed), strict=True)
    return np.stack(
        [show(picture, centre, side / 2 + shift, angle + turn, zoom * grown, side) for shift, turn, grown in moves]
    )


def blob(random: np.random.Generator, picture: np.ndarray, centre: tuple[float, float], side: int) -> np.ndarray:
    """Draw a round shape, not quite a circle: float32, of the picture's shape, 1 within and 0 outside."""
    height, width = picture.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    direction = np.arctan2(rows - centre[1], columns - centre[0])
    waves = [random.normal(0, 0.12) * np.cos(count * direction + random.uniform(0, 2 * np.pi)) for count in range(1, 5)]
    radius = random.uniform(5, 0.35 * side) * (1 + sum(waves))
    return (np.hypot(rows - centre[1], columns - centre[0]) < radius).astype(np.float32)


def cut_out(random: np.random.Generator, frames: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Move a piece of a picture before the frames, by a motion of its own; it hides the picture behind it.

    Args:
        random: Random generator.
        frames: float32 `(FRAMES, side, side)`.
        picture: The picture that it is cut from.
    """
    side, picture = frames.shape[1], halved(picture)
    centre = somewhere(random, picture)
    shape = blob(random, picture, centre, side)
    # A small thing may turn faster than a camera
    moves = zip(*motion(random, log_uniform(random, 0.2, FASTEST), turning=1.5), strict=True)
    start, angle = random.uniform(0, side, 2), random.uniform(0, 360)
    covered = []
    for frame, (shift, turn, grown) in zip(frames, moves, strict=True):
        where = (centre, start + shift, angle + turn, grown, side)
        mask = cv2.GaussianBlur(show(shape, *where, border=cv2.BORDER_CONSTANT), (0, 0), 0.6)
        covered.append(frame * (1 - mask) + show(picture, *where) * mask)
    return np.stack(covered)


def light(random: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Change contrast and brightness; and sometimes let the light grow or fade, or flicker."""
    trend = random.normal(0, 0.03) if random.random() < 0.3 else 0
    flicker = abs(random.normal(0, 0.02)) if random.random() < 0.25 else 0
    gain = 1 + trend * np.arange(FRAMES) + flicker * random.normal(size=FRAMES)
    return ((frames - 128) * random.uniform(0.3, 1) + random.uniform(80, 176)) * gain[:, None, None]


def noise(random: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Add a sensor's noise, 0.3 to 4 grey levels, to seven sequences in ten."""
    if random.random() >= 0.7:
        return frames
    return frames + random.normal(0, log_uniform(random, 0.3, 4), frames.shape)


def compression(random: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Give four sequences in ten the blocks of JPEG; uint8 in and out."""
    if random.random() >= 0.4:
        return frames
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(50, 96))]
    packed = [cv2.imencode(".jpg", frame, quality)[1] for frame in frames]
    return np.stack([np.asarray(cv2.imdecode(buffer, 0), np.uint8) for buffer in packed])


def sequence(random: np.random.Generator, pictures: Sequence[np.ndarray], side: int = 64) -> np.ndarray:
    """Draw a sequence: a camera on a picture, up to three cut-outs before it, then blur, light, noise and compression.

    Args:
        random: Random generator; the same state gives the same sequence.
        pictures: uint8 `(height, width)` each.
        side: Of the frames, in pixels.

    Returns:
        uint8 `(FRAMES, side, side)`.
    """

    def picture() -> np.ndarray:
        return pictures[int(random.integers(len(pictures)))]

    frames = camera(random, picture(), side)
    for _ in range(random.integers(0, 4)):
        frames = cut_out(random, frames, picture())
    if random.random() < 0.4:
        frames = np.stack([cv2.GaussianBlur(frame, (0, 0), 0.7) for frame in frames])  # a soft lens
    frames = noise(random, light(random, frames))
    return compression(random, np.rint(np.clip(frames, 0, 255)).astype(np.uint8))
