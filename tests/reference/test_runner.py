import json
import shutil
from pathlib import Path

import pytest

from tests.reference.__main__ import main

HERE = Path(__file__).parent


def test_every_survey_case_agrees_with_r(capsys):
    assert main([str(HERE / "survey")]) == 0
    assert capsys.readouterr().out.strip().endswith("364 passed, 0 failed, 0 unsupported")


@pytest.fixture
def folder(tmp_path):
    for name in ("apistrat.csv",):
        shutil.copy(HERE / "survey" / name, tmp_path)
    expected = json.loads((HERE / "survey" / "expected.json").read_text(encoding="utf-8"))
    expected["data"] = {"apistrat.csv": expected["data"]["apistrat.csv"]}
    expected["designs"] = {"strat": expected["designs"]["strat"]}
    expected["cases"] = [c for c in expected["cases"] if c["id"] == "mean.strat.num"]
    return tmp_path, expected


def run(folder):
    path, expected = folder
    (path / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    return main([str(path)])


def test_a_wrong_last_digit_is_a_failure_with_a_line(folder, capsys):
    folder[1]["cases"][0]["results"]["se"][1] *= 1 + 1e-7
    assert run(folder) == 1
    out = capsys.readouterr().out
    assert "failed mean.strat.num: api99 se" in out
    assert out.strip().endswith("0 passed, 1 failed, 0 unsupported")


def test_an_unknown_verb_counts_as_unsupported(folder, capsys):
    folder[1]["cases"][0]["spec"]["verb"] = "divination"
    assert run(folder) == 1
    assert capsys.readouterr().out.strip().endswith("0 passed, 0 failed, 1 unsupported")


def test_a_case_that_breaks_the_engine_is_counted_and_the_others_still_run(folder, capsys):
    whole = folder[1]["cases"][0]
    broken = json.loads(json.dumps(whole)) | {"id": "broken"}
    broken["spec"]["variables"] = [{"divination": 1}]
    folder[1]["cases"] = [broken, whole]
    assert run(folder) == 1
    out = capsys.readouterr().out
    assert "failed broken: broke: " in out
    assert out.strip().endswith("1 passed, 1 failed, 0 unsupported")


def test_a_number_where_r_refuses_is_a_failure(folder, capsys):
    folder[1]["cases"][0]["compare"] = "error"
    assert run(folder) == 1
    assert "expected a refusal" in capsys.readouterr().out
