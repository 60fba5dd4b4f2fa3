"""Where `make book` puts the book, and its pages."""

from set_repository import ROOT

HTML = ROOT / "_build" / "html"
# index.html only sends the browser on to the first page
ALL = sorted(path.relative_to(HTML).as_posix() for path in HTML.glob("*/**/*.html"))
# Those that somebody wrote
WRITTEN = [page for page in ALL if page.startswith(("book/", "notebooks/")) and page.count("/") == 1]
# One for each module of the library, made from its docstrings
MODULES = [page for page in ALL if page.startswith("book/api/")]
PAGES = WRITTEN + MODULES
