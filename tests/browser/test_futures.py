"""The fan of futures on the page "Try it", and the two networks that it shows."""

import numpy as np
import pytest
from live_page import PAGE, demo_opener, forecast, listed, wait_for_ticks

import nextframe
from nextframe import metrics, sampling
from nextframe.benchmark import tasks
from nextframe.datasets import _laws
from nextframe.datasets.random_futures import random_walls
from nextframe.forecasting import predict_next
from nextframe.windows import to_unit

DEMO = "#futures"
LISTED = listed("futures")
FUTURES, HORIZON = 6, 10

PATH = """async ([digit, angles]) => {
    const { movedByChance } = await import(new URL("../live/movingDigits.js", location.href));
    return angles.map((angle) => (digit = movedByChance(digit, angle))).map(({ y, x }) => [y, x]);
}"""
SAID = """async ([about, values]) => {
    const networks = await import(new URL("../live/networks.js", location.href));
    const { frames, odds } = await (await networks.loadDrawer(about))(Float32Array.from(values));
    return [frames.map((frame) => Array.from(frame)), Array.from(odds)];
}"""
DRAWN = """async ([about, past, chances]) => {
    const { loadDrawer } = await import(new URL("../live/networks.js", location.href));
    const { drawnFuture } = await import(new URL("../live/futures.js", location.href));
    const { Context } = await import(new URL("../live/frames.js", location.href));
    const context = new Context(past.length);
    for (const frame of past) context.add(Float32Array.from(frame));
    const draw = await loadDrawer(about);
    const futures = [];
    for (const own of chances) futures.push(await drawnFuture(draw, context, own));
    return futures.map(({ frames }) => frames.map((frame) => Array.from(frame)));
}"""


@pytest.fixture(scope="module")
def past():
    """Pasts of two clips: in the second one the digit is at a wall."""
    return tasks.random_walls_32(training=1).context[[0, 130]]


def wait_for_fan(page):
    """Wait until all futures are drawn."""
    page.wait_for_selector(f"{DEMO} .live-fan:not(:has-text('…'))", timeout=60_000)


def wait_for_demo(page):
    page.wait_for_selector(f"{DEMO} [data-part=again]", timeout=60_000)
    wait_for_fan(page)


open_demo = demo_opener(DEMO, wait_for_demo)


def said(page):
    return page.inner_text(f"{DEMO} [data-part=message]")


def captions(page):
    return page.locator(f"{DEMO} .live-fan p").all_inner_texts()


def shown(page):
    """The pixels of all panels, 0 to 1: what came, the plain network, and the futures."""
    script = "all => all.map(c => Array.from(c.getContext('2d').getImageData(0, 0, 32, 32).data))"
    pixels = page.locator(f"{DEMO} .live-fan canvas").evaluate_all(script)
    return np.reshape(pixels, (2 + FUTURES, 32, 32, 4))[..., 0] / 255


def test_the_digit_moves_by_the_law_of_the_training_clips(open_page):
    page = open_page(PAGE)
    count, length = 20, 15
    expected = random_walls(count, length, split="test", seed=3)[1]["corner"]
    rng, room = _laws.begin(count, length, 32, 16, "test", 3)  # the same chances once more
    _laws.choose(rng, (count, 1), "test")
    rng.uniform(0, room, (count, 2))
    pace = rng.uniform(1, 2.5, count)
    angles = rng.uniform(0, 2 * np.pi, (length, count))  # of the start, and of each frame after it
    digits = [
        {"x": x, "y": y, "vx": speed * np.cos(angle), "vy": speed * np.sin(angle)}
        for (y, x), speed, angle in zip(expected[:, 0], pace, angles[0], strict=True)
    ]
    for digit, chances, path in zip(digits, angles[1:].T, expected[:, 1:], strict=True):
        assert np.abs(page.evaluate(PATH, [digit, chances.tolist()]) - path).max() < 1e-9


def test_futures_and_odds_are_those_of_keras(open_page, past):
    page = open_page(PAGE)
    there = nextframe.load("many_futures").predict_on_batch(past)
    plain = metrics.clip_to_unit(predict_next(nextframe.load("mean_cnn"), past))
    assert there["odds"].shape == (2, 8)  # as the page says
    for which, context in enumerate(past):
        frames, odds = page.evaluate(SAID, [LISTED["drawer"], context.ravel().tolist()])
        assert np.abs(np.ravel(frames) - metrics.clip_to_unit(there["futures"][which]).ravel()).max() < 1e-3
        assert np.abs(odds - there["odds"][which]).max() < 1e-3
        assert np.abs(forecast(page, LISTED["plain"], context) - plain[which].ravel()).max() < 1e-3


def test_the_same_chance_draws_the_same_futures_as_in_python(open_page, past):
    page = open_page(PAGE)
    seed = 4
    chances = np.random.default_rng(seed).random((HORIZON, FUTURES)).T
    for context in past:
        there = sampling.sample_rollout(nextframe.load("many_futures"), context[None], HORIZON, FUTURES, seed)[0]
        here = page.evaluate(DRAWN, [LISTED["drawer"], context.reshape(len(context), -1).tolist(), chances.tolist()])
        assert np.abs(np.reshape(here, there.shape) - there).max() < 1e-3


def test_a_seed_brings_its_futures_back(open_demo):
    page = open_demo(reduced_motion="reduce")
    first, odds = shown(page), captions(page)
    page.click(f"{DEMO} [data-part=again]")
    wait_for_fan(page)
    assert page.inner_text(f"{DEMO} [data-part=seed-value]") == "2"
    other = shown(page)
    assert (other[:2] == first[:2]).all()  # the past is the same
    assert all((here != there).any() for here, there in zip(other[2:], first[2:], strict=True))
    page.focus(f"{DEMO} [data-part=seed]")
    page.keyboard.press("ArrowLeft")
    wait_for_fan(page)
    assert (shown(page) == first).all()
    assert captions(page) == odds
    page.click(f"{DEMO} [data-part=another]")
    wait_for_fan(page)
    assert (shown(page)[0] != first[0]).any()
    assert page.problems == []


def test_all_share_the_past_and_the_digit_goes_straight_on_to_the_wall(open_demo):
    page = open_demo(reduced_motion="reduce")
    page.fill(f"{DEMO} [data-part=wall]", "4")
    wait_for_fan(page)
    middles = []  # of the light of what came
    for ahead in range(-4, 4):
        page.fill(f"{DEMO} [data-part=ahead]", str(ahead))
        panels = shown(page)
        middles.append([(panels[0] * place).sum() / panels[0].sum() for place in np.mgrid[:32, :32]])
        if ahead <= 0:
            assert captions(page)[2:] == [f"Future {number}: seen" for number in range(1, FUTURES + 1)]
            assert np.ptp(panels, axis=0).max() == 0
    assert np.abs(np.diff(middles, n=2, axis=0)).max() < 0.1


def test_futures_part_later_if_the_wall_is_further_and_a_little_too_soon():
    context = 5
    clips, known = random_walls(1000, context + HORIZON, split="test", seed=5)
    at_wall = ((known["corner"] <= 0) | (known["corner"] >= 16)).any(axis=2)
    network = nextframe.load("many_futures")
    apart = {}
    for wall in (0, 4):
        chosen = (at_wall.argmax(axis=1) == context - 1 + wall) & at_wall.any(axis=1)
        past = to_unit(clips[chosen, :context][:20])
        drawn = sampling.sample_rollout(network, past, HORIZON, FUTURES, seed=1)
        apart[wall] = np.median(drawn.var(axis=1).sum(axis=(2, 3, 4)), axis=0)  # of each frame
    assert (apart[4][:3] < apart[0][:3]).all()
    assert apart[4][0] < apart[0][0] / 3
    assert apart[4][3] > 3 * apart[4][0]  # the frame in which the digit comes to the wall, by the law


def test_it_says_where_the_digit_is(open_demo):
    page = open_demo(reduced_motion="reduce")
    page.click(f"{DEMO} [data-part=where]")
    rows, columns = np.mgrid[:32, :32] - 15.5
    came, _, *futures = (
        f"{'upper' if (panel * rows).sum() < 0 else 'lower'} {'left' if (panel * columns).sum() < 0 else 'right'}"
        for panel in shown(page)
    )
    assert said(page).startswith(f"Frame 10: the digit is in the {came}. In the futures: ")
    for place in set(futures):
        assert f"{futures.count(place)} in the {place}" in said(page)
    page.click(f"{DEMO} [data-part=again]")
    assert said(page) == ""


def test_it_plays_until_a_reader_takes_the_slider(open_demo):
    page = open_demo()
    ahead = page.locator(f"{DEMO} [data-part=ahead-value]")
    for frame in ("-4", "0", "1"):
        ahead.get_by_text(frame, exact=True).wait_for()
    page.focus(f"{DEMO} [data-part=ahead]")
    page.keyboard.press("End")
    assert page.get_attribute(f"{DEMO} [data-part=pause]", "aria-pressed") == "true"
    wait_for_ticks(page, 3, DEMO)
    assert ahead.inner_text() == "10"


def test_it_stands_still_with_reduced_motion(open_demo):
    page = open_demo(reduced_motion="reduce")
    before = shown(page)
    wait_for_ticks(page, 3, DEMO)
    assert (shown(page) == before).all()


def test_its_networks_are_loaded_when_it_starts(open_page):
    page = open_page(PAGE)
    loaded = "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.includes('onnx'))"
    assert page.evaluate(loaded) == []
    page.click(f"{DEMO} [data-part=start]")
    page.wait_for_selector(f"{DEMO} [data-part=again]", timeout=60_000)
    files = {url.split("/models/")[1] for url in page.evaluate(loaded) if "/models/" in url}
    assert files == {about["file"] for about in LISTED.values()}


@pytest.mark.parametrize("width", [1280, 400])
def test_everybody_can_draw(width, open_demo, accessibility_violations):
    page = open_demo(width=width, height=800, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panels = [panel.bounding_box() for panel in page.locator(f"{DEMO} .live-fan canvas").all()]
    button = page.locator(f"{DEMO} [data-part=again]").bounding_box()
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width and box["width"] > 64 for box in panels)
    assert button["y"] + button["height"] - panels[0]["y"] < 700  # on one screen with what it does
    assert accessibility_violations(page, colours=width != 400) == []
