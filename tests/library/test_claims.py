"""Verdicts."""

import pytest

from nextframe.claims import verdict


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
