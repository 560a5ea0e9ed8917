"""The sandbox is a server beside the product, never a part of it."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "survey" / "wechat"


def imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_module_of_the_channel_imports_the_sandbox():
    files = [file for file in PACKAGE.rglob("*.py") if "sandbox" not in file.parts]
    assert len(files) > 5
    assert [str(file) for file in files for name in imports(file) if "wechat.sandbox" in name] == []


def test_the_sandbox_shares_no_code_with_the_product():
    """What it says is checked against the protocol, so it must not be computed by what it checks."""
    shared = [
        name
        for file in (PACKAGE / "sandbox").glob("*.py")
        for name in imports(file)
        if name.startswith(("survey.", "django", "wechatpy", "analysis", "api."))
        and not name.startswith("survey.wechat.sandbox.")
    ]
    assert shared == []
