"""The light of "Who remembers?" on the page "Try it", slower and slower."""

import itertools
import time

import memory_networks
import numpy as np
import pytest
from live_page import PAGE, demo_opener, errors, forecast, listed, of_the_light, wait_for_ticks

from nextframe import diagnostics, metrics
from nextframe.datasets import memory_tasks
from nextframe.forecasting import predict_next

LISTED = listed("memory")
NETWORKS = {about["name"]: about for about in LISTED["networks"]}
DEMO = "#memory"


def wait_for_period(page, period):
    """Wait until a clip of that period plays: the frame that it repeats is framed."""
    decides = LISTED["frames"] - period + 1
    page.wait_for_selector(f"{DEMO} .live-strip canvas:nth-child({decides}).live-decides", timeout=60_000)


open_demo = demo_opener(DEMO, lambda page: wait_for_period(page, 4))


def choose(page, period):
    page.fill(f"{DEMO} [data-part=period]", str(period))
    wait_for_period(page, period)


def errors_by_name(page):
    return dict(zip(["copying", *NETWORKS], errors(page, DEMO), strict=True))


def on_show(page):
    """Which frame of the pattern is outlined."""
    return int(page.inner_text(f"{DEMO} [data-part=pattern] label:has([aria-current=true])"))


def next_frame(page, ask):
    """Ask for a frame, by a click or a key, and wait until it is there."""
    now = on_show(page)
    ask()
    for _ in range(200):
        if on_show(page) != now:
            return
        page.wait_for_timeout(20)
    pytest.fail("no frame came within four seconds")


def lit(page):
    middle = "canvas => canvas.getContext('2d').getImageData(8, 8, 1, 1).data[0]"
    return page.locator(f"{DEMO} [data-part=truth]").evaluate(middle)


@pytest.mark.parametrize("name", NETWORKS)
def test_forecasts_are_those_of_keras(name, open_page):
    page = open_page(PAGE)
    for period in memory_networks.PERIODS:
        clip = memory_tasks.blinking_clips(1, LISTED["frames"] + 1, period, seed=3)
        context, _ = memory_tasks.as_windows(clip, LISTED["frames"])
        expected = metrics.clip_to_unit(predict_next(memory_networks.load(name, period), context))
        assert np.abs(forecast(page, of_the_light(name, period), context) - expected.ravel()).max() < 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_a_listed_memory_is_that_of_the_network(name):
    expected = diagnostics.memory_of(memory_networks.load(name, 8), 8)
    assert NETWORKS[name]["periods"]["8"]["memory"] == pytest.approx(expected, abs=2e-3)


def test_what_the_page_says_that_they_see_is_true(open_page):
    seen = {name: about["sees"] for name, about in NETWORKS.items()}
    assert seen == {"conv3d_of_seven": 7, "conv3d_of_all": 20, "conv_lstm": 20}
    page = open_page(PAGE)
    assert "the seven that the first Conv3D sees" in page.text_content(f"{DEMO} [data-part=demo]")


def test_the_light_is_drawn_as_the_training_clips_were(open_page):
    page = open_page(PAGE)
    clip = memory_tasks.blinking_clips(1, 8, period=4, seed=3)[0]
    pattern = (clip[:4].max(axis=(1, 2)) > 0).tolist()
    drawn = """async (pattern) => {
        const { frame, isLit } = await import(new URL("../live/blinkingLight.js", location.href));
        return Array.from({ length: 8 }, (_, time) => Array.from(frame(isLit(pattern, time))));
    }"""
    assert (np.reshape(page.evaluate(drawn, pattern), clip.shape) * 255 == clip).all()


def test_nothing_is_loaded_before_it_is_asked_for(open_page):
    page = open_page(PAGE)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [url for url in loaded if "onnx" in url]
    page.click(f"{DEMO} [data-part=start]")
    wait_for_period(page, 4)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    files = sorted(about["periods"]["4"]["file"] for about in NETWORKS.values())
    assert sorted(url.split("/models/")[1] for url in loaded if ".onnx" in url) == files


def test_slowing_the_light_shows_which_network_has_no_memory(open_demo):
    """Claim 7: three layers of Conv3D see seven frames, and know nothing of an eighth."""
    page = open_demo()
    choose(page, 6)
    wait_for_ticks(page, 8, DEMO)
    remembered = errors_by_name(page)
    assert max(remembered[name] for name in NETWORKS) < 1
    choose(page, 8)
    wait_for_ticks(page, 10, DEMO)
    slower = errors_by_name(page)
    assert slower["conv3d_of_seven"] > 10
    assert max(slower["conv3d_of_all"], slower["conv_lstm"]) < 1
    assert page.problems == []


def keras_errors(network, old, new, played):
    """The error of each frame of a clip that changes its pattern after so many frames were played.

    Frames from the first on that is played, as many as it takes until the networks see the new pattern alone.
    """
    context = LISTED["frames"]
    lit = [(old if time < context + played else new)[time % len(old)] for time in range(2 * context + played)]
    light = memory_tasks.blinking_clips(9, 1, 1).max(axis=0)[0] / 255
    video = (np.array(lit)[:, None, None, None] * light[..., None]).astype("float32")
    contexts = np.stack([video[time - context : time] for time in range(context, len(video))])
    forecast = metrics.clip_to_unit(predict_next(network, contexts))
    return np.square(forecast - video[context:]).sum(axis=(1, 2, 3))


def test_a_changed_pattern_surprises_as_it_does_in_keras(open_demo):
    page = open_demo(reduced_motion="reduce")
    boxes = page.locator(f"{DEMO} [data-part=pattern] input")
    old = [box.is_checked() for box in boxes.all()]

    def play(frames):
        for _ in range(frames):
            next_frame(page, lambda: page.click(f"{DEMO} [data-part=step]"))

    play(10)
    boxes.nth(1).click()
    new = [box.is_checked() for box in boxes.all()]
    assert new == [old[0], not old[1], *old[2:]]
    expected = {name: keras_errors(memory_networks.load(name, 4), old, new, played=10) for name in NETWORKS}
    for last in (14, 18):
        play(4)
        here = errors_by_name(page)
        for name, errors_of_frames in expected.items():
            assert here[name] == pytest.approx(errors_of_frames[last - 10 : last].mean(), abs=0.1)


def test_a_changed_pattern_does_to_all_what_the_page_says():
    networks = {name: memory_networks.load(name, 4) for name in NETWORKS}
    wrong = {name: [] for name in NETWORKS}  # for each change: whether each frame was
    for old in itertools.product([0, 1], repeat=4):
        for changed in range(4):
            new = [lit ^ (place == changed) for place, lit in enumerate(old)]
            if len({*old}) == 2 and len({*new}) == 2:  # always lit or never lit is no pattern
                for name, network in networks.items():
                    errors_of_frames = np.roll(keras_errors(network, old, new, played=0), -changed)
                    wrong[name].append(errors_of_frames > 16)
    wrong = {name: np.array(frames) for name, frames in wrong.items()}
    assert all(frames[:, 0].all() for frames in wrong.values())  # nobody could know
    assert not wrong["conv3d_of_seven"][:, 1:].any()
    assert not np.delete(wrong["conv3d_of_all"], [0, 4, 8], axis=1).any()  # a few times more, at that frame alone
    assert wrong["conv3d_of_all"][:, 4].any()
    unchanged = np.delete(wrong["conv_lstm"], [0, 4, 8, 12, 16], axis=1)
    assert unchanged.any(axis=1).all()
    assert not wrong["conv_lstm"][:, 17:].any()  # after four patterns it is right again


def test_pressing_keys_makes_the_light_flash_no_faster(open_demo):
    page = open_demo(reduced_motion="reduce")
    page.focus(f"{DEMO} [data-part=step]")
    passed, last, begin = 0, on_show(page), time.monotonic()
    for _ in range(40):
        page.keyboard.press("Enter")
        page.wait_for_timeout(50)
        if on_show(page) != last:
            passed, last = passed + 1, on_show(page)
    assert 2 <= passed <= 3 * (time.monotonic() - begin) + 1  # three a second, and one that was about to come


def test_a_press_while_it_plays_is_not_kept_for_later(open_demo):
    page = open_demo()
    page.click(f"{DEMO} [data-part=step]")
    wait_for_ticks(page, 2, DEMO)
    page.click(f"{DEMO} [data-part=pause]")
    wait_for_ticks(page, 1, DEMO)
    shown = on_show(page)
    wait_for_ticks(page, 3, DEMO)
    assert on_show(page) == shown


def test_networks_that_do_not_load_can_be_asked_for_again(open_demo):
    page = open_demo()
    page.route("**/conv_lstm-8.onnx.gz", lambda route: route.abort())
    page.fill(f"{DEMO} [data-part=period]", "8")
    message = page.locator(f"{DEMO} [data-part=message]")
    message.filter(has_text="did not load").wait_for()
    wait_for_ticks(page, 2, DEMO)  # the clip of four frames goes on
    page.unroute("**/conv_lstm-8.onnx.gz")
    page.click(f"{DEMO} [data-part=another]")
    wait_for_period(page, 8)
    assert message.inner_text() == ""


def test_keyboard_alone_is_enough_and_ears_are(open_page):
    page = open_page(PAGE, reduced_motion="reduce")
    page.focus(f"{DEMO} [data-part=start]")
    page.keyboard.press("Enter")
    wait_for_period(page, 4)
    page.focus(f"{DEMO} [data-part=period]")
    page.keyboard.press("ArrowRight")
    wait_for_period(page, 6)
    assert page.locator(f"{DEMO} [data-part=pattern] input").count() == 6
    seen = set()
    page.focus(f"{DEMO} [data-part=step]")
    for _ in range(6):
        next_frame(page, lambda: page.keyboard.press("Enter"))
        seen.add(lit(page))
        looks = "lit" if lit(page) else "dark"
        said = page.inner_text(f"{DEMO} [data-part=message]")
        assert said.startswith(f"The light is {looks}, frame {on_show(page)} of 6.")
        assert said.count(f": {looks}") == len(NETWORKS)
    assert seen == {0, 255}


def test_it_stands_still_with_reduced_motion(open_demo):
    page = open_demo(reduced_motion="reduce")
    strip = "strip => [...strip.children].map(canvas => canvas.toDataURL()).join()"
    before = page.locator(f"{DEMO} [data-part=strip]").evaluate(strip)
    wait_for_ticks(page, 5, DEMO)
    assert page.locator(f"{DEMO} [data-part=strip]").evaluate(strip) == before
