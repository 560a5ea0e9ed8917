"""The rules of a questionnaire import no Django, nor anything of the product but canonical JSON."""

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).parents[3] / "survey" / "questionnaires"
DJANGO_SIDE = {"models.py", "queries.py", "services.py", "admin.py", "apps.py"}
PURE = [path for path in HOME.glob("*.py") if path.name not in DJANGO_SIDE]
PURE += [path for folder in ("expressions", "xlsform", "data") for path in (HOME / folder).glob("*.py")]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(HOME)))
def test_a_pure_module_imports_no_django(path):
    for name in imported(path):
        assert name.split(".")[0] != "django"
        if name.startswith("survey"):
            assert name == "survey.common.canonical" or name.startswith("survey.questionnaires.")
            assert name.rsplit(".", 1)[-1] + ".py" not in DJANGO_SIDE
            assert not name.startswith("survey.questionnaires.services")
