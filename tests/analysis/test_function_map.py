"""The map in analysis/README.md is complete, and every public name explains itself."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = ROOT / "analysis"
# What the package is built of, not what a statistician calls; the map names these modules as such.
MACHINERY = {
    "frames", "stages", "errors", "estimation.tables", "estimation.rows", "estimation.finish",
    "estimation.variance", "estimation.cell_variance", "estimation.linearization", "inference.families",
    "inference.model_terms", "inference.shared_psus", "inference.rank_simulation", "small_area.roots",
    "streaming.sources", "streaming.steps", "streaming.residuals", "streaming.sums",
}  # fmt: skip
# Serve other modules of the package; no caller needs them.
INSIDE = {
    "item_arrays", "domain_rows", "share_columns", "share_groups", "as_proportion", "as_names", "check_names",
    "column_scale", "solve_totals", "make_distance", "model_matrix",
}  # fmt: skip


def modules():
    for path in sorted(ANALYSIS.rglob("*.py")):
        name = ".".join(path.relative_to(ANALYSIS).with_suffix("").parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def public(kind):
    return [
        (module, node)
        for module, tree in modules()
        for node in tree.body
        if isinstance(node, kind) and not node.name.startswith("_")
    ]


FUNCTIONS = public(ast.FunctionDef)


def test_every_public_function_stands_in_the_map():
    text = (ANALYSIS / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", text))))
    lost = [f"{m}.{f.name}" for m, f in FUNCTIONS if m not in MACHINERY and f.name not in named | INSIDE]
    assert lost == []


def test_every_function_that_the_map_names_by_module_exists():
    text = (ANALYSIS / "README.md").read_text(encoding="utf-8")
    there = {f"{m}.{n.name}" for m, n in [*FUNCTIONS, *public(ast.ClassDef)]}
    packages = {m.split(".")[0] for m in there}
    short = {f"{m.split('.')[0]}.{f}" for m, f in (t.rsplit(".", 1) for t in there)}
    cited = [c for c in re.findall(r"`([a-z_]+(?:\.\w+)+)`", text) if c.split(".")[0] in packages]
    module_names = {m for m, _ in modules()}
    assert [c for c in cited if c not in there | short | module_names] == []


@pytest.mark.parametrize("kind", [ast.FunctionDef, ast.ClassDef])
def test_every_public_name_has_a_docstring(kind):
    assert [f"{m}.{n.name}" for m, n in public(kind) if not ast.get_docstring(n)] == []


def test_docstrings_name_what_a_caller_hands_in():
    """A function of three or more parameters says something about at least one of them by name, or says whose
    parameters it shares. Drawing and planning speak in the letters of their formulas instead.
    """
    silent = []
    for module, node in FUNCTIONS:
        parameters = [a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
        text = ast.get_docstring(node) or ""
        said = "as in `" in text or set(re.findall(r"\w+", text)) & set(parameters)
        formulas = module.startswith(("selection.", "planning."))
        if module not in MACHINERY and not formulas and len(parameters) >= 3 and not said:
            silent.append(f"{module}.{node.name}")
    assert silent == []


def test_every_public_function_says_what_it_takes_and_gives():
    bare = []
    for module, node in FUNCTIONS:
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if node.returns is None or any(a.annotation is None for a in given):
            bare.append(f"{module}.{node.name}")
    assert bare == []
