"""Where `make book` puts the book, and its pages."""

from set_repository import ROOT

HTML = ROOT / "_build" / "html"
# index.html only sends the browser on to the first page
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.glob("*/*.html") if path.parts[-2] != "_static")
# Those that somebody wrote; the others list the library's code
WRITTEN = [page for page in PAGES if page.startswith(("book/", "notebooks/"))]
