"""A Sphinx extension: labels of references whose year has a letter, such as 2023a in `book/references.bib`.

Two papers of the same first author and year would else be cited alike. Labels are those of BibTeX's style "alpha",
which takes the last two characters of the year: here the letter comes after them, as in TGW+23a.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.alpha import Style
from pybtex.style.labels.alpha import LabelStyle

if TYPE_CHECKING:  # tests read labels without Sphinx
    from sphinx.application import Sphinx

NAME = "alpha-letters"  # for `bibtex_default_style` in _config.yml


class Labels(LabelStyle):
    def format_label(self, entry: Entry) -> str:
        label, year = super().format_label(entry), entry.fields.get("year", "")
        return label[:-2] + year[-3:] if year[-1:].isalpha() else label


class Letters(Style):
    default_label_style = NAME


def setup(app: Sphinx) -> dict[str, bool]:
    register_plugin("pybtex.style.labels", NAME, Labels)
    register_plugin("pybtex.style.formatting", NAME, Letters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
