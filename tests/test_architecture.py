"""What import-linter cannot see: foreign keys written as strings, and Django behind `analysis`."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
LADDER = [
    "common",
    "audit",
    "jobs",
    "regions",
    "accounts",
    "questionnaires",
    "indicators",
    "studies",
    "sampling",
    "contacts",
    "responses",
    "fieldwork",
    "reports",
    "wechat",
    "operations",
    "console",
    "demo",
]
# Every row that remembers who made it points at the user's table by the setting's name, which Django
# resolves late; jobs lie below accounts and are the only such exception.
USER = "accounts.user"


def imported_by(path):
    """Top-level names of the packages that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def our_models():
    return [m for m in apps.get_models() if m.__module__.startswith("survey.")]


def test_foreign_keys_point_down_the_ladder_only():
    wrong = []
    for model in our_models():
        for field in model._meta.get_fields():
            if not isinstance(field, models.ForeignKey | models.ManyToManyField | models.OneToOneField):
                continue
            target = field.related_model
            if not target.__module__.startswith("survey.") or target._meta.label_lower == USER:
                continue
            if LADDER.index(target._meta.app_label) > LADDER.index(model._meta.app_label):
                wrong.append(f"{model._meta.label}.{field.name} → {target._meta.label}")
    assert wrong == []


def test_every_app_of_ours_has_a_rung():
    labels = {c.label for c in apps.get_app_configs() if c.name.startswith("survey.")}
    assert labels == set(LADDER)


def test_importing_analysis_loads_no_django():
    code = (
        "import importlib, pkgutil, sys, analysis\n"
        "for m in pkgutil.walk_packages(analysis.__path__, 'analysis.'): importlib.import_module(m.name)\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('django', 'survey', 'celery')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pure_modules_import_no_django_themselves():
    pure = [
        *(f"survey/regions/{m}.py" for m in ("codes", "boundaries", "outlines")),
        "survey/questionnaires/document.py",
        *(f"survey/questionnaires/{m}.py" for m in ("validation", "logic", "answers", "kinds", "plain")),
        "survey/contacts/codes.py",
        "survey/contacts/household.py",
        "survey/wechat/signature.py",
        "survey/wechat/push.py",
        "survey/demo/superpopulation.py",
        *(str(p.relative_to(ROOT)) for p in (ROOT / "survey/questionnaires/expressions").glob("*.py")),
    ]
    wrong = [p for p in pure if "django" in imported_by(ROOT / p)]
    assert wrong == []


def test_the_example_settings_list_every_name_that_is_read():
    read = set()
    for path in (ROOT / "survey/settings.py", ROOT / "survey/gunicorn.py"):
        read |= set(re.findall(r'"(MINYI_[A-Z_]+)"', path.read_text(encoding="utf-8")))
    listed = set(re.findall(r"MINYI_[A-Z_]+", (ROOT / ".env.example").read_text(encoding="utf-8")))
    assert sorted(read - listed) == []
