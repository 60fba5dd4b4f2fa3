"""Run notebooks from a fresh kernel and store their outputs: the one way in which outputs are written.

    python tools/run_notebooks.py [notebooks/01_windowing.ipynb …]

Every notebook by default. A notebook is replaced only after all of its cells have run.
"""

import os
import sys
import time
from pathlib import Path

import gather_verdicts
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from nextframe._utils.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {
    "NEXTFRAME_PROFILE": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "TQDM_DISABLE": "1",  # a bar appears on a slow machine alone
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as in the benchmark: see nextframe/benchmark/processes.py
}
# TensorFlow's C++ code writes to the process's own stderr, which Jupyter would store and nbval never sees.
KERNEL_ARGUMENTS = ["--IPKernelApp.capture_fd_output=False"]


def run(path: Path) -> None:
    """Execute one notebook and put it, with its outputs, in the old one's place."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        extra_arguments=KERNEL_ARGUMENTS,
        coalesce_streams=True,  # a kernel sends output in pieces that depend on the machine's load
        store_widget_state=False,  # useless without a kernel, and different in every run
    )

    def show_progress(cell: nbformat.NotebookNode, cell_index: int) -> None:
        print(f"\r{path.name}: cell {cell_index + 1} of {len(notebook.cells)}", end="", flush=True)

    client.on_cell_start = show_progress
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran: noise in every diff
    notebook.metadata["language_info"] = {"name": "python"}
    write_atomically(path, f"{nbformat.writes(notebook)}\n".encode())
    print(f"\r{path.name}: {time.perf_counter() - start:.0f} s, {path.stat().st_size / 1e3:.0f} kB" + " " * 20)


if __name__ == "__main__":
    os.environ.update(ENVIRONMENT)
    for name in sys.argv[1:] or sorted(map(str, (ROOT / "notebooks").glob("*.ipynb"))):
        try:
            run(Path(name).resolve())
            gather_verdicts.store()
        except CellExecutionError as error:
            sys.exit(f"\n{name} stays as it was: {error}")
