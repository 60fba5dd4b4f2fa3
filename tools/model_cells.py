"""Keep a chapter's model and the library's the same text: `make model-cells` rewrites the cells from the modules.

Cells tagged `model` hold a module of nextframe/models, without its docstrings, which the prose around the cells
replaces: each cell the module's text from there up to the last function that the cell defines. The first one begins
with the imports; where they are long, a cell before it may hold them alone.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

from nextframe._utils.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "nextframe" / "models").glob("*.py"))


def model_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[nbformat.NotebookNode, str]]:
    """The cells tagged `model`, each with the text that it should have."""
    shown: dict[Path, int] = {}  # module → number of its top-level statements that earlier cells show
    imports = None  # the cell that holds them alone
    for cell in notebook.cells:
        if "model" not in cell.metadata.get("tags", []):
            continue
        functions = re.findall(r"^def (\w+)", cell.source, flags=re.MULTILINE)
        if not functions:
            imports = cell
            continue
        path, end = _where(functions[-1])
        if imports is not None:
            shown[path] = _end_of_imports(path)
            yield imports, _text(path, 0, shown[path])
            imports = None
        yield cell, _text(path, shown.get(path, 0), end)
        shown[path] = end


def _where(function: str) -> tuple[Path, int]:
    """The module that defines a function, and how many top-level statements there are up to its end."""
    for path in MODULES:
        for number, node in enumerate(ast.parse(path.read_text(encoding="utf-8")).body, start=1):
            if isinstance(node, ast.FunctionDef) and node.name == function:
                return path, number
    raise ValueError(f"a cell is tagged `model` and defines {function}, which no module in nextframe/models does")


def _end_of_imports(path: Path) -> int:
    """How many top-level statements there are in a module up to its last import."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return max(number for number, node in enumerate(body, start=1) if isinstance(node, ast.Import | ast.ImportFrom))


def _text(path: Path, start: int, end: int) -> str:
    """A module's statements from one number up to another, without docstrings, spaced as in the module."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    body = ast.parse(source).body
    kept = []
    line = body[start - 1].end_lineno if start else body[0].end_lineno  # of the module: its docstring comes first
    for node in body[start or 1 : end]:
        docstring = node.body[0] if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) else None
        if docstring:
            kept += [*lines[line : docstring.lineno - 1], *lines[docstring.end_lineno : node.end_lineno]]
        else:
            kept += lines[line : node.end_lineno]
        line = node.end_lineno
    return "\n".join(kept).strip("\n")


def rewrite(path: Path) -> bool:
    """Bring a notebook's model cells up to date; returns whether any changed."""
    notebook = nbformat.read(path, as_version=4)
    changed = False
    for cell, text in model_cells(notebook):
        changed |= cell.source != text
        cell.source = text
    if changed:
        write_atomically(path, f"{nbformat.writes(notebook)}\n".encode())
    return changed


if __name__ == "__main__":
    for notebook_path in sys.argv[1:] or sorted(map(str, (ROOT / "notebooks").glob("*.ipynb"))):
        if rewrite(Path(notebook_path)):
            print(f"{notebook_path}: model rewritten; run make notebooks")
