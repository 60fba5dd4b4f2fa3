"""Gather the verdicts that chapters print into one file, `nextframe/results/claims.json`, for the verdict chapter.

    python tools/gather_verdicts.py

A verdict stands in a table of its chapter's stored output, and nowhere else; `run_notebooks.py` gathers after each
chapter.
"""

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
HEAD = ["claim", "verdict", "number"]  # of the tables that `nextframe.verdicts.verdict_table` sets


def verdicts(notebook: Path) -> list[dict]:
    """Read the verdicts out of one chapter's stored outputs."""
    found = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            rows = [
                [part.strip() for part in line.strip("|").split("|")]
                for line in output.get("data", {}).get("text/markdown", "").splitlines()
            ]
            if rows[:1] == [HEAD]:
                found += [_verdict(notebook.stem, *row) for row in rows[2:]]
    return found


def _verdict(chapter: str, claim: str, verdict: str, number: str) -> dict:
    index, _, words = claim.partition(" ")
    return {"claim": int(index), "words": words, "verdict": verdict, "number": number, "chapter": chapter}


def gather(notebooks: Path = ROOT / "notebooks") -> list[dict]:
    """Read the verdicts of all chapters, in the order of the claims."""
    found = [verdict for path in sorted(notebooks.glob("*.ipynb")) for verdict in verdicts(path)]
    return sorted(found, key=lambda verdict: verdict["claim"])


def store() -> Path:
    """Write the verdicts; return the file."""
    from nextframe.benchmark import results  # with Keras, which a tool that only runs kernels need not load

    return results.save("claims", {"verdicts": gather()})


if __name__ == "__main__":
    print(store())
