"""The page that `nextframe forecast` writes, opened from the disk as a reader opens it."""

import pytest

from nextframe.datasets.real_clips import example_path
from nextframe.video import forecast_video


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "out"
    forecast_video(example_path("tree"), out, size=32, minutes=0.01, horizon=3, progress=False)
    return out / "report.html"


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_the_screen_and_asks_for_nothing(report, width, browser):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    asked = []
    page.on("request", lambda request: request.url.startswith(("data:", "file:")) or asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.wait_for_function("[...document.querySelectorAll('video')].every(video => video.readyState > 0)")
    assert page.locator("table tr").count() == 1 + 7  # a head, five baselines, the network, the blend
    assert asked == []
    context.close()
