"""No two references are cited alike."""

from collections import Counter

import citation_letters
from pybtex.database import parse_file
from set_repository import ROOT

REFERENCES = parse_file(ROOT / "book" / "references.bib").entries


def cited_as(entry):
    """What the text says: the first author, whether there are others, and the year."""
    first, *others = entry.persons["author"]
    return " ".join(first.last_names), len(others) > 1, entry.fields["year"]


def labels(entries):
    return list(citation_letters.Labels().format_labels(entries))


def test_no_two_references_are_cited_alike():
    same = [name for name, count in Counter(map(cited_as, REFERENCES.values())).items() if count > 1]
    assert not same, f"{same}: add a letter to their years"


def test_letters_go_on_from_a():
    years = [entry.fields["year"] for entry in REFERENCES.values()]
    assert all(year[:4].isdigit() and year[4:] in ("", "a", "b", "c") for year in years)
    for first, others, year in map(cited_as, REFERENCES.values()):
        if year[4:] > "a":
            before = year[:4] + chr(ord(year[4]) - 1)
            assert (first, others, before) in list(map(cited_as, REFERENCES.values()))


def test_a_label_ends_in_the_year_and_its_letter():
    found = dict(zip(REFERENCES, labels(REFERENCES.values()), strict=True))
    assert found["tan2023"] == "TGW+23a"
    assert found["tan2023openstl"] == "TLG+23b"
    assert found["shi2015"].endswith("15")
    assert len(set(found.values())) == len(found)
