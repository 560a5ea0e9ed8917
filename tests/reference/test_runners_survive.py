"""Other folders in the two formats come from elsewhere: whatever stands in them, a run ends and counts."""

import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.__main__ import main

HERE = Path(__file__).parent
# Quick cases, one of several kinds each, on small files.
CASES = {
    "survey": ["mean.strat.num", "total.strat.num"],
    "sampling": ["outcome_rates_10", "alpha_items", "fh_milk_reml", "r_indicator_1"],
}
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({})
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind, names in CASES.items():
        folder = tmp_path_factory.mktemp(kind)
        for file in (HERE / kind).glob("*.csv"):
            shutil.copy(file, folder)
        expected = json.loads((HERE / kind / "expected.json").read_text(encoding="utf-8"))
        expected["cases"] = [c for c in expected["cases"] if c["id"] in names]
        if "designs" in expected:
            used = {c["design"] for c in expected["cases"]}
            expected["designs"] = {k: v for k, v in expected["designs"].items() if k in used}
        made[kind] = folder, expected
    return made


def places(part, path=()):
    """Every path in a nested document, but the long lists of expected numbers."""
    if path:
        yield path
    parts = part.items() if isinstance(part, dict) else enumerate(part[:3]) if isinstance(part, list) else ()
    for key, inner in parts:
        yield from places(inner, (*path, key))


def changed(document, path, value, remove):
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy


@pytest.mark.parametrize("kind", CASES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(data=st.data())
def test_a_run_ends_with_counts_that_fit_its_exit_code(folders, capsys, kind, data):
    folder, expected = folders[kind]
    path = data.draw(st.sampled_from(list(places({k: v for k, v in expected.items() if k != "data"}))))
    odd = changed(expected, path, data.draw(ODD), data.draw(st.booleans()))
    (folder / "expected.json").write_text(json.dumps(odd), encoding="utf-8")
    code = main([str(folder)])
    last = capsys.readouterr().out.splitlines()[-1]
    counted = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) unsupported", last)
    if counted is None:
        assert code == 2
    else:
        assert code == int(counted[2] != "0" or counted[3] != "0")


@pytest.mark.parametrize("kind", CASES)
def test_files_that_cannot_be_read_fail_their_cases_only(folders, tmp_path, capsys, kind):
    _, expected = folders[kind]
    (tmp_path / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    (tmp_path / "milk.csv").write_bytes(b"\xff\xfe\x00")
    assert main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert re.search(r"\d+ passed, [1-9]\d* failed, 0 unsupported\n$", out) and "Traceback" not in out
