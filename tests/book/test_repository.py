"""The repository's address stands in _config.yml, and one command moves everything to another one."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from notebook_lints import opens_on_colab
from set_repository import FILES, ROOT, owner_and_name, published_book, repository, set_repository

import nextframe

OWN, BRANCH = repository()


@pytest.fixture
def copy(tmp_path):
    """All files that git knows or would, elsewhere."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def texts(folder):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(folder).parts:
            try:
                yield path.relative_to(folder), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_every_address_is_the_books_own(copy):
    """Nothing names another repository as ours: each link to Colab, and each install, is the configured one."""
    owner, name = owner_and_name(OWN)
    for path, text in texts(copy):
        for found in re.findall(r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/([\w.-]+)/", text):
            assert found == (f"{owner}/{name}", BRANCH), path
        for found in re.findall(r"git\+(https://github\.com/[\w.-]+/[\w.-]+)@", text):
            assert found == OWN, path
        for found in re.findall(r"https://[\w-]+\.github\.io/[\w.-]+", text):
            if path != Path("book/references.bib"):
                assert found == published_book(OWN), path


@pytest.mark.parametrize("end", ["", "/", ".git", ".git/"])
def test_an_address_is_taken_as_it_is_copied(end):
    assert owner_and_name(f"https://github.com/you/your.own-book{end}") == ("you", "your.own-book")


def test_only_the_books_own_repository_publishes(copy):
    owner, name = owner_and_name(OWN)
    workflows = [path.read_text(encoding="utf-8") for path in (copy / ".github/workflows").glob("*.yml")]
    named = re.findall(r"github\.repository == '(.*?)'", "\n".join(workflows))
    assert len(named) == 3
    assert set(named) == {f"{owner}/{name}"}
    publish = yaml.safe_load((copy / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]["publish"]
    assert f"github.repository == '{owner}/{name}'" in publish["if"]


def test_actions_are_pinned_by_commit(copy):
    for path in (copy / ".github/workflows").glob("*.yml"):
        for action in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), f"{path.name}: {action}"


def test_the_version_is_the_same_everywhere(copy):
    citation = yaml.safe_load((copy / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == nextframe.__version__


def test_a_wheel_holds_the_whole_library(copy):
    """Every module and every file that the library reads, also in packages that came later."""
    wheels = copy / "wheels"
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    build = [sys.executable, "-m", "pip", "wheel", *options, "-w", wheels, copy]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("nextframe-*.whl")
    assert wheel.name.startswith(f"nextframe-{nextframe.__version__}-")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("nextframe/")}
    notes = {"nextframe/results/README.md", "nextframe/models/ruff.toml"}  # for who works on the repository
    expected = {path.relative_to(copy).as_posix() for path in (copy / "nextframe").rglob("*") if path.is_file()}
    assert expected - shipped <= notes
    assert "nextframe/py.typed" in shipped


def test_one_command_moves_everything(copy):
    before = dict(texts(copy))
    changed = set_repository("https://github.com/someone/a-fork", copy)
    assert copy / "_config.yml" in changed
    assert repository(copy) == ("https://github.com/someone/a-fork", BRANCH)
    owner, name = owner_and_name(OWN)
    for path, text in texts(copy):
        assert f"{owner}/{name}" not in text, f"{path} still names {owner}/{name}; FILES is {FILES}"
        assert published_book(OWN) not in text, path
    for path in (copy / "notebooks").glob("*.ipynb"):
        assert not list(opens_on_colab(path, nbformat.read(path, as_version=4)))
    set_repository(OWN, copy)
    assert dict(texts(copy)) == before


@pytest.mark.parametrize("url", ["someone/a-fork", "https://gitlab.com/a/b", "https://github.com/alone", ""])
def test_bad_address_changes_nothing(copy, url):
    before = dict(texts(copy))
    with pytest.raises(ValueError, match=r"expected https://github\.com/OWNER/NAME"):
        set_repository(url, copy)
    assert dict(texts(copy)) == before
