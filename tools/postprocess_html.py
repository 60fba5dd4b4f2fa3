"""A Sphinx extension that post-processes the theme's HTML: it edits each page once the book is built.

Each replacement must match on every page, so a new version of the theme cannot undo one in silence.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

# why: (pattern, replacement)
REPLACEMENTS = {
    "Live code by another site's kernels is not used; its settings stand twice, an error in every browser": (
        r"\s*<script>const THEBE_JS_URL.*?</script>|\s*<script [^>]*sphinx-thebe\.js[^>]*></script>",
        "",
    ),
    "Icons are a font already; as a script they weigh half a megabyte more, and replace what widgets look for": (
        r"\s*<script src=[^>]*fontawesome[^>]*all\.min\.js[^>]*></script>",
        "",
    ),
    "A screen reader finds the logo, the search and the contents by their place": (
        r'<div class="bd-sidebar-primary bd-sidebar( hide-on-wide)?">',
        r'<div class="bd-sidebar-primary bd-sidebar\1" role="complementary" aria-label="Book">',
    ),
}


# the same, on pages where the pattern occurs
OPTIONAL_REPLACEMENTS = {
    "What other sites quote of a chapter is its first sentence, not its button": (
        r'(?<=content=")Open this chapter in Colab ',
        "",
    ),
    "A screen reader says what the arrow beside a page does that has others below it": (
        r'<summary>(?=<span class="toctree-toggle")',
        '<summary aria-label="Pages below">',
    ),
    "The empty corner of a table is no heading": (r'<th class="head">(<p></p>)?</th>', "<td></td>"),
    "A list of citations has roles that are no longer in use, and children that a list may not have": (
        r' role="doc-biblioentry"|(?<=<div) role="list"(?= class="citation-list">)',
        "",
    ),
}


_DONE = "<!-- post-processed -->"  # a build writes only the pages that have changed: the others have been here before


def postprocess(text: str, name: str) -> str:
    """Return a page's text with the replacements made."""
    for why, (pattern, replacement) in REPLACEMENTS.items():
        text, count = re.subn(pattern, replacement, text, flags=re.DOTALL)
        if not count:
            raise ValueError(f"{name}: no match for {pattern}\n  {why}")
    for pattern, replacement in OPTIONAL_REPLACEMENTS.values():
        text = re.sub(pattern, replacement, text)
    return text


def postprocess_pages(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        folder = Path(app.outdir)
        # The theme's own files are no pages, nor is the redirection to the first page
        others = {folder / "index.html", *folder.glob("_static/**/*.html")}
        for path in set(folder.rglob("*.html")) - others:
            text = path.read_text(encoding="utf-8")
            if not text.endswith(_DONE):
                path.write_text(postprocess(text, path.name) + _DONE, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", postprocess_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
