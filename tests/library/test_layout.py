"""The layout of the library: imports run one way, and what is kept apart stays apart. Read from the source."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "nextframe"
# Bottom first: a module imports from its own row, or from one above it in this list
LAYERS = (
    ("_utils",),
    ("clips", "metrics", "sample_metrics", "profiles", "layers"),
    ("windows",),
    ("datasets", "scenes"),
    ("models",),
    ("forecasting", "objectives", "sampling", "steering", "training", "pretrained"),
    ("diagnostics",),
    ("benchmark",),
    ("plotting", "drawing", "kernels"),
    ("widgets", "verdicts"),
    ("video",),
    ("exercises",),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
LONGEST = 250  # lines of a module


def dotted(path: Path) -> str:
    """A module's name: `nextframe/models/__init__.py` is `nextframe.models`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"))


@functools.cache
def whole_imports(module: str) -> frozenset[str]:
    """What a module imports, also within its functions, by the whole name of each module."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to itself: write the whole name"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else node.module for name in names}
    return frozenset(found)


def imports(module: str) -> frozenset[str]:
    """What a module imports: our modules by their names, others by their first word."""
    return frozenset(name if name in SOURCES else name.split(".")[0] for name in whole_imports(module))


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name in SOURCES}


def reach(module: str) -> set[str]:
    """Everything that importing a module may bring along; a module's package runs before it does."""
    reached, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        if name in SOURCES:
            package = name.rpartition(".")[0]
            waiting += [*imports(name), *([package] if package not in ("", "nextframe") else [])]
    return reached


def inside(package: str) -> list[str]:
    return [name for name in SOURCES if name == package or name.startswith(f"{package}.")]


@pytest.mark.parametrize("module", [name for name in SOURCES if name != "nextframe"])
def test_imports_run_one_way(module):
    layer = module.split(".")[1]
    assert layer in RANK, f"{layer} has no place in LAYERS: give it one, and add it to CONTRIBUTING.md"
    above = {name for name in ours(module) if name == "nextframe" or RANK[name.split(".")[1]] > RANK[layer]}
    assert not above, f"{module} imports {', '.join(above)}, which stands above it: see CONTRIBUTING.md"


def test_no_module_imports_itself_by_way_of_others():
    finished = set()

    def visit(module, path):
        assert module not in path, f"a circle: {' → '.join([*path[path.index(module) :], module])}"
        if module not in finished:
            for name in sorted(ours(module)):
                visit(name, [*path, module])
            finished.add(module)

    for module in SOURCES:
        visit(module, [])


def test_every_layer_exists():
    assert {name.split(".")[1] for name in SOURCES if name != "nextframe"} == set(RANK)


def test_metrics_need_numpy_alone():
    beside = {name for name in reach("nextframe.metrics") if name not in sys.stdlib_module_names}
    helpers = {"nextframe._utils", "nextframe._utils.metric_cases", "nextframe._utils.validation"}
    assert beside == {"nextframe.metrics", "numpy"} | helpers
    beside |= {name for name in reach("nextframe.sample_metrics") if name not in sys.stdlib_module_names}
    assert beside == {"nextframe.metrics", "nextframe.sample_metrics", "numpy"} | helpers


@pytest.mark.parametrize("module", inside("nextframe.models"))
def test_a_model_needs_no_video_reader(module):
    """Nor training, benchmark or figures: whoever builds one waits for its layers alone."""
    kept_out = {"nextframe.clips", "nextframe._utils.ffmpeg", "imageio_ffmpeg", "matplotlib", "IPython", "PIL", "tqdm"}
    assert not reach(module) & kept_out


def test_pretrained_weights_need_no_benchmark():
    assert not {name for name in reach("nextframe.pretrained") if name.startswith("nextframe.benchmark")}


def test_one_module_touches_tf_data():
    def touches(module):
        return any(
            (isinstance(node, ast.Attribute) and ast.unparse(node).startswith(("tf.data.", "tensorflow.data.")))
            or (isinstance(node, ast.ImportFrom) and str(node.module).startswith("tensorflow.data"))
            for node in ast.walk(tree(module))
        )

    assert [module for module in SOURCES if touches(module)] == ["nextframe._utils.batches"]


def test_one_module_needs_widgets():
    """Tests of other backends, and whoever reads no notebook, have no ipywidgets."""
    assert [module for module in SOURCES if "ipywidgets" in imports(module)] == ["nextframe.video.panel"]
    assert not [module for module in SOURCES if "nextframe.video.panel" in ours(module)]


@pytest.mark.parametrize("module", SOURCES)
def test_nothing_private_of_others_is_touched(module):
    """Names with an underscore are another module's or library's own. `self` has those that its own module gives it."""
    given = {node.name for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)}
    attributes = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)]
    given |= {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    private = [node for node in attributes if node.attr.startswith("_") and not node.attr.startswith("__")]
    touched = {ast.unparse(node) for node in private if ast.unparse(node.value) not in ("self", "cls")}
    touched |= {ast.unparse(node) for node in private if node.attr not in given}
    touched -= {"os._exit"}  # public in spite of its name
    if module == "nextframe._utils.keras_private":
        touched -= {f"optimizer.{name}" for name in ("_get_variable_index", "_momentums", "_velocities")}
        touched -= {"model._nodes_by_depth"}
    touched |= {name for name in whole_imports(module) if name.startswith(("keras.src", "tensorflow.python"))}
    assert not touched, (
        f"{module} touches {', '.join(sorted(touched))}: use what is public; where Keras has nothing, "
        "nextframe/_utils/keras_private.py and its test are the place"
    )


@pytest.mark.parametrize("module", [name for name, path in SOURCES.items() if path.name == "__init__.py"])
def test_a_package_holds_names_alone(module):
    for node in tree(module).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        about_itself = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "__version__")
        assert docstring or about_itself or isinstance(node, ast.Import | ast.ImportFrom), (
            f"{module}, line {node.lineno}: code belongs into a module of the package"
        )


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_can_be_read_in_one_go(module):
    lines = len(SOURCES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{module} has {lines} lines: move what has a name of its own into a module of its own"


def test_what_needs_no_keras_does_not_load_it():
    """It takes seconds to start. Running the imports shows what reading them cannot: what others bring along."""
    names = ["nextframe", *(f"nextframe.{name}" for name in ("clips", "windows", "metrics", "plotting", "verdicts"))]
    names += ["nextframe.pretrained", "nextframe.datasets.moving_digits", "nextframe.datasets.real_clips"]
    names += ["nextframe.benchmark.processes"]
    code = f"import sys, {', '.join(names)}; print(sorted({{'keras', 'tensorflow'}} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
