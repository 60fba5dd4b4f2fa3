"""What moves on a page moves: sliders by keyboard, players by themselves."""

import re

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect
from set_repository import ROOT

from nextframe import plotting, widgets, windows

SMALLEST = 160  # pixels of a side of a frame that moves, on a wide screen
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# All that a cell's output shows but the slider and its own number: text, how parts are drawn, the pixels of canvases
SEEN = """slider => {
    const output = slider.closest(".cell_output");
    const canvases = [...output.querySelectorAll("canvas")].map(canvas => canvas.toDataURL());
    const times = [...output.querySelectorAll("video")].map(video => video.currentTime);
    const rest = output.cloneNode(true);
    for (const label of rest.querySelectorAll("label, .bar")) label.remove();
    return JSON.stringify([rest.innerHTML, canvases, times]);
}"""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_widget_moves_and_looks_the_same_without_the_book(chapter, open_page, browser):
    page = open_page(f"notebooks/{chapter}.html")
    looks_as_without_the_book(page, chapter, browser)
    players_play_and_can_be_stopped(page)
    sliders_move_something(page)
    assert page.problems == []


def looks_as_without_the_book(page, chapter, browser):
    """As on Colab, where an output stands alone in a frame of its own, with no style but the browser's."""
    outputs = [
        output["data"]["text/html"]
        for cell in nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if re.search("<video|type=.range", output.get("data", {}).get("text/html", ""))
    ]
    width = round(page.locator(".cell_output").first.bounding_box()["width"])
    context = browser.new_context(viewport={"width": width, "height": 900})
    alone = context.new_page()
    alone.set_content(f'<body style="margin: 0">{"".join(outputs)}</body>')
    assert bool(sizes(alone)) == (chapter != "11_your_own_video")  # whose panel needs a kernel, and is a picture here
    assert sizes(alone) == sizes(page, ".cell_output")
    context.close()


def sizes(page, scope=""):
    """Width and height of each video, picture and slider, in pixels."""
    parts = page.locator(f"{scope} :is(video, .frame, label > input[type=range])")
    boxes = [part.bounding_box() for part in parts.all()]
    return [(round(box["width"]), round(box["height"])) for box in boxes]


def players_play_and_can_be_stopped(page, players=".cell_output .nextframe-player"):
    for index, player in enumerate(page.locator(players).all()):
        video, button = player.locator("video"), player.locator("button")
        video.scroll_into_view_if_needed()
        for _ in range(100):  # a busy machine takes its time
            if video.evaluate("video => video.currentTime > 0"):
                break
            page.wait_for_timeout(100)
        assert video.evaluate("video => video.currentTime > 0 && !video.paused && !video.controls"), f"video {index}"
        button.click()
        expect(button).to_have_text("Play")  # the video's own event, which follows the click
        assert video.evaluate("video => video.paused")
        frames, below = video.bounding_box(), player.locator(".bar").bounding_box()
        assert below["y"] >= frames["y"] + frames["height"]  # nothing lies on the frames
        assert frame_width(video) >= SMALLEST


def frame_width(video):
    """Of one of the frames that a video holds side by side, on the page."""
    return video.evaluate("v => v.clientWidth / v.parentElement.querySelector('.labels').childElementCount")


def sliders_move_something(page):
    for index, slider in enumerate(page.locator(".cell_output input[type=range]").all()):
        before = slider.evaluate(SEEN)
        slider.focus()
        at_the_end = slider.evaluate("slider => slider.value === slider.max")
        page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
        page.wait_for_timeout(100)
        assert slider.evaluate(SEEN) != before, f"slider {index}"
    for frame in page.locator(".cell_output .frame").all():
        assert frame.evaluate("f => f.clientWidth") >= SMALLEST


@pytest.mark.parametrize("name", ["book/intro", f"notebooks/{CHAPTERS[0]}"])
def test_videos_wait_with_reduced_motion(name, open_page):
    """And show a frame."""
    page = open_page(f"{name}.html", reduced_motion="reduce")
    videos = page.locator("video")
    assert videos.count()
    assert all(videos.nth(index).evaluate("video => video.paused") for index in range(videos.count()))
    assert page.locator(".nextframe-player button").all_inner_texts() == ["Play"] * videos.count()
    page.wait_for_function("() => [...document.querySelectorAll('video')].every((v) => v.poster || v.readyState >= 2)")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (400, 800)])
def test_the_first_page_moves_and_answers_on_one_screen(width, height, open_page):
    page = open_page("book/intro.html", width=width, height=height)
    shown = [page.locator(".first-page video"), page.locator(".first-page strong").first]
    if width == 1280:
        shown += page.locator(".first-page dt").all()
    for part in shown:
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    players_play_and_can_be_stopped(page, ".first-page .nextframe-player")
    assert page.problems == []


def test_the_players_slider_shows_each_frame(show):
    """The 20 frames are the first to the last, whatever is asked for."""
    clip = np.repeat(np.linspace(20, 240, 20).astype(np.uint8), 64 * 64).reshape(20, 64, 64)
    page = show(plotting.player({"brighter and brighter": clip}, fps=7))
    for number in (5, 0, 19):
        page.fill("input", str(number))
        page.wait_for_function("(v => v.readyState >= 2 && !v.seeking)(document.querySelector('video'))")
        assert page.inner_text("output") == f"{number + 1} of 20"
        pixel = page.evaluate(
            """() => { const pen = document.createElement("canvas").getContext("2d");
                pen.drawImage(document.querySelector("video"), 0, 0);
                return pen.getImageData(32, 32, 1, 1).data[0]; }"""
        )
        assert abs(pixel - int(clip[number, 0, 0])) < 5


@pytest.fixture
def show(browser):
    """A function that shows a widget on a page of its own; errors there are collected in `page.problems`."""
    context = browser.new_context()

    def show(*shown):
        page = context.new_page()
        page.problems = []
        page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.set_content("".join(widget.data for widget in shown))
        return page

    yield show
    context.close()


@pytest.mark.parametrize("sizes", [(4, 1, 1, 1), (3, 2, 4, 2), (10, 5, 1, 5)])
def test_explorer_agrees_with_sliding_windows(show, sizes):
    clip = np.random.default_rng(0).integers(0, 256, (30, 6, 8), dtype=np.uint8)
    context, horizon, stride, frame_step = sizes
    page = show(widgets.window_explorer(clip))
    for name, value in zip(("context", "horizon", "stride", "frame_step", "position"), (*sizes, 1), strict=True):
        page.fill(f"input[name={name}]", str(value))
    summary = page.inner_text(".summary")
    if windows.window_span(context, horizon, frame_step) > len(clip):
        assert "this window reaches over 71 frames, and the clip has 30" in summary
        assert page.locator("figure").count() == 0
        return
    numbers = np.arange(30, dtype=np.uint8).reshape(30, 1, 1)
    contexts, targets = (part[..., 0, 0] for part in windows.sliding_windows(numbers, *sizes))
    assert f"{len(contexts)} windows." in summary
    assert f"contexts: ({len(contexts)}, {context}, 6, 8)" in summary
    roles = page.locator(".timeline i").evaluate_all("marks => marks.map(mark => mark.className)")
    for role, expected in {"context": contexts[1], "target": targets[1]}.items():
        assert page.locator(f"figure.{role}").all_inner_texts() == [f"frame {number}" for number in expected]
        assert [number for number, mark in enumerate(roles) if mark == role] == expected.tolist()
    assert page.problems == []


def test_frame_slider_moves_all_its_pictures_and_no_others(show):
    stacks = {"truth": np.zeros((5, 6, 8), np.uint8), "error": np.zeros((5, 6, 8), np.float32)}
    values = ["none", "1", "2", "3", "4 px"]
    page = show(
        widgets.frame_slider(stacks, "shift", values=values, errors=["error"]),
        widgets.frame_slider(stacks, "frame", start=1),
    )
    page.locator("input").first.fill("4")
    assert page.locator("output").all_inner_texts() == ["4 px", "1"]
    places = page.locator(".frame").evaluate_all("all => all.map(one => one.style.backgroundPositionX)")
    assert places == ["-640px", "-640px", "-160px", "-160px"]
    assert page.problems == []


def test_on_a_phone_two_frames_of_any_slider_are_abreast(show):
    """Each of two sliders on a page has its own size."""
    page = show(
        *(widgets.frame_slider({name: np.zeros((3, 6, side), np.uint8) for name in "ab"}, "t") for side in (96, 80))
    )
    page.set_viewport_size({"width": 400, "height": 800})
    boxes = page.locator(".frame").evaluate_all("all => all.map(one => one.getBoundingClientRect())")
    assert [round(box["width"]) for box in boxes] == [176, 176, 160, 160]
    assert [box["top"] for box in boxes[::2]] == [box["top"] for box in boxes[1::2]]


@pytest.mark.parametrize(
    "text", ["From the first to the LAST frame", "</script><b>", "{{ start }} {% raw %}", "a \" & ' <i>"]
)
def test_words_of_a_frame_slider_stay_as_they_are(show, text):
    values = [f"VALUE {text} {number}" for number in range(3)]
    page = show(
        widgets.frame_slider(
            {text: np.zeros((3, 6, 8), np.uint8)}, f"frame since the START {text}", values=values, describe=text
        )
    )
    assert page.get_attribute("[role=group]", "aria-label") == text
    assert page.get_attribute(".frame", "aria-label") == text
    assert page.inner_text("figure") == text
    assert page.inner_text("label") == f"frame since the START {text} {values[0]}"
    page.fill("input", "2")
    assert page.inner_text("output") == values[2]
    assert page.locator("b, i").count() == 0
    assert page.problems == []


def test_a_world_is_steered_by_its_buttons(show, mover):
    context = np.zeros((1, 3, 6, 6, 1), np.float32)
    context[:, :, 4, 0] = 1
    page = show(widgets.steered_world(mover, context, ("stay", "left", "right"), presses=2, hold=2, fps=50))
    where = """canvas => {
        const pixels = canvas.getContext("2d").getImageData(0, 4, 6, 1).data;
        return [0, 1, 2, 3, 4, 5].filter(column => pixels[4 * column] > 128);
    }"""
    canvas, output = page.locator("canvas"), page.locator("output")
    canvas.wait_for()
    assert not page.locator("img").is_visible()

    def dot_ends_at(column):
        page.wait_for_function(
            f"canvas => JSON.stringify(({where})(canvas)) == '[{column}]'", arg=canvas.element_handle()
        )

    dot_ends_at(0)
    page.get_by_role("button", name="right").click()
    dot_ends_at(2)
    page.get_by_role("button", name="left").click()
    dot_ends_at(0)
    assert output.inner_text() == "4 frames drawn; no more are stored here."
    assert page.get_by_role("button", name="stay").is_disabled()
    page.get_by_role("button", name="Again").click()
    assert output.inner_text() == "0 frames drawn. Press a key: it is held for 2 frames."
    page.get_by_role("button", name="left").click()
    dot_ends_at(4)
    assert page.problems == []
