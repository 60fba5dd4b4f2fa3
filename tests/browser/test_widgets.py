"""What moves on a page moves: sliders by keyboard, players by themselves."""

import re

import nbformat
import pytest
from set_repository import ROOT

CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# All that a cell's output shows but the slider and its own number: text, how parts are drawn, the pixels of canvases
SEEN = """slider => {
    const output = slider.closest(".cell_output");
    const canvases = [...output.querySelectorAll("canvas")].map(canvas => canvas.toDataURL());
    const rest = output.cloneNode(true);
    for (const label of rest.querySelectorAll("label")) label.remove();
    return JSON.stringify([rest.innerHTML, canvases]);
}"""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_widget_moves(chapter, open_page):
    page = open_page(f"notebooks/{chapter}.html")
    films_play_and_can_be_stopped(page)
    sliders_move_something(page)
    assert page.complaints == []


def films_play_and_can_be_stopped(page):
    for index, film in enumerate(page.locator(".cell_output video").all()):
        film.scroll_into_view_if_needed()
        for _ in range(100):  # a busy machine takes its time
            if film.evaluate("film => film.currentTime > 0"):
                break
            page.wait_for_timeout(100)
        assert film.evaluate("film => film.controls && film.currentTime > 0 && !film.paused"), f"film {index}"
        film.evaluate("film => film.pause()")
        assert film.evaluate("film => film.paused")


def sliders_move_something(page):
    for index, slider in enumerate(page.locator(".cell_output input[type=range]").all()):
        before = slider.evaluate(SEEN)
        slider.focus()
        at_the_end = slider.evaluate("slider => slider.value === slider.max")
        page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
        page.wait_for_timeout(100)
        assert slider.evaluate(SEEN) != before, f"slider {index}"


def test_films_wait_for_who_wants_no_motion(open_page):
    page = open_page(f"notebooks/{CHAPTERS[0]}.html", reduced_motion="reduce")
    films = page.locator("video")
    assert films.count()
    assert all(films.nth(index).evaluate("film => film.paused") for index in range(films.count()))


def sizes(page, scope=""):
    """Width and height of each film, picture and slider, in pixels."""
    boxes = [part.bounding_box() for part in page.locator(f"{scope} :is(video, .frame, input[type=range])").all()]
    return [(round(box["width"]), round(box["height"])) for box in boxes]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_widgets_look_the_same_without_the_book(chapter, open_page, browser):
    """As on Colab, where an output stands alone in a frame of its own, with no style but the browser's."""
    widgets = [
        output["data"]["text/html"]
        for cell in nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if re.search("<video|type=.range", output.get("data", {}).get("text/html", ""))
    ]
    page = open_page(f"notebooks/{chapter}.html")
    width = round(page.locator(".cell_output").first.bounding_box()["width"])
    context = browser.new_context(viewport={"width": width, "height": 900})
    alone = context.new_page()
    alone.set_content(f'<body style="margin: 0">{"".join(widgets)}</body>')
    assert sizes(alone)
    assert sizes(alone) == sizes(page, ".cell_output")
    context.close()
