"""Measure the command `nextframe forecast` on the clips that ship, with weights that never saw the clip.

    python tools/measure_video.py [--sizes 64 128] [--seconds 60] [--seeds 0]

A protocol with a rolling origin: each clip is cut off after 50, 70 and 100 % of its frames, and each time the command's
own contest is held on the remaining frames: it trains on the first 60 % of each scene, chooses on the next 15 %, and
is scored on the last 25 %, so that each clip has three stretches of test windows, each after its training part. Every
window of them counts, where something moves: a stretch on which copying is wrong by less than half a grey level (root
mean square) is not scored, but no stretch of these clips is so still. Of the tree only the 53 frames before a hand
waves in front of it are used. A clip's error is that of all its test windows, divided by the error of another forecast
on the same windows; clips are then averaged by their geometric mean, so that none decides for the others.

The network starts from weights that were trained on the five other clips and on photographs that move, and
is scored as it is ("unseen") and after training. There is one file a contest in results/video; a stored one is not
measured again.
"""

import argparse
import dataclasses
import os
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in the benchmark: see nextframe/benchmark/processes.py

import numpy as np

from nextframe import pretrained
from nextframe._utils.files import sha256
from nextframe.benchmark import results
from nextframe.benchmark.tasks import read_real_clip, something_moves
from nextframe.datasets.real_clips import example_path
from nextframe.models.flow_unet import FRAMES
from nextframe.scenes import scene_cuts, split_scenes
from nextframe.video.contest import hold_contest
from nextframe.video.evidence import FOLDER
from nextframe.video.forecast import clips_learned_from

ORIGINS = (0.5, 0.7, 1.0)
SIZES = (64, 128)


def weights(name: str) -> str:
    """The checksum of the weights that never saw a clip."""
    return pretrained.read_index(pretrained.VIDEO_FOLDER)[f"flow_unet-without-{name}"]["sha256"]


def measure(name: str, size: int, origin: float, seconds: float, seed: int) -> dict:
    """Hold one contest, and return its record."""
    whole = read_real_clip(name, size)
    clip = whole[: round(origin * len(whole))]
    start = time.perf_counter()
    split = split_scenes(clip, scene_cuts(clip), FRAMES)
    split = dataclasses.replace(split, test=[stretch for stretch in split.test if something_moves(stretch)])
    contest = hold_contest(split, seconds=seconds, seed=seed, without=name)
    return {
        "clip": name,
        "size": size,
        "origin": origin,
        "training_seconds": seconds,
        "seed": seed,
        "fingerprint": {"clip": sha256(example_path(name)), "frames": len(whole), "weights": weights(name)},
        "chosen": contest.chosen,
        "network": contest.network,
        "validation": contest.validation,
        "test": {model: errors.tolist() for model, errors in contest.test.items()},
        "steps": contest.history[-1]["step"] if contest.history else 0,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    """Hold the missing contests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--seconds", type=float, default=60, help="of training; 0 for the weights as they are")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    for size in given.sizes:
        for seed in given.seeds:
            for origin in ORIGINS:
                for name in clips_learned_from():
                    how = f"trained-{seed}" if given.seconds else "unseen"
                    label = f"{name}-{size}-{round(100 * origin)}-{how}"
                    if (FOLDER / f"{label}.json").exists():
                        continue
                    result = measure(name, size, origin, given.seconds, seed)
                    results.save(label, result, FOLDER)
                    error = {model: np.mean(errors) for model, errors in result["test"].items()}
                    print(
                        f"{label}: {result['chosen']} chosen, {result['network']} weights; ÷ flow "
                        f"{error[result['chosen']] / error['optical_flow']:.3f}, network alone "
                        f"{error['network'] / error['optical_flow']:.3f} "
                        f"({result['steps']} steps, {result['seconds']:.0f} s)",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
