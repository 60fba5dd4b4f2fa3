"""Verdicts on the claims that the book tests."""

from collections.abc import Mapping

from IPython.display import Markdown

from nextframe.plotting import table


def verdict(holds: bool, with_condition: bool) -> str:
    """Combine two tests of a claim, the stricter one first, into a verdict.

    Returns:
        "holds", "holds with a condition" or "does not hold here".

    Example:
        `verdict(growth > 10, growth > 2)`
    """
    if holds:
        return "holds"
    return "holds with a condition" if with_condition else "does not hold here"


def verdict_table(verdicts: Mapping[str, tuple[str, str]]) -> Markdown:
    """Set verdicts in a table.

    Args:
        verdicts: Claim → its verdict, and the number that it rests on.
    """
    rows = {claim: {"verdict": said, "number": number} for claim, (said, number) in verdicts.items()}
    return table(rows, corner="claim")
