"""The built book in a real browser: Chromium or Chrome, on the pages that `make book` wrote."""

import functools
import http.server
import os
import shutil
import threading

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from built_book import HTML
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    """The address of the book, served from this machine."""
    handler = functools.partial(_Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"none of {', '.join(BROWSERS)} is on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)  # what CI proves must not depend on what it has
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # a page from another site would be refused by the book's own policy; here there is no other site at all
        offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        camera = "--use-fake-device-for-media-stream"  # a picture that moves; a page must still be allowed to see it
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", offline, camera])
        yield chromium
        chromium.close()


# Of axe-core's rules, those that colours break: the slowest to try, so they look at what is marked below alone
OF_COLOUR = ["color-contrast", "link-in-text-block"]
ONLY_MARKED = """;axe.configure({rules: [
    {id: "color-contrast", selector: "[data-one-of-a-kind]"},
    {id: "link-in-text-block", selector: "a[href][data-one-of-a-kind]"},
]})"""

# Marks three elements with a text of each kind. Whoever can read those can read all: the others have the same colours,
# size and surroundings. axe-core looks at elements one by one, and a chapter has thousands; so a kind of which three
# were readable on an earlier page is left out.
MARK_A_FEW = """readable => {
    const seen = {...readable};  // a kind is a list, and its text the key
    const behind = element => {
        const {backgroundColor, backgroundImage} = getComputedStyle(element);
        const isClear = backgroundColor === "rgba(0, 0, 0, 0)" && backgroundImage === "none";
        return isClear && element.parentElement ? behind(element.parentElement) : backgroundColor + backgroundImage;
    };
    const opacity = element => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
    for (const element of document.body.querySelectorAll("*")) {
        const hasText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!(hasText || element.matches("input, select, textarea")) || !element.checkVisibility()) continue;
        const {color, fontSize, fontWeight, textShadow, textDecorationLine} = getComputedStyle(element);
        const kind = [element.tagName, color, fontSize, fontWeight, textShadow, textDecorationLine, behind(element),
            opacity(element), getComputedStyle(element.parentElement).color, element.closest("a") !== null];
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (seen[kind] <= 3) element.setAttribute("data-one-of-a-kind", "");
    }
    return seen;
}"""

# Half of a chapter's elements are the words of its code, of which nothing but the colour can be wrong: one text is left
# of what has no mark
JOIN_WORDS_OF_CODE = """() => document.querySelectorAll("pre").forEach(code => {
    const words = [...code.querySelectorAll("*")];
    if (words.every(word => word.matches("span:not([data-one-of-a-kind], [role], [tabindex])")))
        code.replaceChildren(code.textContent);
})"""


@pytest.fixture(scope="session")
def readable():
    """How many elements with a text of each kind were readable on earlier pages, in each theme."""
    return {"light": {}, "dark": {}}


@pytest.fixture
def accessibility_violations(readable):
    """A function that lists the violations that axe-core finds on a page, which is of no further use after it.

    Colours are tried in the light theme and in the dark one, all else in one of them.
    """

    def accessibility_violations(page, colours=True):
        seen = {}
        for theme in readable if colours else ():
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"html[data-theme={theme}]")
            seen[theme] = page.evaluate(MARK_A_FEW, readable[theme])
        page.evaluate(JOIN_WORDS_OF_CODE)
        axe = Axe(AXE_SCRIPT + ONLY_MARKED)
        found = []
        for theme, rules in {"light": {}, "dark": {"runOnly": OF_COLOUR}}.items():
            if theme == "dark" and not page.locator("[data-one-of-a-kind]").count():
                continue
            page.emulate_media(color_scheme=theme)
            page.wait_for_selector(f"html[data-theme={theme}]")
            violations = axe.run(page, None, {"resultTypes": ["violations"], **rules}).response["violations"]
            found += [(theme, v["id"], v["help"], [n["html"][:200] for n in v["nodes"][:3]]) for v in violations]
        if not found:
            readable.update(seen)
        return found

    return accessibility_violations


@pytest.fixture
def open_page(browser, site):
    """A function that opens a page of the book, and collects errors and failed requests in `page.problems`.

    What the page loads before anybody touches it lies in `page.answers`.
    """
    contexts = []

    def open_page(address, width=1280, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems, page.answers = [], []
        page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url[:200]}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((site, "data:", "blob:"))
                or page.problems.append(f"foreign: {request.url[:200]}")
            ),
        )
        page.on("response", lambda response: page.answers.append(response))
        page.goto(f"{site}/{address}", wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
