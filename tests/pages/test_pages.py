"""The built book, as a reader's browser gets it. Needs `make book` first; `make test` builds it strictly."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest
import yaml
from bs4 import BeautifulSoup
from built_book import HTML, MODULES, PAGES, WRITTEN
from PIL import Image
from set_repository import ROOT, colab_address, published_book, repository

CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def soups():
    return {page: BeautifulSoup((HTML / page).read_text(encoding="utf-8"), "html.parser") for page in PAGES}


def article(soup):
    return soup.find("article") or soup


def test_the_address_of_the_book_leads_to_its_first_page():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    assert f"url={contents['root']}.html" in (HTML / "index.html").read_text()


def test_every_page_of_the_contents_is_built():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]
    assert {f"{file}.html" for file in files} <= set(PAGES)
    assert {f"notebooks/{name}" for name in CHAPTERS} <= set(files)


def test_no_page_was_left_as_the_theme_wrote_it():
    """Nor the index and the source code, which the library's pages link to."""
    others = {HTML / "index.html", *HTML.glob("_static/**/*.html")}
    pages = set(HTML.rglob("*.html")) - others
    assert {HTML / page for page in PAGES} < pages
    assert [path for path in pages if "THEBE_JS_URL" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("page", PAGES)
def test_pictures_are_described(page, soups):
    for image in article(soups[page]).find_all("img"):
        alt = image.get("alt", "")
        assert alt, image
        assert not alt.startswith(("../", "_images")), f"{page}: the alt text of {image['src']} is its file's name"
    for video in article(soups[page]).find_all("video"):
        assert video.get("aria-label"), page


@pytest.mark.parametrize("page", PAGES)
def test_no_link_inside_the_book_is_broken(page, soups):
    for link in soups[page].find_all(["a", "link", "img", "script"]):
        address = link.get("href") or link.get("src") or ""
        if not address or urlparse(address).scheme or address.startswith(("//", "data:")):
            continue
        target, anchor = urldefrag(address)
        path = (HTML / page).parent / unquote(target.split("?")[0]) if target else HTML / page
        path = path.resolve()
        assert path.exists(), f"{page} links to {address}"
        name = path.relative_to(HTML).as_posix()
        if anchor and name in soups:
            assert soups[name].find(id=unquote(anchor)), f"{page} links to {address}: no such place"


@pytest.mark.parametrize("page", PAGES)
def test_no_reference_is_unresolved(page, soups):
    soup = article(soups[page])
    assert not soup.find_all(class_="problematic")
    assert not soup.find_all(class_="system-message")
    for code in soup.find_all("pre"):
        code.decompose()
    text = soup.get_text()
    for raw in (r"\{(?:cite|term|ref|doc|numref|eval-rst)", r"\[\?\]", r"^\|[-:| ]+\|$", r"\]\(#"):
        assert not re.search(raw, text, flags=re.MULTILINE), f"{page} shows markup: {raw}"


@pytest.mark.parametrize("page", PAGES)
def test_page_has_a_title_and_a_language(page, soups):
    assert soups[page].html["lang"] == "en"
    assert soups[page].title.get_text().strip()
    assert len(article(soups[page]).find_all("h1")) <= 1


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_can_be_run_downloaded_and_corrected(chapter, soups):
    soup, path = soups[f"notebooks/{chapter}.html"], f"notebooks/{chapter}.ipynb"
    assert colab_address(path) in {link.get("href") for link in article(soup).find_all("a")}
    assert colab_address(path) in {link.get("href") for link in soup.select(".dropdown-launch-buttons a")}
    links = [link.get("href") for link in soup.select(".article-header-buttons a")]
    assert f"../_sources/{path}" in links
    assert any("/edit/" in link and link.endswith(path) for link in links)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_shows_its_outputs(chapter, soups):
    soup = soups[f"notebooks/{chapter}.html"]
    assert len(soup.select(".cell_output")) > 10
    assert soup.select(".cell_output video, .cell_output img")
    assert not soup.select(".cell_output .stderr")


def test_tables_in_outputs_are_tables(soups):
    soup = soups["notebooks/02_baselines_and_metrics.html"]
    assert len(soup.select(".cell_output table")) >= 5


def public_modules():
    """The package and all modules in it that have no underscore."""
    import nextframe

    names = [found.name for found in pkgutil.walk_packages(nextframe.__path__, "nextframe.")]
    return [importlib.import_module(name) for name in names if not re.search(r"\._", name)]


@pytest.fixture(scope="module")
def documented(soups):
    """What has a place on the library's pages: modules, functions, classes and their members."""
    return {tag["id"] for page in MODULES for tag in article(soups[page]).find_all(id=True)}


def test_every_public_name_is_in_the_library(documented):
    """Under its module, or under the package that offers it (`nextframe.diagnostics.leaks`)."""
    missing = []
    for module in public_modules():
        for name, value in vars(module).items():
            if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__:
                package = module.__name__.rpartition(".")[0]
                if not {f"{module.__name__}.{name}", f"{package}.{name}"} & documented:
                    missing.append(f"{module.__name__}.{name}")
    assert missing == []


def test_every_page_of_a_module_is_named_after_it_and_listed_with_what_it_does(soups):
    listed = {row.a.get_text(): row.find_all("td")[1].get_text() for row in soups["book/api.html"].select("article tr")}
    names = [page.removeprefix("book/api/").removesuffix(".html") for page in MODULES]
    assert sorted(listed) == sorted(names)
    assert all(listed.values())
    for page, name in zip(MODULES, names, strict=True):
        assert soups[page].select_one("article h1").get_text(strip=True).rstrip("#") == name
        assert not soups[page].find_all("blockquote")  # where an equation would run into one line


def test_no_internal_module_is_in_the_library(documented):
    assert not [name for name in documented if re.match(r"nextframe\..*\b_", name)]


def test_every_glossary_word_is_a_place_to_link_to(soups):
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^(?![`#\s])(.+)$", text, flags=re.MULTILINE)
    places = {tag["id"] for tag in soups["book/glossary.html"].select("dt[id]")}
    assert len(words) > 15
    for word in words:
        assert f"term-{word.replace(' ', '-')}" in places


def test_other_sites_can_show_a_card(soups):
    address = f"{published_book(repository()[0])}/"
    for page in WRITTEN:
        said = {tag["property"]: tag["content"] for tag in soups[page].find_all("meta", property=True)}
        assert said["og:url"] == address + page
        assert all(said[f"og:{what}"] for what in ("title", "description", "image:alt")), page
        assert not said["og:description"].startswith("Open this chapter")
        assert said["og:image"] == f"{address}card.png"
    with Image.open(HTML / "card.png") as card:
        assert card.size == (1200, 630)


@pytest.mark.parametrize("again", [False, True], ids=["first build", "built again"])
def test_a_broken_reference_fails_the_build(tmp_path, again):
    """With the flags of the Makefile, and also when nothing has changed since the last build."""
    flags = re.search(r"^STRICT_BUILD := .* build \. (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[1]
    (tmp_path / "_config.yml").write_text("title: Test\nonly_build_toc_files: true\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    (tmp_path / "intro.md").write_text("# Intro\n\n[nowhere](#nowhere)\n")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    for _ in range(1 + again):
        done = subprocess.run([jupyter_book, "build", tmp_path, *flags.split()], capture_output=True, text=True)
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr
