"""The stored contests on real clips: they are whole, they are of today's clips and weights, and what they reach."""

import functools
import json

import numpy as np
import pytest

from nextframe import pretrained
from nextframe._utils.files import sha256
from nextframe.benchmark.tasks import MOVES, read_real_clip
from nextframe.datasets.real_clips import example_path
from nextframe.video import evidence

ORIGINS = (0.5, 0.7, 1.0)


@functools.cache
def frames(name):
    return len(read_real_clip(name, 32))


@pytest.mark.parametrize("how", ["unseen", "trained"])
@pytest.mark.parametrize("size", [64, 128])
def test_contests_are_whole_and_todays(size, how):
    contests = evidence.load_contests(size, how)
    weights = pretrained.read_index(pretrained.VIDEO_FOLDER)
    # a clip that came later has no contest before there are weights that never saw it
    assert {f"flow_unet-without-{name}" for name in contests} == set(weights) - {"flow_unet"}
    for name, of_clip in contests.items():
        assert [stored["origin"] for stored in of_clip] == sorted([*ORIGINS] * (len(of_clip) // 3)), name
        for stored in of_clip:
            today = {
                "clip": sha256(example_path(name)),
                "frames": frames(name),
                "weights": weights[f"flow_unet-without-{name}"]["sha256"],
            }
            assert stored["fingerprint"] == today, "measure again: python tools/measure_video.py"
            assert stored["training_seconds"] <= 180
            assert 255 * np.sqrt(np.mean(stored["test"]["copy_last"])) >= MOVES  # and none was left out
            assert stored["chosen"] == min(stored["validation"], key=stored["validation"].get)


@pytest.mark.parametrize(("how", "most"), [("unseen", 0.9), ("trained", 0.8)])
@pytest.mark.parametrize("size", [64, 128])
def test_optical_flow_is_beaten(size, how, most):
    """In the mean over clips; and no clip pays for it."""
    contests = evidence.load_contests(size, how)
    assert evidence.geometric_mean(evidence.ratios(contests, "chosen", "optical_flow")) <= most
    assert max(evidence.ratios(contests, "chosen", "copy_last").values()) <= 1
    assert max(evidence.ratios(contests, "chosen", "best baseline").values()) <= 1.05


def put(folder, clip, origin, chosen="blend", **errors):
    stored = {"clip": clip, "origin": origin, "chosen": chosen, "test": errors}
    (folder / f"{clip}-64-{round(100 * origin)}-unseen.json").write_text(json.dumps(stored))


def test_each_clip_counts_alike(tmp_path):
    """Windows of all stretches of a clip are pooled; clips are averaged by their ratios, not by their errors."""
    put(tmp_path, "still", 0.5, optical_flow=[1e-6] * 9, copy_last=[4e-6] * 9, blend=[0.5e-6] * 9)
    put(tmp_path, "still", 1.0, optical_flow=[1e-6], copy_last=[4e-6], blend=[0.5e-6])
    put(tmp_path, "fast", 0.5, optical_flow=[0.02, 0.06], copy_last=[0.01, 0.07], blend=[0.1, 0.06])
    contests = evidence.load_contests(64, "unseen", tmp_path)
    assert [len(contests[clip]) for clip in ("still", "fast")] == [2, 1]
    assert evidence.ratios(contests, "chosen", "optical_flow") == pytest.approx({"still": 0.5, "fast": 2})
    assert evidence.ratios(contests, "chosen", "best baseline") == pytest.approx({"still": 0.5, "fast": 2})
    assert evidence.geometric_mean({"still": 0.5, "fast": 2}) == pytest.approx(1)
    low, high = evidence.interval(contests, "chosen", "optical_flow")
    assert low <= 1 <= high
    put(tmp_path, "fast", 0.5, chosen="copy_last", optical_flow=[0.02, 0.06], copy_last=[0.01, 0.07], blend=[0.1, 0.06])
    assert evidence.ratios(evidence.load_contests(64, "unseen", tmp_path), "chosen", "optical_flow")["fast"] == 1


def test_an_interval_is_as_wide_as_blocks_say(tmp_path):
    random = np.random.default_rng(0)
    blocks = random.uniform(0.5, 1.5, 40)
    put(tmp_path, "one", 1.0, optical_flow=[1] * 400, blend=np.repeat(blocks, 10).tolist())
    low, high = evidence.interval(evidence.load_contests(64, "unseen", tmp_path), "chosen", "optical_flow")
    assert high - low == pytest.approx(2 * 1.96 * blocks.std() / np.sqrt(40), rel=0.15)


def test_nothing_stored(tmp_path):
    with pytest.raises(FileNotFoundError, match="no contests at 64, unseen: measure them with"):
        evidence.load_contests(64, "unseen", tmp_path)
