import json
import shutil
from pathlib import Path

import pytest

from tests.reference.__main__ import main

SAMPLING = Path(__file__).parent / "sampling"


def test_every_sampling_case_agrees(capsys):
    assert main([str(SAMPLING)]) == 0
    assert capsys.readouterr().out.strip().endswith("152 passed, 0 failed, 0 unsupported")


@pytest.fixture
def run(tmp_path, capsys):
    """Run one case after a change to what it expects or gives."""
    for file in SAMPLING.glob("*.csv"):
        shutil.copy(file, tmp_path)
    expected = json.loads((SAMPLING / "expected.json").read_text(encoding="utf-8"))

    def changed(name, change):
        case = next(c for c in expected["cases"] if c["id"] == name)
        change(case)
        (tmp_path / "expected.json").write_text(
            json.dumps({"meta": expected["meta"], "cases": [case]}), encoding="utf-8"
        )
        code = main([str(tmp_path)])
        return code, capsys.readouterr().out

    return changed


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("fh_milk_reml", lambda c: c["results"]["mse"].__setitem__(7, c["results"]["mse"][7] * (1 + 1e-5))),
        ("rank_joint_pisa_bonferroni_90", lambda c: c["results"]["rank_low"].__setitem__(0, 11)),
        ("rank_simultaneous_single", lambda c: c["results"]["rank_high_most"].__setitem__(0, 9)),
        ("outcome_rates_10", lambda c: c["results"].__setitem__("RR3", 0.0)),
        ("r_indicator_1", lambda c: c["results"]["partial_conditional"]["sex"]["by_category"].update(f=0.1)),
        ("audit_hierarchy_1", lambda c: c["results"]["cells"]["t1|q"].update(status="insufficient")),
        ("search_hierarchy", lambda c: c["results"].update(fewest_count=4)),
        ("alpha_items", lambda c: c["results"].update(kuder_richardson=0.8)),
    ],
)
def test_a_wrong_expectation_is_a_failure_with_a_line(run, case, change):
    code, out = run(case, change)
    assert (
        code == 1 and f"failed {case}: " in out and out.strip().endswith("0 passed, 1 failed, 0 unsupported")
    )


def test_an_unknown_verb_counts_as_unsupported(run):
    code, out = run("alpha_items", lambda c: c.update(verb="divination"))
    assert code == 1 and out.strip().endswith("0 passed, 0 failed, 1 unsupported")


def test_input_that_analysis_refuses_is_a_failure(run):
    code, out = run("fh_milk_ml", lambda c: c["options"].update(method="guess"))
    assert code == 1 and "refused" in out


def test_a_case_that_breaks_the_engine_is_counted_and_the_others_still_run(tmp_path, capsys):
    expected = json.loads((SAMPLING / "expected.json").read_text(encoding="utf-8"))
    whole = next(c for c in expected["cases"] if c["id"] == "outcome_rates_10")
    lacking = whole | {"id": "lacking", "inputs": {}}
    cases = [lacking, {"verb": "outcome_rates"}, 7, whole | {"group": "another name"}]
    (tmp_path / "expected.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == [
        "failed lacking",
        "failed case 2",
        "failed case 3",
    ]
    assert lines[-1] == "1 passed, 3 failed, 0 unsupported"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"cases": {}}', '{"cases": []}', '{"meta": {"format": "x"}, "cases": [1]}']
)
def test_a_folder_that_holds_no_cases_is_refused(tmp_path, capsys, text):
    (tmp_path / "expected.json").write_text(text, encoding="utf-8")
    assert main([str(tmp_path)]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 1
