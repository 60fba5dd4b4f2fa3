"""Published numbers are quoted with their source, and without slips that arithmetic can find."""

import math
import re
import tomllib
from pathlib import Path

import pytest

from nextframe.benchmark import published

ROOT = Path(__file__).resolve().parents[2]
ROWS = published.load("moving-mnist")


def name(row):
    return f"{row['method']}, {row['epochs']}"


@pytest.mark.parametrize(
    ("table", "row"), [(table, row) for table in published.TABLES for row in published.load(table)]
)
def test_a_row_has_a_source_in_the_references(table, row):
    file = ROOT / "nextframe" / "assets" / "published" / f"{table}.toml"
    assert row["source"] in tomllib.loads(file.read_text())["sources"]
    assert re.search(rf"^@\w+{{{row['source']},$", (ROOT / "book" / "references.bib").read_text(), re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_row_says_how_long_it_was_trained(row):
    assert row["copied"] == (row["epochs"] is None)
    assert row["epochs"] in (200, 2000, None)
    assert 3 < row["parameters_millions"] < 60
    assert 10 < row["mse"] < 130


@pytest.mark.parametrize("row", [row for row in ROWS if row["psnr"]], ids=name)
def test_psnr_fits_the_mse(row):
    """The mean of frames' PSNRs is above that of their mean MSE, and not by much. A digit out of place would show."""
    of_the_mean = 10 * math.log10(64 * 64 / row["mse"])
    assert 0.5 < row["psnr"] - of_the_mean < 2.5
    if row["psnr_printed"]:
        assert row["psnr_printed"] - of_the_mean > 15


def test_better_by_mse_is_better_by_ssim():
    """In pairs that differ by more than a twentieth, within a source; but for E3D-LSTM's, which stand so there."""
    scored = [row for row in ROWS if row["ssim"]]
    odd = {
        frozenset((name(one), name(other)))
        for one in scored
        for other in scored
        if one["source"] == other["source"] and one["mse"] < 0.95 * other["mse"] and one["ssim"] < other["ssim"]
    }
    assert odd == {frozenset((other, "E3D-LSTM, 200")) for other in ("SimVP, Inception, 200", "ConvLSTM, 200")}


def test_no_row_stands_twice():
    assert len({(name(row), row["source"]) for row in ROWS}) == len(ROWS)


def test_what_a_source_does_not_say_is_none():
    (copied,) = [row for row in ROWS if row["copied"]]
    assert copied["ssim"] is None
    assert copied["epochs"] is None
    assert all(set(row) == set(copied) for row in ROWS)


def test_an_unknown_table():
    with pytest.raises(ValueError, match="table='ucf': expected one of kth, moving-mnist"):
        published.load("ucf")


def test_kth_has_one_method_twice():
    """By two formulas: no other pair of rows is so far apart."""
    rows = published.load("kth")
    twice = [row["psnr"] for row in rows if row["method"] == "SimVP, Inception"]
    others = [row["psnr"] for row in rows if row["source"] == "tan2023openstl"]
    assert len(twice) == 2
    assert max(twice) - min(twice) > 3 * (max(others) - min(others))


def test_one_network_trained_again():
    """The first of them is the row of the table, to a tenth."""
    again = published.load("moving-mnist-again")
    assert {(row["method"], row["epochs"]) for row in again} == {("SimVP, gated", 200)}
    assert len({row["gpus"] for row in again}) == 4
    (row,) = [row for row in ROWS if (row["method"], row["epochs"]) == ("SimVP, gated", 200)]
    assert min(each["mse"] for each in again) == pytest.approx(row["mse"], abs=0.1)
