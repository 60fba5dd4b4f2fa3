"""The page that `nextframe forecast` writes, opened from the disk as a reader opens it."""

from nextframe.datasets.real_clips import example_path
from nextframe.video import forecast_video


def test_it_fits_the_screen_and_asks_for_nothing(tmp_path, browser):
    out = tmp_path / "out"
    forecast_video(example_path("tree"), out, size=32, minutes=0.01, horizon=3, progress=False)
    for width in (400, 1280):
        context = browser.new_context(viewport={"width": width, "height": 900})
        page = context.new_page()
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((out / "report.html").as_uri())
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        page.wait_for_function("[...document.querySelectorAll('video')].every(video => video.readyState > 0)")
        assert page.locator("table tr").count() == 1 + 7  # a head, five baselines, the network, the blend
        assert [address for address in asked if not address.startswith(("data:", "file:"))] == []
        context.close()
