"""The analysts' table of one run: a row for each response of the probability sample."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from survey.common.crypto import keyed_hash
from survey.common.errors import Problem
from survey.questionnaires.document import MISSING_CODES
from survey.regions.models import Region
from survey.reports.inputs import DISTRICT_DIGITS, STREET_DIGITS, Inputs
from survey.reports.microdata.variables import Variable, Withheld, item_variables
from survey.reports.models import ResponseWeight, Run
from survey.reports.snapshots import read_snapshot
from survey.stats.poststrata import UNKNOWN
from survey.stats.recipe import POSTSTRATIFICATION
from survey.stats.scores import MEAN_SCORE, SHARE, codes_of, person_values

PSEUDONYM = 10  # hexadecimal digits: enough for all PSUs of a country without a clash


@dataclass(frozen=True)
class Microdata:
    """The table with what explains it.

    frame : columns in the order of `variables`
    smallest_group : fewest rows that share district, sex and age group; groups : how many such groups
    empty_psus : drawn PSUs without a response, which the file cannot show
    """

    frame: pd.DataFrame
    variables: list[Variable]
    withheld: list[Withheld]
    is_fine: bool
    smallest_group: int
    groups: int
    empty_psus: int


def build_table(run: Run, *, is_fine: bool, language: str = "zh-hans") -> Microdata:
    """Rows in an order that tells nothing, weights with their factors, coarse age and place.

    `is_fine` adds the street and the age in years, for those whose role names them.

    Raises
    ------
    Problem common.not_found : the run has no snapshot. Problem reports.snapshot_gone : its file was removed.
    """
    if run.snapshot is None:
        raise Problem("common.not_found")
    inputs = read_snapshot(run.snapshot)
    rows = np.flatnonzero(inputs.responded)
    order = [keyed_hash(inputs.response_ids[row] or "", "reports.microdata.order") for row in rows]
    rows = rows[np.argsort(order)]
    document = run.round.questionnaire_version.document
    asked, withheld = item_variables(document, language)
    post = run.recipe.spec["poststratification"]
    if not is_fine:
        asked = [v for v in asked if v.item != post["age_item"]]
    places = _places(inputs, rows, is_fine)
    design = [*_design_variables(run, inputs, is_fine, post), *_factor_variables(run)]
    columns = _design_columns(run, inputs, rows, post, places)
    columns |= _poststratum(run, inputs, rows, columns, post)
    for variable in asked:
        answers = inputs.answers.get(variable.item)
        values = [variable.read(None if answers is None else answers[row]) for row in rows]
        columns[variable.name] = np.array(values, dtype=object if variable.is_text else float)
    scores, values = _indicator_columns(run, inputs, rows)
    columns |= values
    variables = [*design, *scores, *asked]
    frame = pd.DataFrame({v.name: columns[v.name] for v in variables})
    groups = frame.groupby(["district", "age_group", *_sex_columns(asked, post)]).size()
    drawn = set(zip(inputs.stratum, inputs.psu, strict=True))
    heard = set(zip(inputs.stratum[rows], inputs.psu[rows], strict=True))
    return Microdata(
        frame,
        variables,
        withheld,
        is_fine,
        int(groups.min()) if len(groups) else 0,
        len(groups),
        len(drawn - heard),
    )


def build_cases(run: Run) -> pd.DataFrame:
    """Every released case, answered or not, without an answer: what weighting starts from.

    Columns: stratum, psu (pseudonyms as in the answers' table), district, urban, base (1 / inclusion
    probability), outcome (AAPOR class), took_part (somebody was chosen), responded, person_probability.
    """
    if run.snapshot is None:
        raise Problem("common.not_found")
    inputs = read_snapshot(run.snapshot)
    rows = np.argsort([keyed_hash(case, "reports.microdata.order") for case in inputs.case_ids])
    psus = [f"{s}/{p}" for s, p in zip(inputs.stratum[rows], inputs.psu[rows], strict=True)]
    return pd.DataFrame(
        {
            "stratum": [pseudonym(run, "stratum", str(value)) for value in inputs.stratum[rows]],
            "psu": [pseudonym(run, "psu", value) for value in psus],
            "district": [int(path[:DISTRICT_DIGITS]) for path in inputs.path[rows]],
            "urban": inputs.urban[rows],
            "base": inputs.base[rows],
            "outcome": inputs.outcome[rows],
            "took_part": inputs.took_part[rows].astype(int),
            "responded": inputs.responded[rows].astype(int),
            "person_probability": inputs.person_probability[rows],
        }
    )


def _sex_columns(asked: list[Variable], post: dict[str, Any]) -> list[str]:
    return [v.name for v in asked if v.item == post["sex_item"]]


def pseudonym(run: Run, kind: str, value: str) -> str:
    """The same for the same stratum or PSU in every round of a study, and nothing else."""
    return (
        kind[0].upper() + keyed_hash(f"{run.round.study_id}:{value}", f"reports.microdata.{kind}")[:PSEUDONYM]
    )


def _places(inputs: Inputs, rows: np.ndarray, is_fine: bool) -> dict[str, np.ndarray]:
    cut = {"district": DISTRICT_DIGITS} | ({"street": STREET_DIGITS} if is_fine else {})
    return {name: np.array([float(inputs.path[row][:n]) for row in rows]) for name, n in cut.items()}


def _design_columns(
    run: Run, inputs: Inputs, rows: np.ndarray, post: dict[str, Any], places: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    passports = dict(
        ResponseWeight.objects.filter(run=run).values_list("response", "factors").iterator(chunk_size=2000)
    )
    weights = dict(ResponseWeight.objects.filter(run=run).values_list("response", "weight"))
    keyed = {str(pk): pk for pk in weights}
    ids = [keyed[inputs.response_ids[row] or ""] for row in rows]
    ages = inputs.answers.get(post["age_item"])
    columns = {
        "id": np.arange(1, len(rows) + 1, dtype=float),
        "weight": np.array([weights[pk] for pk in ids], dtype=float),
        "stratum": np.array(
            [pseudonym(run, "stratum", str(inputs.stratum[row])) for row in rows], dtype=object
        ),
        "psu": np.array(
            [pseudonym(run, "psu", f"{inputs.stratum[row]}/{inputs.psu[row]}") for row in rows], dtype=object
        ),
        "urban": np.array([{"urban": 1.0, "rural": 2.0}.get(inputs.urban[row], -1.0) for row in rows]),
        "mode": np.array([{"web": 1.0, "door": 2.0}.get(inputs.mode[row], -1.0) for row in rows]),
        "age_group": np.array([_band(None if ages is None else ages[row], post["bands"]) for row in rows]),
        **places,
    }
    for place, step in enumerate(_steps(run)):
        columns[f"f_{step}"] = np.array([passports[pk][place]["factor"] for pk in ids], dtype=float)
    return columns


def _band(age: Any, bands: list[list[int | None]]) -> float:
    try:
        years = float(age)
    except (TypeError, ValueError):
        return -1.0
    for number, (low, high) in enumerate(bands, start=1):
        if years >= (low or 0) and (high is None or years <= high):
            return float(number)
    return -1.0


def _poststratum(
    run: Run, inputs: Inputs, rows: np.ndarray, columns: dict[str, np.ndarray], post: dict[str, Any]
) -> dict[str, np.ndarray]:
    """The cell of the last step and the weight before it, so that the step can be done again elsewhere."""
    cells = run.document.get("weights", {}).get("cells", [])
    places = {
        (cell["district"], sex, band): number
        for number, cell in enumerate(cells, start=1)
        for sex in cell["sex"].split("+")
        for band in (cell["bands"] or [-1])
    }
    sexes = inputs.answers.get(post["sex_item"])
    codes = codes_of(sexes[rows]) if sexes is not None else np.full(len(rows), None)
    found = []
    for row, code, band in zip(rows, codes, columns["age_group"], strict=True):
        sex = post["sex_codes"].get(code or "", "")
        district = inputs.path[row][:DISTRICT_DIGITS]
        known = places.get((district, sex, int(band) - 1)) if band > 0 else None
        found.append(known or places.get((district, UNKNOWN, -1), 0))
    last = columns.get(f"f_{POSTSTRATIFICATION}", np.ones(len(rows)))
    return {"poststratum": np.array(found, dtype=float), "weight_before": columns["weight"] / last}


def _steps(run: Run) -> list[str]:
    first = ResponseWeight.objects.filter(run=run).first()
    return [factor["step"] for factor in first.factors] if first else []


def _plain(name: str, label: str, labels: dict[Any, str] | None = None, *, is_text: bool = False) -> Variable:
    missing = tuple(float(code) for code in labels or {} if not isinstance(code, str) and code < 0)
    return Variable(name, label, "", is_text, lambda value: value, labels or {}, missing)


def _design_variables(run: Run, inputs: Inputs, is_fine: bool, post: dict[str, Any]) -> list[Variable]:
    unknown = {-1.0: _("不知道")}
    bands = {
        float(n): _("%(low)s–%(high)s 岁") % {"low": low, "high": high}
        if high
        else _("%(low)s 岁及以上") % {"low": low}
        for n, (low, high) in enumerate(post["bands"], start=1)
    }
    found = [
        _plain("id", _("序号；次序是打乱的，和抽样、收卷的先后都无关")),
        _plain("weight", _("最终权数：这份答卷代表多少成年人")),
        _plain("stratum", _("抽样的层（假名；同一项目各轮相同）"), is_text=True),
        _plain("psu", _("初级抽样单位（假名；同一项目各轮相同）"), is_text=True),
        _plain("district", _("区县"), _names(inputs, DISTRICT_DIGITS)),
    ]
    if is_fine:
        found.append(_plain("street", _("街道（镇）"), _names(inputs, STREET_DIGITS)))
    return [
        *found,
        _plain("urban", _("城乡（统计用城乡分类代码）"), {1.0: _("城镇"), 2.0: _("乡村")} | unknown),
        _plain("mode", _("怎么答的"), {1.0: _("网页"), 2.0: _("上门")} | unknown),
        _plain("age_group", _("年龄组"), bands | unknown),
        _plain("poststratum", _("对齐普查时的格子（区县 × 性别 × 年龄，人口见 population.csv）")),
        _plain("weight_before", _("对齐普查以前的权数")),
    ]


def _factor_variables(run: Run) -> list[Variable]:
    return [_plain(f"f_{step}", _("权数的因子：%s（各因子相乘就是最终权数）") % step) for step in _steps(run)]


def _indicator_columns(
    run: Run, inputs: Inputs, rows: np.ndarray
) -> tuple[list[Variable], dict[str, np.ndarray]]:
    """Each person's value of every indicator: points, or 0/1 of a share; NaN without an opinion."""
    answers = {
        name: codes_of(values[rows]) for name, values in inputs.answers.items() if _is_single(values[rows])
    }
    missing = [str(code) for code in MISSING_CODES.values()]
    variables, columns = [], {}
    for version in run.round.indicator_versions.select_related("indicator").order_by("indicator__position"):
        code = version.indicator.code
        name = "i_" + re.sub(r"\W", "_", code, flags=re.ASCII)[:28]
        if version.kind not in (MEAN_SCORE, SHARE):
            continue
        columns[name] = person_values(answers, version.definition, version.kind, missing)
        variables.append(
            _plain(
                name,
                _("指标：%(name)s（第 %(n)s 版）") % {"name": version.indicator.name, "n": version.number},
            )
        )
    return variables, columns


def _is_single(values: np.ndarray) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


def _names(inputs: Inputs, digits: int) -> dict[Any, str]:
    paths = sorted({path[:digits] for path in inputs.path})
    names = dict(Region.objects.filter(path__in=paths).values_list("path", "name"))
    return {float(path): names.get(path, path) for path in paths}
