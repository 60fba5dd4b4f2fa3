"""What holds on every page: nothing is asked of another site, nothing breaks, and everybody can read it."""

import functools
import gzip

import pytest
from built_book import HTML, MODULES, WRITTEN

WIDTHS = {"desktop": 1280, "phone": 400}
LARGEST = 1_500_000  # bytes that a page may load before anybody touches it, compressed

# Layout shifts since the page began to load, those that follow an input left out
SHIFTS = """() => new Promise(resolve => new PerformanceObserver(list => resolve(
    list.getEntries().filter(e => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0)
)).observe({type: 'layout-shift', buffered: true}) || setTimeout(() => resolve(0), 500))"""


# One template makes the pages of modules: three of them, long or with equations, are looked at as closely
CLOSELY = [*WRITTEN, *(f"book/api/nextframe.{module}.html" for module in ("layers", "diagnostics", "metrics"))]


SURROUNDINGS = ("book/intro.html", "notebooks/09_verdict.html", "book/api/nextframe.layers.html")  # of each template


@functools.cache  # the theme's files are on every page
def compressed(file):
    return len(gzip.compress(file, compresslevel=6))


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("page_name", CLOSELY)
def test_everybody_can_read_it(page_name, width, open_page, accessibility_violations):
    """It asks no other site, loads little, stays in place, fits the screen, and has no barriers."""
    page = open_page(page_name, width=width, reduced_motion="reduce")  # colours change at once
    assert page.problems == []  # nothing broke, and no other site was asked
    sizes = {answer.url: compressed(answer.body()) for answer in page.answers}
    assert sum(sizes.values()) <= LARGEST, sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert page.evaluate(SHIFTS) <= 0.1
    assert page.title()
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # nobody need scroll sideways
    figures = page.locator("div.cell_output > img").all()
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in (f.bounding_box() for f in figures))
    # an article has the same colours on a narrow screen, and what surrounds it has the same on each page
    new_colours = width == WIDTHS["desktop"] or page_name in SURROUNDINGS
    assert accessibility_violations(page, colours=new_colours) == []


def test_every_page_of_a_module_fits_a_phone(open_page, site):
    page = open_page("book/api.html", width=WIDTHS["phone"])
    for name in MODULES:
        page.goto(f"{site}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"], name


def test_a_book_opened_from_disk_still_reads_well(browser):
    """Its styles are there: the contents stand beside the text."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto((HTML / "notebooks" / "09_verdict.html").as_uri())
    contents, text = (page.locator(part).bounding_box() for part in (".bd-sidebar-primary", "article"))
    assert contents["x"] + contents["width"] <= text["x"]
    assert page.evaluate("document.querySelector('article img').naturalWidth") > 0
    context.close()


def test_on_paper_everything_is_there_but_what_can_be_pressed(open_page):
    page = open_page("notebooks/05_conv3d.html")
    page.emulate_media(media="print")
    assert page.locator(".cell_output .frame").first.evaluate("f => getComputedStyle(f).printColorAdjust") == "exact"
    assert page.get_by_text("ten layers see 21").evaluate("solution => solution.checkVisibility()")
    assert not page.locator(".cell_output input[type=range]").first.is_visible()
    assert not page.locator(".bd-sidebar-primary").is_visible()
