# One word a task. `make` needs only Python 3.11 to 3.13: it sets everything else up in .venv.
#
#   make book        build the book                        → _build/html/index.html
#   make test        prove it: lint, unit tests, every notebook (nbval), strict build, the pages, in a browser too
#   make test-backends  prove the library on JAX and on PyTorch, without TensorFlow (BACKENDS=jax for one)
#   make test-colab  prove the notebooks with Colab's own versions (needs Python 3.13)
#   make notebooks   run the notebooks and store their outputs (ONLY=notebooks/01_windowing.ipynb for one)
#   make benchmark   measure what is missing of a protocol (PROTOCOL=digits-32, or another of nextframe/benchmark/)
#   make serve       build the book, serve it at http://localhost:8000 and open it
#   make lint        check style;  make format fixes what can be fixed
#   make model-cells bring the cells that show a model up to date with its module
#   make live        put the trained networks into the page "Try it", as ONNX
#   make page-speed measure how fast the built pages paint, and the page "Try it" forecasts
#   make links       ask every link in the book whether it still leads somewhere
#   make repository URL=https://github.com/you/yours   rewrite every address that names the repository
#   make ci          what CI runs: make test, test-backends on JAX, and test-colab where Python 3.13 is
#   make constraints pin the newest versions that requirements.txt and requirements-dev.txt allow
#   make clean       remove what was built (and make clean-all the environments)

PYTHON ?= python3
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := book
.PHONY: book test ci test-backends test-colab colab-python notebooks benchmark serve lint format links live page-speed model-cells repository constraints clean clean-all

# Where this is set, Python compiles each module anew in each process, and TensorFlow takes twice as long to start
unexport PYTHONDONTWRITEBYTECODE
# TensorFlow's faster kernels for CPUs, which it else uses on some processors only
export TF_ENABLE_ONEDNN_OPTS ?= 1
# The book's frames are small: on them OpenCV's threads take twice the processor's time, and save none
export OPENCV_FOR_THREADS_NUM ?= 1

BIN := .venv/bin
COLAB := .venv-colab/bin
SOURCES := nextframe tests tools notebooks
SCRIPTS := book/site/live book/static nextframe/assets/templates tests/live
OXLINT := 1.94.0
# The node that Playwright brings along
NODE = $$($(BIN)/python -c 'from playwright._impl._driver import compute_driver_executable as node; print(node()[0])')
# Tests may not reach the network, in this process or any that it starts: see tests/offline/sitecustomize.py
OFFLINE := PYTHONPATH=$(CURDIR)/tests/offline
QUIET := TF_CPP_MIN_LOG_LEVEL=3
# A bar appears where reading takes long, as on a busy machine, and would be an output that the page has not
NOTEBOOKS := NEXTFRAME_PROFILE=ci TQDM_DISABLE=1
# One for each core, since TensorFlow's threads and a browser's processes leave no core idle: a third on two cores makes
# all of them slower. Four at most, each of which holds a TensorFlow
PARALLEL := -n auto --maxprocesses 4
# A warning in a notebook is an output, and compared as one; those of nbval itself are not ours
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg -p no:cacheprovider -o filterwarnings=ignore -q
# The largest tend to take the longest: so that all workers end at about the same time
LARGEST_FIRST = $$(ls -S notebooks/*.ipynb)
STRICT_BUILD := $(BIN)/jupyter-book build . --all -W -n --keep-going

.venv/ready: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("Python %d.%d found at %s; expected 3.11 to 3.13: make PYTHON=/path/to/python3.12" % (*v, sys.executable))'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --no-compile -r requirements.txt -c constraints.txt -e .
	touch $@

# What only tests, lint and measurements need, in the same environment
.venv/dev-ready: .venv/ready requirements-dev.txt
	$(BIN)/pip install --quiet --no-compile -r requirements-dev.txt -c constraints.txt
	touch $@

book: .venv/ready
	$(STRICT_BUILD)

serve: book
	@echo "The book is at http://localhost:8000 (Ctrl+C stops)"
	@if [ -n "$${BROWSER-}$${DISPLAY-}$${WAYLAND_DISPLAY-}" ] || [ "$$(uname)" = Darwin ]; then (sleep 1; $(BIN)/python -m webbrowser http://localhost:8000) & fi
	cd _build/html && ../../$(BIN)/python -m http.server 8000 --bind 127.0.0.1

notebooks: .venv/ready
	$(BIN)/python tools/run_notebooks.py $(ONLY)

benchmark: .venv/dev-ready
	$(QUIET) $(BIN)/python -m nextframe.benchmark --protocol $(or $(PROTOCOL),digits-32)

lint: .venv/dev-ready
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	@if command -v npx > /dev/null; then npx --yes oxlint@$(OXLINT) --quiet --deny-warnings $(SCRIPTS); elif [ -n "$${CI-}" ]; then echo "lint needs npx (Node.js) on CI, to run oxlint" >&2; exit 1; else echo "Skipped oxlint: no npx on this machine"; fi

format: .venv/dev-ready
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

test: lint
	$(QUIET) $(OFFLINE) $(BIN)/pytest -q $(PARALLEL) --dist worksteal tests/library tests/book
	$(QUIET) $(OFFLINE) $(NOTEBOOKS) $(BIN)/pytest $(NBVAL) $(PARALLEL) --dist loadfile $(LARGEST_FIRST)
	$(NODE) --test --test-reporter=dot tests/live
	$(OFFLINE) $(STRICT_BUILD)
	$(OFFLINE) $(BIN)/pytest -q $(PARALLEL) tests/pages
	$(OFFLINE) $(BIN)/pytest -q $(PARALLEL) tests/browser

# pip has one thread, and so has lint: they go in pairs. (Not all three at once: two of them write the package's metadata)
ci:
	$(MAKE) -j 2 .venv/dev-ready $(if $(COLAB_PYTHON),.venv-colab/ready)
	$(MAKE) -j 2 lint .venv-jax/ready
	$(MAKE) test
	$(MAKE) test-backends BACKENDS=jax
	@if $(MAKE) -s colab-python; then $(MAKE) test-colab; else echo "Skipped test-colab: no Python 3.13 on this machine"; fi

# Colab's Python: python3.13 itself, or the one that pyenv keeps
COLAB_PYTHON ?= $(shell for p in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)"/bin/python; do "$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$p" && break; done)

colab-python:
	@test -n "$(COLAB_PYTHON)" || { echo "test-colab needs Python 3.13, as on Colab: make test-colab COLAB_PYTHON=/path/to/python3.13" >&2; exit 1; }

# What chapters import is compiled once here, since each of the tests' machines is a copy
.venv-colab/ready: requirements-colab.txt
	@$(MAKE) -s colab-python
	$(COLAB_PYTHON) -m venv --clear .venv-colab
	$(COLAB)/pip install --quiet --no-compile -r requirements-colab.txt
	$(QUIET) $(COLAB)/python -c 'import tensorflow, matplotlib.pyplot, ipykernel.kernelapp, nbval.plugin'
	touch $@

test-colab: .venv-colab/ready
	$(QUIET) $(OFFLINE) $(NOTEBOOKS) $(COLAB)/python -m pytest -o filterwarnings=ignore -p no:cacheprovider -q $(PARALLEL) --maxschedchunk 1 tests/colab

# JAX and PyTorch, each without TensorFlow: what tests/library/test_backends.py says must hold on any of them, and what
# compares a network with its authors' code
BACKENDS ?= jax torch
ON_BACKENDS := tests/library/test_backends.py
ON_BACKENDS += tests/library/test_simvp.py::test_forecasts_equal_the_authors
ON_BACKENDS += tests/library/test_simvp.py::test_a_step_of_training_moves_every_weight

.venv-%/ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv-$*
	.venv-$*/bin/pip install --quiet --no-compile -c constraints.txt -e . h5py ipython opencv-python-headless pytest pytest-xdist $*
	touch $@

# JAX compiles each network for the CPU: less care over its code takes a fraction of the time
test-backends: $(BACKENDS:%=.venv-%/ready)
	for backend in $(BACKENDS); do KERAS_BACKEND=$$backend JAX_PLATFORMS=cpu JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(OFFLINE) .venv-$$backend/bin/python -m pytest -q -p no:cacheprovider $(PARALLEL) $(ON_BACKENDS); done

links: .venv/ready
	$(BIN)/jupyter-book build . --builder linkcheck

page-speed: book .venv/dev-ready
	$(QUIET) $(BIN)/pytest -q -p no:cacheprovider tests/browser/measure_speed.py

live: .venv/dev-ready
	$(QUIET) $(BIN)/python -W ignore tools/memory_networks.py
	$(QUIET) $(BIN)/python -W ignore tools/video_network.py
	$(QUIET) $(BIN)/python -W ignore tools/export_models.py

model-cells: .venv/ready
	$(BIN)/python tools/model_cells.py

repository: .venv/ready
	$(BIN)/python tools/set_repository.py $(URL)

# An environment of its own: the old pins need not be installed to find the new ones
constraints:
	$(PYTHON) -m venv .venv-pin
	.venv-pin/bin/pip install --quiet --upgrade uv
	.venv-pin/bin/uv pip compile requirements-dev.txt --universal --python-version 3.11 --upgrade --no-emit-index-url --no-header --no-annotate --quiet --output-file constraints.txt

clean:
	rm -rf _build book/api .pytest_cache .ruff_cache .mypy_cache build *.egg-info
	find nextframe tests tools -name __pycache__ -type d -exec rm -rf {} +

clean-all: clean
	rm -rf .venv .venv-colab .venv-pin .venv-jax .venv-torch
