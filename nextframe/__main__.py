"""The command line: `nextframe forecast my.mp4 --out forecast/`."""

import argparse
import os
import re
import sys
from collections.abc import Sequence


def size(text: str) -> tuple[int, int]:
    """Read `128` or `96x128`, height first."""
    found = re.fullmatch(r"(\d+)(?:[x×](\d+))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: expected one number, such as 128, or height×width, such as 96x128")
    return int(found[1]), int(found[2] or found[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, and run the command."""
    parser = argparse.ArgumentParser("nextframe", description="Forecast the next frame of a video.")
    commands = parser.add_subparsers(required=True, metavar="command")
    forecast = commands.add_parser(
        "forecast",
        help="forecast the frames after a video's last one, and say how far to trust them",
        description="Reads a video, trains on its first part, chooses between a network and baselines, scores them on "
        "its last part, and forecasts the frames after the last one. Interrupted, the same command goes on.",
    )
    forecast.add_argument("source", help="a video, a folder of images, or a .npy or .npz file")
    forecast.add_argument("--out", required=True, help="the folder to write, which must not exist yet")
    forecast.add_argument("--size", type=size, help="pixels: 128 for a square, or height×width (default: at most 128)")
    forecast.add_argument("--fps", type=float, help="frames per second to keep (default: all)")
    forecast.add_argument("--context", type=int, default=4, help="frames that a forecast is made from (default: 4)")
    forecast.add_argument("--horizon", type=int, default=10, help="frames to forecast (default: 10)")
    forecast.add_argument("--minutes", type=float, default=2, help="of training, at most (default: 2)")
    forecast.add_argument("--no-training", action="store_true", help="take the network as it ships")
    forecast.add_argument("--seed", type=int, default=0, help="of the order in which windows are learned from")
    forecast.add_argument("--colour", action="store_true", help="forecast red, green and blue, one by one")
    forecast.add_argument(
        "--range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="for arrays of numbers that are no picture: the values that become black and white",
    )
    given = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from nextframe.video import forecast_video

    try:
        forecast_video(
            given.source,
            given.out,
            size=given.size,
            fps=given.fps,
            context=given.context,
            horizon=given.horizon,
            minutes=0 if given.no_training else given.minutes,
            seed=given.seed,
            colour=given.colour,
            value_range=given.range and tuple(given.range),
        )
    except (ValueError, OSError) as error:
        here = " (here: --range LOW HIGH)" if "value_range=" in str(error) else ""
        sys.exit(f"nextframe: {error}{here}")
    except KeyboardInterrupt:
        sys.exit("\nstopped: the same command goes on from here")


if __name__ == "__main__":
    main()
