"""The page "Try it": trained networks that run in the reader's browser."""

import gzip

import numpy as np
import pytest
from built_book import HTML
from live_page import PAGE, demo_opener, errors, forecast, listed, wait_for_ticks

import nextframe
from nextframe import metrics
from nextframe._utils.pixels import to_colours
from nextframe.benchmark import leaderboard, tasks
from nextframe.datasets import moving_digits
from nextframe.forecasting import predict_next

LISTED = listed("digits")
DEMOS = ("#live", "#futures", "#video", "#steer", "#memory")
LARGEST_VISIT = 4_000_000  # bytes, compressed, with the first network

DRAWN = """async (digits) => {
    const movingDigits = await import(new URL("../live/movingDigits.js", location.href));
    return Array.from(movingDigits.drawn(digits));
}"""

PATH = """async ([digit, length]) => {
    const { moved } = await import(new URL("../live/movingDigits.js", location.href));
    const path = [];
    for (; path.length < length; digit = moved(digit)) path.push([digit.y, digit.x]);
    return path;
}"""
COLOURS = """async (errors) => {
    const { errorColour } = await import(new URL("../live/pictures.js", location.href));
    return errors.map((error) => errorColour(error / 0.5));
}"""
SLIDER = """async (label) => {
    const { Demo } = await import(new URL("../live/demo.js", location.href));
    const root = document.createElement("div");
    root.innerHTML = label;
    const moved = [];
    const value = new Demo(root).slider("size", (value) => moved.push(value));
    const input = root.querySelector("input");
    const said = input.getAttribute("aria-valuetext");
    const before = moved.length;
    input.value = 4;
    input.dispatchEvent(new Event("input"));
    return { value, before, moved, said: [said, input.getAttribute("aria-valuetext")] };
}"""


@pytest.fixture(scope="module")
def contexts():
    return tasks.load_task("digits_32", training=1).context[:2]


def wait_for_first_network(page):
    page.wait_for_selector("#live .live-row:nth-child(2)", timeout=60_000)


open_demo = demo_opener("#live", wait_for_first_network)


def frame(page):
    """The pixels of the clip's canvas."""
    script = "c => Array.from(c.getContext('2d').getImageData(0, 0, 32, 32).data).filter((_, i) => i % 4 === 0)"
    return np.array(page.locator("#live [data-part=truth]").evaluate(script)).reshape(32, 32)


def test_the_listed_errors_are_the_tables():
    measured_runs = leaderboard.load_runs("digits-32")
    for about in LISTED:
        mean, _ = leaderboard.over_seeds(measured_runs[about["name"]], leaderboard.mse_per_frame)
        assert about["error"] == round(mean, 2), f"{about['name']}: make live"


@pytest.mark.parametrize("about", LISTED, ids=[about["name"] for about in LISTED])
def test_forecasts_are_those_of_keras(about, open_page, contexts):
    page = open_page(PAGE)
    expected = metrics.clip_to_unit(predict_next(nextframe.load(about["name"]), contexts))
    for context, there in zip(contexts, expected, strict=True):
        assert np.abs(forecast(page, about, context) - there.ravel()).max() < 1e-3


def test_digits_are_drawn_as_the_training_clips_were(open_page):
    page = open_page(PAGE)
    images = moving_digits.shuffled_digits(16)[:2]
    places = np.array([[3.25, 0.0], [9.5, 15.75]])  # row, column
    clip = np.zeros((1, 1, 32, 32), np.uint8)
    moving_digits.draw(clip, images[None], places[None, :, None])
    digits = [{"image": i.ravel().tolist(), "x": x, "y": y} for i, (y, x) in zip(images, places, strict=True)]
    here = np.reshape(page.evaluate(DRAWN, digits), (32, 32)) * 255
    assert np.abs(here - clip[0, 0]).max() < 3  # Python's are bytes, each sum rounded down


def test_digits_move_as_in_the_training_clips(open_page):
    page = open_page(PAGE)
    rng = np.random.default_rng(0)
    starts, velocities = rng.uniform(0, 16, (8, 2)), rng.uniform(-5, 5, (8, 2))  # rows and columns
    expected = moving_digits.bounce(starts, velocities, np.array([16, 16]), length=40)
    digits = [{"x": x, "y": y, "vx": vx, "vy": vy} for (y, x), (vy, vx) in zip(starts, velocities, strict=True)]
    places = [page.evaluate(PATH, [digit, 40]) for digit in digits]
    assert np.abs(np.array(places) - expected).max() < 1e-9


def test_errors_have_the_colours_of_the_figures(open_page):
    page = open_page(PAGE)
    errors = np.linspace(-0.7, 0.7, 1401)
    here = np.round(page.evaluate(COLOURS, errors.tolist()))
    assert np.abs(here - to_colours(errors, 0.5)).max() <= 1


def test_nothing_is_loaded_before_it_is_asked_for(browser, site):
    page = browser.new_context().new_page()
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{site}/{PAGE}", wait_until="networkidle")
    assert not [answer.url for answer in answers if "onnx" in answer.url]
    page.click("#live [data-part=start]")
    page.wait_for_selector("#live .live-row:nth-child(2)", timeout=60_000)
    sizes = {answer.url: len(gzip.compress(answer.body())) for answer in answers}
    assert [url for url in sizes if ".onnx" in url] == [f"{site}/live/models/{LISTED[0]['file']}"]
    assert sum(sizes.values()) <= LARGEST_VISIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]
    page.context.close()


def test_the_network_beats_copying(open_demo):
    page = open_demo()
    wait_for_ticks(page, 25)
    copied, network = errors(page)
    assert network < copied / 3
    assert page.problems == []


def test_every_network_can_be_chosen_and_put_away(open_demo):
    page = open_demo()
    boxes = page.locator("[data-part=networks] input")
    for index in range(1, boxes.count()):
        boxes.nth(index).check()
        page.wait_for_selector(f"#live .live-row:nth-child({index + 2})", timeout=60_000)
    wait_for_ticks(page, 15)
    assert len(errors(page)) == 1 + len(LISTED)
    boxes.first.uncheck()
    assert page.locator("#live .live-row").count() == len(LISTED)
    assert page.problems == []


def test_a_shift_shows_which_network_depends_on_position(open_demo):
    """Claim 2: a dense network has a weight for each place, a convolution has none."""
    page = open_demo()
    names = ["dense_lstm", "conv3d"]
    for count, name in enumerate(names):
        page.check(f"[data-part=networks] input[value={name}]")
        page.wait_for_selector(f"#live .live-row:nth-child({count + 3})", timeout=60_000)
    page.uncheck("[data-part=networks] input[value=forecaster]")

    def over_four_seconds():
        seconds = []
        for _ in range(4):
            wait_for_ticks(page, 10)
            seconds.append(errors(page))
        return np.mean(seconds, axis=0)

    wait_for_ticks(page, 10)
    before = over_four_seconds()
    page.fill("[data-part=shift]", "6")
    wait_for_ticks(page, 2)
    rise = dict(zip(["copying", *names], over_four_seconds() - before, strict=True))
    assert rise["dense_lstm"] > 2 * max(rise["conv3d"], 0.5)
    assert rise["copying"] < before[0] / 2  # it is shifted there and back as the others are


def test_pause_holds_everything_until_something_is_moved(open_demo):
    page = open_demo()
    wait_for_ticks(page, 12)
    page.click("#live [data-part=pause]")
    wait_for_ticks(page, 3)
    everything = "root => JSON.stringify([...root.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()))"
    before = page.locator("#live").evaluate(everything)
    wait_for_ticks(page, 3)
    assert page.locator("#live").evaluate(everything) == before
    page.focus("#live [data-part=truth]")
    page.keyboard.press("ArrowDown")
    wait_for_ticks(page, 3)
    assert page.locator("#live").evaluate(everything) != before


def test_a_network_added_late_dreams_with_the_others(open_demo):
    page = open_demo()
    wait_for_ticks(page, 12)
    page.click("[data-part=dream]")
    wait_for_ticks(page, 30)
    dreamed = errors(page)[1]
    page.check("[data-part=networks] input[value=conv3d]")
    page.wait_for_selector("#live .live-row:nth-child(3)", timeout=60_000)
    wait_for_ticks(page, 4)
    assert errors(page)[1] < dreamed  # all networks begin again, from the same frames


@pytest.mark.parametrize(
    ("label", "unit"),
    [("Size: {} pixels", " pixels"), ("It repeats after {} frames", " frames"), ("{}", ""), ("Ratio 1:2: {}", "")],
)
def test_a_slider_says_its_value_and_unit_and_waits_for_a_reader(open_page, label, unit):
    output = '<output data-part="size-value"></output>'
    slider = '<input type="range" data-part="size" min="1" max="5" value="3">'
    page = open_page(PAGE)
    done = page.evaluate(SLIDER, f"<label>{label.format(output)}\n{slider}</label>")
    assert done == {"value": 3, "before": 0, "moved": [4], "said": [f"3{unit}", f"4{unit}"]}


def test_headings_of_rows_are_below_that_of_their_section(open_demo):
    page = open_demo()
    page.click("#memory [data-part=start]")
    page.wait_for_selector("#memory .live-decides", timeout=60_000)
    assert page.locator("#live .live-row").count() == page.locator("#live .live-row > h3").count() == 2
    assert page.locator("#memory .live-row").count() == page.locator("#memory .live-row > h4").count() > 2


def test_a_finger_drags_a_digit(open_demo):
    page = open_demo(has_touch=True)
    page.click("#live [data-part=pause]")
    wait_for_ticks(page, 2)
    corners = {(row, column): np.s_[row : row + 12, column : column + 12] for row in (0, 20) for column in (0, 20)}
    before = {corner: frame(page)[part].sum() for corner, part in corners.items()}
    emptiest = min(before, key=before.get)  # where the digits are is left to chance
    row, column = ({0: 5, 20: -5}[start] for start in emptiest)
    box = page.locator("#live [data-part=truth]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + column % box["width"], box["y"] + row % box["height"], steps=5)
    wait_for_ticks(page, 2)
    page.mouse.up()
    assert frame(page)[corners[emptiest]].sum() > before[emptiest] + 2000


def test_what_is_drawn_moves_off(open_demo):
    page = open_demo()
    page.click("[data-part=draw]")
    box = page.locator("#live [data-part=truth]").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 30, middle[1])
    page.mouse.down()
    page.mouse.move(middle[0] + 30, middle[1], steps=10)
    page.mouse.up()
    wait_for_ticks(page, 2)
    drawn = frame(page)
    assert drawn[16, 13:19].min() > 200
    wait_for_ticks(page, 2)
    assert (frame(page) == drawn).all()
    page.click("[data-part=draw]")
    wait_for_ticks(page, 4)
    assert (frame(page) != drawn).any()


def test_keyboard_alone_is_enough(open_page):
    page = open_page(PAGE)
    page.focus("#live [data-part=start]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#live .live-row:nth-child(2)", timeout=60_000)
    page.focus("#live [data-part=pause]")
    page.keyboard.press("Space")
    wait_for_ticks(page, 2)
    before = frame(page)
    page.focus("#live [data-part=truth]")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait_for_ticks(page, 2)
    assert (frame(page) != before).any()
    first_moved = frame(page)
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    wait_for_ticks(page, 2)
    assert (frame(page) != first_moved).any()
    page.focus("[data-part=shift]")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("[data-part=shift-value]") == "1"


def test_a_dream_leaves_the_clip(open_demo):
    page = open_demo()
    wait_for_ticks(page, 25)
    awake = errors(page)[1]
    page.click("[data-part=dream]")
    wait_for_ticks(page, 25)
    assert errors(page)[1] > 3 * awake
    page.click("[data-part=dream]")
    wait_for_ticks(page, 25)
    assert errors(page)[1] < errors(page)[0] / 3


def test_reduced_motion_begins_with_a_pause(open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 2)
    before = frame(page)
    wait_for_ticks(page, 3)
    assert (frame(page) == before).all()
    assert page.get_attribute("#live [data-part=pause]", "aria-pressed") == "true"


def edges(part):
    box = part.bounding_box()
    return box["y"], box["y"] + box["height"]


@pytest.mark.parametrize("width", [1280, 400])
def test_what_you_do_and_what_it_does_are_on_one_screen(width, open_demo):
    """The clip and two forecasts without scrolling; with two more, the slider and the last of them."""
    page = open_demo(width=width, height=800)
    canvases = page.locator("#live .live-frame canvas, #live .live-row canvas").all()
    assert len(canvases) == 1 + 2 * 2
    assert all(0 <= top < bottom <= 800 for top, bottom in map(edges, canvases))
    if width == 1280:
        assert all(canvas.bounding_box()["width"] >= 160 for canvas in canvases)
    for count, name in enumerate(["dense_lstm", "conv3d"]):
        page.check(f"[data-part=networks] input[value={name}]")
        page.wait_for_selector(f"#live .live-row:nth-child({count + 3})", timeout=60_000)
    page.locator("#live .live-row").last.scroll_into_view_if_needed()
    shift = page.locator("[data-part=shift]")
    if width == 400:
        shift.scroll_into_view_if_needed()
    parts = [shift, *page.locator("#live .live-row:nth-child(4) canvas").all()]
    assert all(0 <= top < bottom <= 800 for top, bottom in map(edges, parts))


@pytest.mark.parametrize("width", [1280, 400])
def test_everybody_can_use_what_has_started(width, open_demo, accessibility_violations):
    page = open_demo(width=width, reduced_motion="reduce")  # colours change at once
    page.click("#memory [data-part=start]")
    page.wait_for_selector("#memory .live-decides", timeout=60_000)
    assert accessibility_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_slow_machine_keeps_up_or_slows_down(open_demo):
    """Fewer frames a second, and everything else as it was: the clip waits for the forecasts."""
    page = open_demo()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page.check("[data-part=networks] input[value=conv_lstm]")
    page.wait_for_selector("#live .live-row:nth-child(3)", timeout=60_000)
    wait_for_ticks(page, 20)
    copied, *forecasts = errors(page)
    assert max(forecasts) < copied / 2
    page.click("#live [data-part=pause]")
    wait_for_ticks(page, 2)
    still = frame(page)
    wait_for_ticks(page, 2)
    assert (frame(page) == still).all()
    assert page.problems == []


def test_a_browser_without_webassembly_is_told(browser, site):
    context = browser.new_context()
    context.add_init_script("delete globalThis.WebAssembly")
    page = context.new_page()
    page.goto(f"{site}/{PAGE}")
    for demo in DEMOS:
        assert "no WebAssembly" in page.inner_text(f"{demo} [data-part=message]")
        assert not page.is_visible(f"{demo} [data-part=start]")
    context.close()


def test_a_page_opened_from_disk_says_what_to_do(browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto((HTML / PAGE).as_uri())
    for demo in DEMOS:
        assert "run: make serve" in page.inner_text(f"{demo} [data-part=message]")
        assert not page.is_visible(f"{demo} [data-part=start]")
    context.close()
