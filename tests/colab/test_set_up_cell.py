"""A chapter on Colab: one file in an empty folder, Colab's own packages, and nothing else until the set-up cell ran.

Runs in Colab's environment (`make test-colab`). The notebook installs the library from the address it names; git is
told that this address is a copy of the working tree. pip may reach no index, so if the set-up cell asked for anything
that Colab does not have, it would fail. It runs once on each machine, in the first chapter there. Every other cell's
output is compared with the stored one.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The largest first, since they tend to take the longest: so that all workers end at about the same time
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"), key=lambda path: -path.stat().st_size)


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def where_the_library_is(python, folder):
    """The file that `import nextframe` would read there, or "" if there is none."""
    code = "import importlib.util as u; print(getattr(u.find_spec('nextframe'), 'origin', ''))"
    return run(python, "-c", code, cwd=folder).strip()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The working tree as a repository with a branch `main`."""
    folder = tmp_path_factory.mktemp("published")
    for name in run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *author, "commit", "--quiet", "--message", "As on GitHub", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def machine(worker_id):
    """A fresh environment with Colab's packages: hard links to this one, so that installing leaves this one alone."""
    folder = ROOT / "_build" / f"colab-machine-{worker_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    shutil.copytree(sys.prefix, folder, symlinks=True, copy_function=os.link)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "uninstall", "--yes", "nextframe")
    assert not where_the_library_is(python, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_runs_alone(path, published, machine, tmp_path):
    python = machine / "bin" / "python"
    notebook = json.loads(path.read_text())
    set_up = next(cell for cell in notebook["cells"] if "git+https://" in "".join(cell["source"]))
    address = "".join(set_up["source"]).split("git+")[1].split("@")[0]
    # by another chapter's set-up cell; all are the same: see notebook_lints.py
    if where_the_library_is(python, tmp_path):
        set_up["source"] = ["import sys"]
    else:
        set_up["metadata"]["tags"] = ["nbval-ignore-output"]  # here it has something to say: what pip did
    (tmp_path / path.name).write_text(json.dumps(notebook))
    profile = tmp_path / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00-colab.py").write_text("import sys, types; sys.modules['google.colab'] = types.ModuleType('colab')\n")
    environment = os.environ | {
        "PATH": f"{machine / 'bin'}:{os.environ['PATH']}",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{published}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "PIP_NO_INDEX": "1",  # whatever Colab has must do
        "PIP_NO_BUILD_ISOLATION": "false",  # in pip's words: no isolation
    }
    nbval = ["-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-o", "filterwarnings=ignore"]
    sanitize = ["--nbval-sanitize-with", ROOT / "tests" / "nbval_sanitize.cfg"]
    run(python, *nbval, *sanitize, path.name, cwd=tmp_path, env=environment)
    assert Path(where_the_library_is(python, tmp_path)).is_relative_to(machine)
