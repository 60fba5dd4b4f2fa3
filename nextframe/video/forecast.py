"""From a file to the frame after its last: read, split, train, choose, score, forecast, and write it all down."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nextframe import clips, pretrained
from nextframe._utils.files import asset_checksums, sha256, without_nan, write_atomically
from nextframe._utils.validation import whole_number
from nextframe.datasets.real_clips import EXAMPLES
from nextframe.forecasting import rollout
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import Split, scene_cuts, split_scenes
from nextframe.video import report
from nextframe.video.contest import hold_contest
from nextframe.windows import to_unit

SHORT_SIDE = 128  # pixels, to which larger videos are scaled by default
SMALLEST_SIDE = 16
RATE = 25.0  # frames a second of the videos from a source without a rate


def forecast_video(
    source: str | os.PathLike,
    out: str | os.PathLike,
    *,
    size: int | tuple[int, int] | None = None,
    fps: float | None = None,
    context: int = FRAMES,
    horizon: int = 10,
    minutes: float = 2,
    seed: int = 0,
    colour: bool = False,
    value_range: tuple[float, float] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Forecast the frames that follow the last one of a video, and say how far to trust them.

    The first 60 % of each scene train the network that ships, the next 15 % choose between it and the baselines, and
    the rest scores all of them. The folder `out` appears whole: next.png, forecast.mp4, comparison.mp4, model.keras,
    report.html and report.json. Until then unfinished results lie in `out` + ".partial"; if the run is killed, a
    call with the same arguments goes on from there.

    Args:
        source: A video, a folder of images, or an `.npy` or `.npz` file; see `nextframe.clips.read_clip`.
        out: A folder that does not exist yet.
        size: `(height, width)` or one number for a square. Default: the video's own shape, its shorter side at most
            128 pixels.
        fps: Frames per second to keep. Default: all.
        context: Frames that the models see, at least 4.
        horizon: Frames to forecast.
        minutes: Of training, at most; 0 takes the weights as they ship.
        seed: Of the order of the windows in training.
        colour: Forecast red, green and blue, one by one, with one network.
        value_range: As in `read_clip`.
        progress: Whether to print the stages of the work.

    Returns:
        The contents of report.json.

    Raises:
        FileExistsError: `out` exists already.
        ValueError: An argument out of range, a video too short, or a run of other arguments begun in `out`.
    """
    started = time.perf_counter()
    say: Callable[[str], None] = (lambda text: print(text, flush=True)) if progress else (lambda text: None)
    out = Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists already: choose another folder with out, or delete it")
    whole_number("context", context, least=FRAMES)
    whole_number("horizon", horizon)
    if not minutes >= 0:
        raise ValueError(f"minutes={minutes}: expected 0 or more")
    channels: list[str | None] = [*clips.CHANNELS] if colour else [None]
    planes = read_planes(source, size, fps, channels, value_range)
    first = planes[0]
    height, width = first.shape[1:]
    say(f"{Path(source).name}: {len(first)} frames of {height}×{width}")
    cuts = scene_cuts(np.mean(planes, axis=0).astype(np.uint8) if colour else first)
    if cuts:
        say(f"scene cuts before frames {', '.join(map(str, cuts))}: no window crosses them")
    if cuts and len(first) - cuts[-1] < context:
        raise ValueError(
            f"the last scene begins at frame {cuts[-1]} of {len(first)}, and a forecast needs {context} frames of it: "
            "cut the end of the video off" + (", or lower context" if context > FRAMES else "")
        )
    split = sum((split_scenes(plane, cuts, context) for plane in planes), start=Split([], [], []))
    partial = out.with_name(f"{out.name}.partial")
    asked = {
        "source": [str(Path(source).resolve()), fingerprint(planes)],
        "arguments": [height, width, fps, context, minutes, seed, colour, value_range],
    }
    plan = begun(partial, asked)
    say(f"training for {minutes:g} minutes at most" if minutes else "no training: the weights as they ship")

    def steps(measure: Callable[[], int]) -> int:
        if "steps" not in plan:
            plan["steps"] = measure()
            write_atomically(partial / "plan.json", json.dumps(plan).encode())
        return plan["steps"]

    checkpoint = partial / "checkpoint.npz"
    ours = shipped_as(Path(source))
    if ours:
        say(f"this clip ships with the package: the network starts from weights that never saw it ({ours})")
    say("fitting the baselines, and scoring them on the validation part")
    contest = hold_contest(
        split, context, 60 * minutes, seed, without=ours, checkpoint=checkpoint, plan=steps, progress=progress
    )
    chosen = contest.models[contest.chosen]
    say(f"chosen on the validation part: {contest.chosen}")
    last = np.stack([to_unit(plane[-context:]) for plane in planes])  # (channels, context, height, width, 1)
    ahead = np.moveaxis(rollout(chosen, last, horizon)[..., 0], 0, -1)  # (horizon, height, width, channels)
    rate = fps or clips.frame_rate(source)
    about: dict[str, Any] = {
        "source": Path(source).name,
        "frames": len(first),
        "size": [height, width],
        "fps": rate,
        "scene_cuts": cuts,
        "context": context,
        "horizon": horizon,
        "minutes": minutes,
        "seed": seed,
        "colour": colour,
        "chosen": contest.chosen,
        "network": contest.network,
        "blended": contest.blended,
        "validation": contest.validation,
        "test": contest.scores(),
        "training": contest.history,
        "milliseconds_per_forecast": milliseconds(chosen, last[:1]),
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend(), "numpy": np.__version__},
    }
    about["seconds"] = round(time.perf_counter() - started, 1)
    report.write(partial, about, contest, split, planes, ahead, rate or RATE)
    (partial / "checkpoint.npz").unlink(missing_ok=True)
    partial.replace(out)
    (out / "plan.json").unlink()  # only now: a folder without it was not begun here, and is not touched
    say(f"wrote {out}/report.html")
    return without_nan(about)


def read_planes(
    source: str | os.PathLike,
    size: int | tuple[int, int] | None,
    fps: float | None,
    channels: list[str | None],
    value_range: tuple[float, float] | None,
) -> list[np.ndarray]:
    """Read a clip for each channel, scaled down to a shorter side of 128 pixels where no size is given."""
    if size is None:
        height, width = clips.frame_size(source)
        shrink = min(1.0, SHORT_SIDE / min(height, width))
        size = max(1, round(height * shrink)), max(1, round(width * shrink))
    planes = [clips.read_clip(source, size, fps, channel, value_range) for channel in channels]
    if min(planes[0].shape[1:]) < SMALLEST_SIDE:
        raise ValueError(f"frames of {planes[0].shape[1]}×{planes[0].shape[2]}: expected at least 16×16: raise size")
    return planes


def shipped_as(source: Path) -> str | None:
    """Return the name of the clip that the shipped weights saw and that a file is a copy of, or None."""
    if not source.is_file():
        return None
    own, checksums = sha256(source), asset_checksums()
    return next((name for name in clips_learned_from() if checksums[f"{name}.mp4"] == own), None)


def clips_learned_from() -> list[str]:
    """Return the names of the shipped clips that the network's weights saw; one that came later is not among them."""
    weights = pretrained.read_index(pretrained.VIDEO_FOLDER)
    return [name for name in EXAMPLES if f"flow_unet-without-{name}" in weights]


def fingerprint(planes: list[np.ndarray]) -> str:
    """Return the SHA-256 of a video's pixels."""
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(plane.tobytes())
    return digest.hexdigest()


def begun(partial: Path, asked: dict) -> dict:
    """Return the plan of a run that was cut off here, or begin one."""
    file = partial / "plan.json"
    asked = json.loads(json.dumps(asked))
    for unfinished in partial.glob("*.unfinished"):  # of a process that was killed while it wrote
        unfinished.unlink()
    if file.exists():
        plan = json.loads(file.read_text(encoding="utf-8"))
        if {key: plan.get(key) for key in asked} != asked:
            raise ValueError(
                f"{partial} holds the beginning of a run with another video or other arguments: delete it, or "
                "call with the same ones to go on"
            )
        return plan
    if partial.exists() and any(partial.iterdir()):
        raise FileExistsError(f"{partial} holds files of another kind: choose another folder with out, or move them")
    write_atomically(file, json.dumps(asked).encode())
    return asked


def milliseconds(model: keras.Model, context: np.ndarray) -> float:
    """Return how long one forecast takes, the median of ten."""
    model.predict_on_batch(context)
    took = []
    for _ in range(10):
        start = time.perf_counter()
        model.predict_on_batch(context)
        took.append(time.perf_counter() - start)
    return round(1000 * float(np.median(took)), 1)
