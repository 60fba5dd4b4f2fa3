"""Published numbers: quotations from other tables, each with its source, to be read beside our own results."""

import tomllib

from nextframe._utils.files import ASSETS
from nextframe._utils.validation import one_of

_FOLDER = ASSETS / "published"
TABLES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load(table: str = "moving-mnist") -> list[dict]:
    """Read a published table, row by row.

    Args:
        table: One of `TABLES`. "moving-mnist": ten frames from ten on 64×64. "moving-mnist-again": one network, trained
            again on other numbers of GPUs. "kth": twenty frames from ten.

    Returns:
        For each row its "method"; "source", a key of the book's references; "epochs" of training; whether its numbers
        are "copied" from an older paper; "gpus" that it was trained on; "parameters_millions", "gflop" of a forecast,
        "fps" (forecasts a second, on the source's GPU), "mse" (summed over a frame), "ssim", "psnr"; and
        "psnr_printed", where another table of the same source has another number for the same run. What a source does
        not say is None.

    Raises:
        ValueError: There is no such table.
    """
    one_of("table", table, TABLES)
    text = (_FOLDER / f"{table}.toml").read_text(encoding="utf-8")
    columns = ("epochs", "gpus", "parameters_millions", "gflop", "fps", "mse", "ssim", "psnr", "psnr_printed")
    empty = {"copied": False} | dict.fromkeys(columns)
    return [empty | row for row in tomllib.loads(text)["rows"]]
