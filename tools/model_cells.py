"""Keep a chapter's model and the library's the same text: `make model-cells` rewrites the cells from the modules.

A cell tagged `model` holds the imports and the one public function of a module in nextframe/models, without its
docstring, which the prose around the cell replaces.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]


def model_cell(name: str) -> str:
    """The text of the cell that shows a model."""
    source = (ROOT / "nextframe" / "models" / f"{name}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    module = ast.parse(source)
    (function,) = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    docstring = function.body[0]
    imports = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    top = lines[imports[0].lineno - 1 : imports[-1].end_lineno]
    head = lines[function.lineno - 1 : docstring.lineno - 1]
    body = lines[docstring.end_lineno : function.end_lineno]
    return "\n".join([*top, "", "", *head, *body])


def model_cells(notebook):
    """The cells tagged `model`, each with the name of its model."""
    for cell in notebook.cells:
        if "model" in cell.metadata.get("tags", []):
            yield cell, re.search(r"^def (\w+)", cell.source, flags=re.MULTILINE)[1]


def rewrite(path: Path) -> bool:
    """Bring a notebook's model cells up to date; returns whether any changed."""
    notebook = nbformat.read(path, as_version=4)
    changed = False
    for cell, name in model_cells(notebook):
        changed |= cell.source != model_cell(name)
        cell.source = model_cell(name)
    if changed:
        unfinished = path.with_suffix(".unfinished")
        nbformat.write(notebook, unfinished)
        unfinished.replace(path)
    return changed


if __name__ == "__main__":
    for notebook_path in sys.argv[1:] or sorted((ROOT / "notebooks").glob("*.ipynb")):
        if rewrite(Path(notebook_path)):
            print(f"{notebook_path}: model rewritten; run make notebooks")
