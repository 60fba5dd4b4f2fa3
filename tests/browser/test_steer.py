"""The game of the page "Try it", and the network that has learned it."""

import functools

import numpy as np
import pytest
from live_page import PAGE, demo_opener, listed, ticks, wait_for_ticks

import nextframe
from nextframe.datasets import paddle_game
from nextframe.windows import to_unit

DEMO = "#steer"

EPISODE = """async ([state, actions]) => {
    const { render, step } = await import(new URL("../live/paddleGame.js", location.href));
    const frames = [render(state)];
    for (const action of actions) frames.push(render(state = step(state, action)));
    return frames.map((frame) => frame.join(""));
}"""
MEASURES = """async (frames) => {
    const { ballCentre, numberOfBalls, paddleColumn } = await import(new URL("../live/gameMeasures.js", location.href));
    return frames.map((pixels) => {
        const frame = Float32Array.from(pixels, Number);
        const ball = ballCentre(frame);
        return [paddleColumn(frame), numberOfBalls(frame), ball && ball.row, ball && ball.column];
    });
}"""
FORECAST = """async ([about, context, action]) => {
    const networks = await import(new URL("../live/networks.js", location.href));
    const predict = await networks.load(about);
    return Array.from(await predict(Float32Array.from(context, Number), action));
}"""


def wait_for_game(page):
    page.wait_for_selector(f"{DEMO} [data-part=reset]", timeout=60_000)


open_demo = demo_opener(DEMO, wait_for_game)


def paddle(page, world):
    """The column of the paddle's leftmost pixel in the game ("truth") or in the dream."""
    script = "c => Array.from(c.getContext('2d').getImageData(0, 0, 32, 32).data).filter((_, i) => i % 4 === 0)"
    pixels = page.locator(f"{DEMO} [data-part={world}]").evaluate(script)
    return paddle_game.paddle_columns(np.array(pixels, np.uint8).reshape(32, 32))


def step(page, do):
    """Do something that asks a game at rest for a frame, and wait until it is there."""
    before = page.inner_text(f"{DEMO} [data-part=drift-value]")
    do()
    page.locator(f"{DEMO} [data-part=drift-value]").filter(has_not_text=before).wait_for()


def in_letters(frames):
    """Frames of 0 and 1 as a text each, which the browser takes far faster than lists."""
    return ["".join(map(str, frame.astype(int).ravel())) for frame in frames]


@pytest.fixture(scope="module")
def episode():
    """A game of a thousand frames: its first state, the keys, and the frames."""
    first = state = paddle_game.serve(np.random.default_rng(0))
    actions = []
    for time in range(1000):
        off = state.column + state.across - state.paddle - time // 100 % 3  # hit with each part, and missed
        actions.append((2 if off > 0 else 1 if off < 0 else 0) if time % 300 < 250 else 1)
        state = paddle_game.step(state, actions[-1])
    frames, states = paddle_game.play(first, np.array(actions))
    assert {state.across for state in states} == {-1, 0, 1}
    assert max(state.row for state in states) == paddle_game.BOTTOM
    return first, actions, frames


def test_the_game_is_that_of_python(open_page, episode):
    page = open_page(PAGE)
    state, actions, frames = episode
    here = page.evaluate(EPISODE, [state._asdict(), actions])
    assert here == in_letters(frames > 0)


def test_frames_are_measured_as_in_python(open_page, episode):
    page = open_page(PAGE)
    random = np.random.default_rng(1)
    true = episode[2][:100] > 0
    damaged = true ^ (random.random(true.shape) < random.choice([0.005, 0.05], (100, 1, 1)))
    frames = np.concatenate([true, damaged, np.zeros_like(true[:1])]).astype("float32")
    here = np.array(page.evaluate(MEASURES, in_letters(frames)), float)
    there = [paddle_game.paddle_columns(frames), paddle_game.number_of_balls(frames), paddle_game.ball_centres(frames)]
    np.testing.assert_allclose(here, np.column_stack(there))


def test_forecasts_are_those_of_keras(open_page):
    page = open_page(PAGE)
    about, network = listed("steer"), nextframe.load("steerable")
    assert (about["frames"], paddle_game.LONGEST_HIDDEN) == (6, 3)  # as the page says
    seen, _ = paddle_game.episodes(3, about["frames"] + 1, seed=1)
    for action, contexts in zip((0, 1, 2), seen[:, :-1], strict=True):
        there = np.asarray(network([to_unit(contexts[None]), np.array([action])]))
        here = page.evaluate(FORECAST, [about, "".join(in_letters(contexts > 0)), action])
        assert np.abs(here - there.ravel()).max() < 1e-3


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowRight"])
def test_both_worlds_are_steered_by_the_same_key(key, open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 3, DEMO)
    page.focus(f"{DEMO} [data-part=truth]")
    begun = paddle(page, "truth")
    for _ in range(4):
        step(page, lambda: page.keyboard.press(key))
    far = np.clip(begun + (8 if key == "ArrowRight" else -8), 2, 24)
    assert paddle(page, "truth") == far
    assert abs(paddle(page, "dream") - far) <= 2
    page.click(f"{DEMO} [data-part=where]")
    said = page.inner_text(f"{DEMO} [data-part=message]")
    assert said.startswith(f"In the game, the paddle is {int(far) // 2 - 1} cell")
    assert "In the dream, " in said
    assert page.problems == []


def test_a_finger_steers_too(open_demo):
    page = open_demo(has_touch=True)
    page.click(f"{DEMO} [data-part=pause]")
    begun = paddle(page, "truth")
    name, way = ("right", 2) if begun < 13 else ("left", -2)
    step(page, lambda: page.tap(f"{DEMO} [data-part={name}]"))
    assert paddle(page, "truth") == begun + way
    page.click(f"{DEMO} [data-part=pause]")
    box = page.locator(f"{DEMO} [data-part=left]").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    wait_for_ticks(page, 15, DEMO)
    assert paddle(page, "truth") == 2  # as long as it is held
    page.mouse.up()


def test_a_button_steers_for_a_frame_however_it_is_pressed(open_demo):
    """A click alone, with no pointer and no key, is what a screen reader or voice control sends."""
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 3, DEMO)
    for button, moved in (("left", -2), ("right", 2)):
        pressed = page.locator(f"{DEMO} [data-part={button}]")
        click = functools.partial(pressed.evaluate, "button => button.click()")
        keys = [functools.partial(pressed.press, key) for key in ("Enter", " ")]
        for press in (click, click, *keys, pressed.click, click):
            begun = paddle(page, "truth")
            step(page, press)
            assert paddle(page, "truth") == np.clip(begun + moved, 2, 24)
        assert pressed.get_attribute("aria-pressed") == "false"


def test_a_reset_takes_the_dream_back_to_the_game(open_demo):
    page = open_demo(reduced_motion="reduce")
    for _ in range(5):
        step(page, lambda: page.click(f"{DEMO} [data-part=step]"))
    since = page.locator(f"{DEMO} [data-part=drift-value]")
    assert "6 frames" in since.inner_text()
    step(page, lambda: page.click(f"{DEMO} [data-part=reset]"))
    assert "1 frame" in since.inner_text()
    assert "0 of 1024" in since.inner_text()  # one frame ahead, it knows the game


def test_it_stands_still_with_reduced_motion(open_demo):
    page = open_demo(reduced_motion="reduce")
    wait_for_ticks(page, 3, DEMO)
    before = page.inner_text(f"{DEMO} [data-part=drift-value]")
    begun = ticks(page, DEMO)
    wait_for_ticks(page, 5, DEMO)
    assert ticks(page, DEMO) > begun
    assert page.inner_text(f"{DEMO} [data-part=drift-value]") == before


@pytest.mark.parametrize("width", [1280, 400])
def test_everybody_can_play(width, open_demo, accessibility_violations):
    page = open_demo(width=width, height=800, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    parts = ("[data-part=truth]", "[data-part=dream]", "[data-part=right]")
    boxes = [page.locator(f"{DEMO} {part}").bounding_box() for part in parts]
    assert boxes[0]["y"] == boxes[1]["y"]  # side by side
    assert boxes[2]["y"] + boxes[2]["height"] - boxes[0]["y"] < 700
    assert accessibility_violations(page, colours=width != 400) == []
