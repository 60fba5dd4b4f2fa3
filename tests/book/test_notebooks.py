"""Every chapter passes every lint; and each lint catches a notebook that was broken on purpose."""

import re
from pathlib import Path

import nbformat
import pytest
from model_cells import model_cells, rewrite
from nbformat.v4 import new_output
from notebook_lints import LARGEST, LINTS, code_cells, most_outputs_are_compared, no_address_in_memory

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def problems(lint, path, notebook):
    return list(lint(path, notebook))


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter(path, lint):
    notebook = nbformat.read(path, as_version=4)
    assert not problems(lint, path, notebook)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_notebook_is_valid(path):
    nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_model_on_the_page_is_the_model_in_the_library(path):
    for cell, text in model_cells(nbformat.read(path, as_version=4)):
        assert cell.source == text, "run make model-cells"


def test_model_cells_are_rewritten(tmp_path):
    copy = tmp_path / "03_dense_lstm.ipynb"
    notebook = nbformat.read(ROOT / "notebooks" / copy.name, as_version=4)
    ((cell, text),) = model_cells(notebook)
    assert cell.source == text
    cell.source = cell.source.replace("units: int = 256", "units: int = 7")
    nbformat.write(notebook, copy)
    assert rewrite(copy)
    assert not rewrite(copy)
    ((cell, _),) = model_cells(nbformat.read(copy, as_version=4))
    assert cell.source == text


def test_a_module_shown_in_several_cells():
    """Imports in the first, no docstrings, everything once; and a function that no module has is named."""

    def tagged(source):
        return nbformat.v4.new_code_cell(source, metadata={"tags": ["model"]})

    notebook = nbformat.v4.new_notebook(cells=[tagged("def last_slice"), tagged("def time_to_channels\ndef conv3d")])
    (_, first), (_, second) = model_cells(notebook)
    assert first.startswith("import keras\n")
    assert "def last_slice(" in first
    assert "def valid_kernel(" not in first
    assert second.startswith("def valid_kernel(")
    assert "TEMPORAL_POOLINGS = {" in second
    assert '"""' not in first + second
    apart = nbformat.v4.new_notebook(cells=[tagged("import keras"), tagged("def last_slice")])
    (_, imports), (_, function) = model_cells(apart)
    assert f"{imports}\n\n\n{function}" == first
    with pytest.raises(ValueError, match="defines nothing, which no module"):
        list(model_cells(nbformat.v4.new_notebook(cells=[tagged("def nothing(")])))


def test_most_cells_of_the_book_are_compared():
    """Over the whole book, and not only in each chapter."""
    book = nbformat.v4.new_notebook(cells=[c for path in CHAPTERS for c in nbformat.read(path, as_version=4).cells])
    assert not problems(most_outputs_are_compared, ROOT, book)


# ---- each lint, and ways to break a notebook that it must catch ----


def first_with(notebook, kind):
    """The first cell that stores an output of this MIME type."""
    return next(cell for cell in code_cells(notebook) if any(kind in output.get("data", {}) for output in cell.outputs))


def print_text(text, name="stdout"):
    def broken(notebook):
        code_cells(notebook)[3].outputs.append(new_output("stream", name=name, text=text))

    return broken


def write_code(source):
    def broken(notebook):
        code_cells(notebook)[3].source = source

    return broken


def reorder(notebook):
    code_cells(notebook)[2].execution_count = 9


def never_ran(notebook):
    code_cells(notebook)[-1].execution_count = None


def store_error(notebook):
    code_cells(notebook)[3].outputs.append(new_output("error", ename="ValueError", evalue="no", traceback=[]))


def path_in_prose(notebook):
    notebook.cells[2].source += " Look into /home/me/clip.mp4."


def grow(notebook):
    print_text("x" * (LARGEST + 1))(notebook)


def lengthen(notebook):
    for cell in code_cells(notebook)[::2]:
        cell.source += "\nx = 1" * 7


def show_a_model(notebook):
    cell = code_cells(notebook)[3]
    cell.source, cell.metadata["tags"] = "def conv3d(context_shape):\n    return None", ["model"]


def forget_alt(notebook):
    del first_with(notebook, "image/png").metadata["mystnb"]


def short_alt(notebook):
    first_with(notebook, "image/png").metadata["mystnb"]["image"]["alt"] = "A figure."


def silent_video(notebook):
    output = first_with(notebook, "text/html").outputs[0]
    output.data["text/html"] = '<video src="x" controls></video>'


def draw_svg(notebook):
    code_cells(notebook)[3].outputs.append(new_output("display_data", data={"image/svg+xml": "<svg/>"}))


def tag_all(notebook):
    for cell in code_cells(notebook):
        cell.metadata["tags"] = ["nbval-ignore-output"]


def mark_by_comment(notebook):
    write_code("print(1)  # NBVAL_IGNORE_OUTPUT")(notebook)


def link_elsewhere(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("01_windowing", "02_other")


def no_link(notebook):
    notebook.cells[0].source = "# Windowing greyscale video"


def install_elsewhere(notebook):
    code_cells(notebook)[0].source = code_cells(notebook)[0].source.replace("github.com/", "github.com/someone-")


def rename_for_colab(notebook):
    notebook.metadata["colab"]["name"] = "Untitled.ipynb"


def second_title(notebook):
    notebook.cells[4].source = "# Another title"


def no_summary(notebook):
    summary = next(cell for cell in notebook.cells if cell.source.startswith("## Summary"))
    summary.source = summary.source.replace("## Summary", "## Notes")


def cell_of_first_exercise(notebook, offset):
    """Its question, the cell to fill in, or its solution."""
    question = next(n for n, cell in enumerate(notebook.cells) if cell.source.startswith("**1. "))
    return notebook.cells[question + offset]


def no_check(notebook):
    cell = cell_of_first_exercise(notebook, 1)
    cell.source = re.sub(r"\ncheck\(.*", "", cell.source)


def check_of_another(notebook):
    cell = cell_of_first_exercise(notebook, 1)
    cell.source = cell.source.replace('check("1.1"', 'check("1.2"')


def no_solution(notebook):
    notebook.cells.remove(cell_of_first_exercise(notebook, 2))


def solution_without_code(notebook):
    cell = cell_of_first_exercise(notebook, 2)
    cell.source = "<details><summary>Solution</summary>\n\nRun it, and see.\n\n</details>"


def solution_in_the_open(notebook):
    cell = cell_of_first_exercise(notebook, 2)
    cell.source = re.sub(r"</?(details|summary)>", "", cell.source)


def no_kind(notebook):
    cell = cell_of_first_exercise(notebook, 0)
    cell.source = re.sub(r"^\*\*1\. \w+\.\*\*", "**1.**", cell.source)


def numbered_wrong(notebook):
    cell = cell_of_first_exercise(notebook, 0)
    cell.source = cell.source.replace("**1. ", "**2. ")


def sizes_twice(notebook):
    sizes = nbformat.v4.new_code_cell("n = profiles.pick(ci=1, cpu=2, gpu=3)")
    notebook.cells[2:2] = [sizes, nbformat.v4.new_code_cell(sizes.source)]


def two_exercises(notebook):
    third = next(n for n, cell in enumerate(notebook.cells) if cell.source.startswith("**3. "))
    rest = next(n for n, cell in enumerate(notebook.cells) if cell.source.startswith("## What to read next"))
    del notebook.cells[third:rest]


BREAKS = {
    "ran_in_order": [reorder, never_ran],
    "no_error": [store_error],
    "no_stderr": [print_text("a warning", name="stderr")],
    "no_path_of_a_machine": [print_text("read /home/me/clip.mp4"), print_text("C:\\clip.mp4"), path_in_prose],
    "no_address_in_memory": [print_text("<object at 0x7f12ab34cd56>")],
    "is_seeded": [
        write_code("rng = np.random.default_rng()"),
        write_code("np.random.rand(3)"),
        write_code("window_dataset(clip, 10, shuffle=True)"),
    ],
    "is_small": [grow],
    "cells_are_short": [write_code("x = 1\n" * 26)],
    "most_cells_are_short": [lengthen],
    "sizes_stand_at_the_top": [write_code("n = profiles.pick(ci=1, cpu=2, gpu=3)"), sizes_twice],
    "models_are_drawn": [show_a_model],
    "pictures_are_described": [forget_alt, short_alt, silent_video],
    "nbval_can_compare": [write_code("plt.plot(x);"), write_code("clear_output()"), draw_svg],
    "most_outputs_are_compared": [tag_all, mark_by_comment],
    "opens_on_colab": [link_elsewhere, no_link, install_elsewhere, rename_for_colab, write_code("!pip install keras")],
    "asks_for_a_gpu_if_it_trains": [write_code("model.fit(dataset)")],
    "is_shaped_like_a_chapter": [second_title, no_summary],
    "exercises_answer_back": [
        no_check,
        check_of_another,
        no_solution,
        solution_without_code,
        solution_in_the_open,
        no_kind,
        numbered_wrong,
        two_exercises,
    ],
}


def test_each_lint_has_something_to_catch():
    assert set(BREAKS) == {lint.__name__ for lint in LINTS}


@pytest.mark.parametrize(
    ("lint", "damage"),
    [
        pytest.param(lint, damage, id=f"{lint.__name__}-{damage.__name__}")
        for lint in LINTS
        for damage in BREAKS[lint.__name__]
    ],
)
def test_lint_catches(lint, damage, tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text())
    path = tmp_path / "notebooks" / "01_windowing.ipynb"
    notebook = nbformat.read(ROOT / "notebooks" / path.name, as_version=4)
    nbformat.write(notebook, path)
    assert not problems(lint, path, notebook)
    damage(notebook)
    nbformat.write(notebook, path)
    assert problems(lint, path, notebook)


def test_colours_in_css_are_no_addresses():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1", outputs=[new_output("stream", text="#0072b2")])]
    )
    assert not problems(no_address_in_memory, ROOT, notebook)
