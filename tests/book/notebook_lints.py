"""What a stored chapter must be. Each lint reads one notebook and returns what is wrong with it, in words."""

import re
import statistics
from pathlib import Path

from set_repository import colab_address, set_up_cell

LARGEST = 1_000_000  # bytes of a notebook with its outputs
LONGEST_CELL = 25  # lines
MEDIAN_CELL = 6  # lines
LEAST_COMPARED = 0.7  # share of the cells with output that nbval compares


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [(number, cell, output) for number, cell in enumerate(code_cells(notebook), 1) for output in cell.outputs]


def text_of(output):
    """All text of an output; pictures and videos left out."""
    parts = [output.get("text", ""), *output.get("data", {}).values()]
    text = "\n".join("".join(part) for part in parts if isinstance(part, (str, list)))
    return re.sub(r"base64,[\w+/=]+|^[\w+/=\n]{200,}$", "", text)


def ran_in_order(path, notebook):
    """Written by `make notebooks`: every cell ran once, from a fresh kernel, in order."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"cells ran in the order {counts}: run make notebooks"


def no_error(path, notebook):
    for number, _, output in outputs(notebook):
        if output.output_type == "error":
            yield f"cell {number} stores an error: {output.ename}: {output.evalue}"


def no_stderr(path, notebook):
    for number, _, output in outputs(notebook):
        if output.get("name") == "stderr":
            yield f"cell {number} stores stderr: {output.text[:80]!r}"


def no_path_of_a_machine(path, notebook):
    where = r"(?<![\w.:/])(?:/(?:home|root|tmp|work|Users|usr|opt|content|var)/|[A-Z]:\\)\S*"
    for number, _, output in outputs(notebook):
        if found := re.search(where, text_of(output)):
            yield f"cell {number} prints the path {found[0]!r}"
    for cell in notebook.cells:
        if found := re.search(where, cell.source):
            yield f"cell {cell.id} names the path {found[0]!r}"


def no_address_in_memory(path, notebook):
    for number, _, output in outputs(notebook):
        if found := re.search(r"\b0x[0-9a-f]{6,}\b", text_of(output)):
            yield f"cell {number} prints {found[0]}, another one in every run"


def is_seeded(path, notebook):
    unseeded = (
        r"default_rng\(\s*\)",
        r"np\.random\.(?!default_rng|Generator|SeedSequence)\w+",
        r"\brandom\.(?:random|randint|choice|shuffle|sample|uniform)\(",
        r"shuffle=True(?![^)]*seed=)",
        r"(?:keras|tf)\.random\.(?!Seed|set_seed)\w+\((?![^)]*seed=)",
    )
    for number, cell in enumerate(code_cells(notebook), 1):
        for pattern in unseeded:
            if found := re.search(pattern, cell.source):
                yield f"cell {number} draws random numbers without a seed: {found[0]}"


def is_small(path, notebook):
    size = Path(path).stat().st_size
    if size > LARGEST:
        yield f"{size:,} bytes; at most {LARGEST:,}: show fewer or smaller pictures"


def cells_are_short(path, notebook):
    for number, cell in enumerate(code_cells(notebook), 1):
        lines = len(cell.source.splitlines())
        if lines > LONGEST_CELL:
            yield f"cell {number} has {lines} lines; at most {LONGEST_CELL}: split it"


def most_cells_are_short(path, notebook):
    shown = [cell for cell in code_cells(notebook) if "hide-input" not in cell.metadata.get("tags", [])]
    median = statistics.median(len(cell.source.splitlines()) for cell in shown)
    if median > MEDIAN_CELL:
        yield f"half of the cells have more than {median:g} lines; at most {MEDIAN_CELL}: one idea a cell"


def sizes_stand_at_the_top(path, notebook):
    """How much is computed on a CPU, on a GPU and in CI is no part of a lesson."""
    taught = False
    sized = []
    for cell in notebook.cells:
        taught |= cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.MULTILINE) is not None
        if cell.cell_type == "code" and "profiles.pick(" in cell.source:
            sized.append(cell.id)
            if taught:
                yield f"cell {cell.id} picks sizes in the middle of a lesson: do it above the first section"
    if len(sized) > 1:
        yield f"cells {', '.join(sized)} pick sizes: do it in one"


def models_are_drawn(path, notebook):
    shown = [
        cell for cell in code_cells(notebook) if "model" in cell.metadata.get("tags", []) and "def " in cell.source
    ]
    drawn = any(re.search(r"\bdrawing\.(network|unrolled)\(", cell.source) for cell in code_cells(notebook))
    if shown and not drawn:
        yield "it shows the code of a model, and no drawing of it: nextframe.drawing.network"


def pictures_are_described(path, notebook):
    for number, cell, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" in data and len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")) < 40:
            yield f"cell {number} draws a figure: tell what it shows, in the cell's metadata mystnb.image.alt"
        for video in re.findall(r"<video[^>]*>", "".join(data.get("text/html", ""))):
            if not re.search(r'aria-label="[^"]{20,}"', video):
                yield f"cell {number} plays a video that is not described: player(…, describe=…)"


def nbval_can_compare(path, notebook):
    """Ways of printing that nbval does not reproduce; see its documentation on unhandled messages."""
    for number, cell in enumerate(code_cells(notebook), 1):
        for pattern in (r";\s*$", r"clear_output", r"tqdm\.notebook", r"\binteract\(", r"%time\b"):
            if found := re.search(pattern, cell.source):
                yield f"cell {number} uses {found[0]!r}, whose output nbval cannot compare"
        for output in cell.outputs:
            if "image/svg+xml" in output.get("data", {}):
                yield f"cell {number} draws an SVG, whose text changes in every run"


def most_outputs_are_compared(path, notebook):
    with_output = [cell for cell in code_cells(notebook) if cell.outputs]
    ignored = [
        cell for cell in with_output if {"nbval-ignore-output", "nbval-skip"} & set(cell.metadata.get("tags", []))
    ]
    marked = [cell for cell in code_cells(notebook) if re.search(r"#\s*NBVAL|#\s*PYTEST_VALIDATE", cell.source)]
    if marked:
        yield "cells are marked with comments, which readers see: use tags"
    compared = 1 - len(ignored) / max(1, len(with_output))
    if compared < LEAST_COMPARED:
        yield f"nbval compares {compared:.0%} of the cells with output; at least {LEAST_COMPARED:.0%}: untag some"


def opens_on_colab(path, notebook):
    """Its link opens this very notebook, and its set-up cell installs from the book's own repository."""
    root = Path(path).resolve().parents[1]
    expected = colab_address(f"notebooks/{Path(path).name}", root)
    links = re.findall(r"https://colab\.research\.google\.com/[^\s)\"]*", "\n".join(c.source for c in notebook.cells))
    if links != [expected]:
        yield f"links to Colab are {links}; expected one, {expected}: run make repository"
    if notebook.metadata.get("colab", {}).get("name") != Path(path).name:
        yield f"metadata colab.name is not {Path(path).name}"
    if not code_cells(notebook) or code_cells(notebook)[0].source != set_up_cell(root):
        yield f"the first code cell is not the set-up cell:\n{set_up_cell(root)}"
    for number, cell in enumerate(code_cells(notebook)[1:], 2):
        if re.search(r"[%!]\s*pip\b", cell.source):
            yield f"cell {number} installs something: only the set-up cell may"


def asks_for_a_gpu_if_it_trains(path, notebook):
    trains = any(re.search(r"\.fit\(", cell.source) for cell in code_cells(notebook))
    if trains and notebook.metadata.get("accelerator") != "GPU":
        yield 'it trains, and its metadata does not ask Colab for a GPU: "accelerator": "GPU"'


def is_shaped_like_a_chapter(path, notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    titles = re.findall(r"^# .+$", text, flags=re.MULTILINE)
    if len(titles) != 1 or not notebook.cells[0].source.startswith("# "):
        yield f"titles are {titles}; expected one, at the top"
    for needed in ("After this chapter you can", "Time:", "## Summary", "## Exercises", "## What to read next"):
        if needed not in text:
            yield f"there is no {needed!r}"


def exercises_answer_back(path, notebook):
    """Each is a question with its number and kind, a cell that ends in its check, and a folded solution with code."""
    cells, chapter = notebook.cells, int(Path(path).name[:2])
    exercises = [n for n, cell in enumerate(cells) if re.match(r"\*\*\d+\. (Predict|Mend|Build)\.\*\*", cell.source)]
    checks = [n for n, cell in enumerate(cells) if cell.cell_type == "code" and 'check("' in cell.source]
    if len(exercises) < 3:
        yield f"exercises that begin with their number and kind are {len(exercises)}; expected three or more"
    for stray in set(checks) - {question + 1 for question in exercises}:
        yield f"cell {cells[stray].id} checks an answer, and no question stands before it"
    for number, at in enumerate(exercises, 1):
        question, *following = cells[at : at + 3]
        if not question.source.startswith(f"**{number}. "):
            yield f"cell {question.id} is exercise {number} in the chapter's order, and has another number"
        last = following[0].source.splitlines()[-1:] if following and following[0].cell_type == "code" else []
        if not re.fullmatch(rf'check\("{chapter}\.{number}", \w+\)', "".join(last)):
            yield f'exercise {number}: its next cell does not end in check("{chapter}.{number}", …)'
        folded = r"<details><summary>Solution</summary>.*```python\n.+```.*</details>"
        if len(following) < 2 or not re.search(folded, following[1].source, flags=re.DOTALL):
            yield f"exercise {number}: no folded solution with a block of Python follows its cell"


LINTS = [
    ran_in_order,
    no_error,
    no_stderr,
    no_path_of_a_machine,
    no_address_in_memory,
    is_seeded,
    is_small,
    cells_are_short,
    most_cells_are_short,
    sizes_stand_at_the_top,
    models_are_drawn,
    pictures_are_described,
    nbval_can_compare,
    most_outputs_are_compared,
    opens_on_colab,
    asks_for_a_gpu_if_it_trains,
    is_shaped_like_a_chapter,
    exercises_answer_back,
]
