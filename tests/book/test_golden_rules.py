"""The page of golden rules is right: what it says of each network, and what its code finds."""

import re
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

from nextframe import diagnostics, windows
from nextframe.datasets.moving_digits import moving_digits
from nextframe.models import NETWORKS, build

PAGE = (Path(__file__).resolve().parents[2] / "book" / "golden_rules.md").read_text(encoding="utf-8")
NAMES = [network.__name__ for network in NETWORKS]
# The pixels a side of what the column "space" names; the others have no such promise, or break it a little
SHIFTS = {"any shift": 1, "whole patches": 2, "whole squares": 2, "two patches": 4, "patches of four": 4}


def rows(text: str) -> dict[str, dict[str, str]]:
    """The map of architectures: network → column → what it says."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    (_, *columns), _, *cells = lines
    names = [re.sub(r"\[(.*?)\].*|\{.*", r"\1", row[0]).strip().lower().replace(" ", "_") for row in cells]
    return {name: dict(zip(columns, row[1:], strict=True)) for name, row in zip(names, cells, strict=True)}


MAP = rows(PAGE)


def untrained(name: str, shape: tuple[int, ...], **size) -> keras.Model:
    options = {"weights": None} if name in ("time_distributed", "stacked_hybrid", "grid_hybrid") else {}
    return build(name, shape, **options, **size)


def weights_of(name: str, shape: tuple[int, ...], **size) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in untrained(name, shape, **size).weights]


def says_fit(cell: str) -> bool:
    word = re.match(r"fit|anew", cell)
    assert word, f"{cell!r} begins with neither"
    return word[0] == "fit"


def test_every_network_is_on_the_map():
    assert set(NAMES) <= set(MAP)


@pytest.mark.parametrize("name", NAMES)
def test_the_map_is_right_about_weights(name):
    weights = weights_of(name, (6, 16, 16, 1))
    assert says_fit(MAP[name]["larger frame"]) == (weights == weights_of(name, (6, 24, 32, 1)))
    assert says_fit(MAP[name]["more frames"]) == (weights == weights_of(name, (8, 16, 16, 1)))


def test_the_map_is_right_about_the_last_slice():
    assert "(last slice: fit)" in MAP["conv3d"]["more frames"]
    size = {"temporal_pooling": "last_slice", "depth": 4}
    assert weights_of("conv3d", (6, 16, 16, 1), **size) == weights_of("conv3d", (8, 16, 16, 1), **size)
    model = build("conv3d", (12, 16, 16, 1), **size)
    noise = np.random.default_rng(0).random((8, 12, 16, 16, 1))
    assert (diagnostics.temporal_receptive_field(model, noise) > 0).sum() == 1 + 2 * 4


@pytest.mark.parametrize("name", NAMES)
def test_the_map_is_right_about_shifts(name):
    """With random weights, in the middle of a frame, where no border is in sight."""
    promised = [by for words, by in SHIFTS.items() if MAP[name]["space"].startswith(words)]
    if not promised:
        assert re.match("nothing|whole strides", MAP[name]["space"])
        return
    size = {"proposals": ()} if name == "flow_unet" else {}  # optical flow is no part of the promise
    model = untrained(name, (4, 64, 64, 1), **size)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) > 1:
            weight.assign(rng.standard_normal(weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    noise = rng.random((2, 4, 64, 64, 1), dtype="float32")
    error = {by: diagnostics.shift_error(model, noise, by, margin=30) for by in (promised[0] // 2, promised[0]) if by}
    assert error.pop(promised[0]) < 1e-3
    assert all(error > 0.01 for error in error.values()), "a shorter shift would do"


def test_a_cell_that_says_neither_is_noticed():
    with pytest.raises(AssertionError, match="neither"):
        says_fit("perhaps")


@pytest.mark.parametrize(("head", "learns"), [("linear", True), ("sigmoid", False)])
def test_overfitting_one_window_finds_the_dark_sigmoid(head, learns, capsys):
    """The code of the page, run on a window of digits: rule 13, and what it says of rule 10."""
    (code,) = re.findall(r"```python\n(.*?) *```", PAGE, flags=re.DOTALL)
    train = windows.window_dataset(moving_digits(1, 11, canvas=32, digit_size=16), context=10)
    keras.utils.set_random_seed(0)
    network = build("frames_as_channels", (10, 32, 32, 1), head=head)
    exec(textwrap.dedent(code), {"train": train, "network": network})
    error = float(capsys.readouterr().out)
    target = next(iter(train))[1].numpy()
    black = np.square(target).mean()
    assert error < 0.01 * black if learns else error == pytest.approx(black, rel=1e-3)
