"""The verdicts that are gathered are those that the chapters print."""

import gather_verdicts
import nbformat

from nextframe.benchmark import results
from nextframe.verdicts import verdict_table


def test_the_gathered_verdicts_are_the_chapters():
    gathered = results.load("claims")["verdicts"]
    assert gathered == gather_verdicts.gather(), "run tools/gather_verdicts.py"
    assert {verdict["claim"] for verdict in gathered} == set(range(1, 17))
    assert {verdict["verdict"] for verdict in gathered} <= {
        "holds",
        "holds with a condition",
        "does not hold here",
    }


def test_a_verdict_is_read_from_the_table_that_a_chapter_prints(tmp_path):
    table = verdict_table({"13 ConvLSTM wins": ("holds", "0.66; 0.42")}).data
    other = "| model | skill |\n|---|---:|\n| black | 0.1 |"
    outputs = [
        nbformat.v4.new_output("display_data", {"text/markdown": text, "text/plain": ""}) for text in (other, table)
    ]
    cells = [nbformat.v4.new_markdown_cell("text"), nbformat.v4.new_code_cell("x", outputs=outputs)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "07_x.ipynb")
    assert gather_verdicts.gather(tmp_path) == [
        {"claim": 13, "words": "ConvLSTM wins", "verdict": "holds", "number": "0.66; 0.42", "chapter": "07_x"}
    ]
