"""Point every address in the book at another repository: `make repository URL=https://github.com/you/yours`.

The address stands in _config.yml. Its other mentions (Colab links, set-up cells, badges, the published book) must
follow from it; tests compare them with the functions below.
"""

import re
import sys
from pathlib import Path

import yaml

from nextframe._utils.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]
# Where addresses may stand
FILES = ["*.yml", "*.md", "*.cff", "*.toml", ".github/workflows/*.yml", "book/*.md", "notebooks/*.ipynb"]
COLAB = "https://colab.research.google.com/github"


def repository(root: Path = ROOT) -> tuple[str, str]:
    """The repository's address and branch, from _config.yml."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    return settings["url"], settings["branch"]


def owner_and_name(url: str) -> tuple[str, str]:
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", url)
    if not found:
        raise ValueError(f"{url!r} is not a repository's address: expected https://github.com/OWNER/NAME")
    return found[1], found[2]


def colab_address(notebook: str, root: Path = ROOT) -> str:
    """Where Colab opens a notebook, such as "notebooks/01_windowing.ipynb"."""
    url, branch = repository(root)
    return f"{COLAB}/{'/'.join(owner_and_name(url))}/blob/{branch}/{notebook}"


def set_up_cell(root: Path = ROOT) -> str:
    """The first code cell of every chapter."""
    url, branch = repository(root)
    return (
        "import sys\n\n"
        'if "google.colab" in sys.modules:  # only the book\'s library is missing there\n'
        f"    %pip install --quiet git+{url}@{branch}"
    )


def published_book(url: str) -> str:
    """Where GitHub Pages serves the book."""
    owner, name = owner_and_name(url)
    return f"https://{owner}.github.io/{name}"


def set_repository(url: str, root: Path = ROOT) -> list[Path]:
    """Rewrite every address below `root`; returns the files that changed."""
    old, _ = repository(root)
    new = "https://github.com/" + "/".join(owner_and_name(url))
    addresses = [
        (published_book(old), published_book(new)),
        (old, new),
        (f"{COLAB}/{'/'.join(owner_and_name(old))}/", f"{COLAB}/{'/'.join(owner_and_name(new))}/"),
        tuple(f"github.repository == '{'/'.join(owner_and_name(address))}'" for address in (old, new)),
    ]
    changed = []
    for path in sorted(path for pattern in FILES for path in root.glob(pattern)):
        text = before = path.read_text(encoding="utf-8")
        for old_address, new_address in addresses:
            text = text.replace(old_address, new_address)
        if text != before:
            write_atomically(path, text.encode())
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        (address,) = sys.argv[1:]
        print(*(path.relative_to(ROOT) for path in set_repository(address)), sep="\n")
    except ValueError as error:
        sys.exit(f"{error}\nusage: make repository URL=https://github.com/OWNER/NAME")
