"""What tests of the page "Try it" share: where it is, what it lists, and what it shows."""

import json
import re

import numpy as np
import pytest
from set_repository import ROOT

PAGE = "book/try_it.html"
LIVE = ROOT / "book" / "site" / "live"
FORECAST = """async ([about, context]) => {
    const networks = await import(new URL("../live/networks.js", location.href));
    const predict = await networks.load(about);
    return Array.from(await predict(Float32Array.from(context)));
}"""


def listed(name):
    return json.loads((LIVE / "models" / f"{name}.json").read_text())


def of_the_light(name, period):
    """What the page's modules must know to load a network of "Who remembers?"."""
    memory = listed("memory")
    (about,) = [about for about in memory["networks"] if about["name"] == name]
    return {"file": about["periods"][str(period)]["file"], "frames": memory["frames"], "side": memory["side"]}


def of_side(side):
    """What the page's modules must know to load the network of "Your own video" for frames of that size."""
    video = listed("video")
    return {"file": video["sides"][str(side)]["file"], "frames": video["frames"], "side": side}


def forecast(page, about, context):
    """What the page's own modules say of a context: the forecast, flat."""
    return np.array(page.evaluate(FORECAST, [about, context.ravel().tolist()]))


def ticks(page, demo="#live"):
    return int(page.get_attribute(demo, "data-ticks") or 0)


def wait_for_ticks(page, count, demo="#live"):
    """Wait until so many frames more have been shown. (The page's policy forbids Playwright's own way to wait.)"""
    last = ticks(page, demo) + count
    for _ in range(600):
        if ticks(page, demo) >= last:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{ticks(page, demo)} frames after a minute; expected {last}")


def errors(page, demo="#live"):
    """Each row's error over the last ten frames; the first row is copying."""
    texts = page.locator(f"{demo} .live-row p").all_inner_texts()
    return [float(re.match(r"error ([\d.]+)", text)[1]) for text in texts]


def demo_opener(demo, wait):
    """Make a fixture: a function that opens the page and starts one of its demos, until `wait(page)` is content."""

    @pytest.fixture
    def open_demo(open_page):
        def start(**options):
            page = open_page(PAGE, **options)
            page.click(f"{demo} [data-part=start]")
            wait(page)
            return page

        return start

    return open_demo
