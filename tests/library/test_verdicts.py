"""Verdicts."""

import pytest

from nextframe.verdicts import verdict, verdict_table


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ((True, True), "holds"),
        ((True, False), "holds"),
        ((False, True), "holds with a condition"),
        ((False, False), "does not hold here"),
    ],
)
def test_verdict(tests, said):
    assert verdict(*tests) == said


def test_verdicts_in_a_table():
    lines = verdict_table({"1 it grows": ("holds", "× 53")}).data.splitlines()
    assert lines[0] == "| claim | verdict | number |"
    assert lines[2] == "| 1 it grows | holds | × 53 |"
