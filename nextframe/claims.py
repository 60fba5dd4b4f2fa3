"""Verdicts on the claims that the book tests."""


def verdict(holds: bool, with_condition: bool) -> str:
    """Say what two tests of a claim come to, the stricter one first.

    Returns:
        "holds", "holds with a condition" or "does not hold here".

    Example:
        `verdict(growth > 10, growth > 2)`
    """
    if holds:
        return "holds"
    return "holds with a condition" if with_condition else "does not hold here"
