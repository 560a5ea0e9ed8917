"""Parts of the document beside the indicators' own figures: drivers, modes, themes, composites, trend."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from survey.indicators.models import IndicatorVersion
from survey.reports.computing import COMPOSITE, Work
from survey.reports.domains import ALL, DISTRICT, REGIONS, STREET
from survey.reports.estimation import NO_ERROR, Frame, counts_in, finite
from survey.reports.inputs import Inputs
from survey.reports.masks import DRIVERS, INDICATOR, ITEM, THEMES
from survey.reports.models import ExternalScore, Report
from survey.reports.previous import Previous
from survey.reports.values import driver_values
from survey.reports.wording import Wording
from survey.responses.open_texts import coding_progress, theme_frame, theme_rows
from survey.stats.drivers import key_drivers
from survey.stats.estimates import SHARE
from survey.stats.tables import FigureTable
from survey.studies.models import Round

LEAST_FOR_DRIVERS = 200  # a regression on a handful of items needs some hundred answers
MIX_MOVED = 0.05  # a mode's share that moved by more may carry a change
ALL_MODES = "modes"
NO_EXTERNAL = "no_external"
LEVEL_TAIL = 0.975


def drivers_part(work: Work) -> dict[str, Any] | None:
    """Key drivers of the overall item, for the whole and each district with enough answers.

    Where the base of one of these items is masked there are none: they print that base.
    """
    frame = work.frame
    found = driver_values(frame.inputs, work.versions, work.wordings)
    if found is None:
        return None
    code, outcome, scores = found
    drivers = {name: values for name, values in scores.items() if name != outcome}
    names = [DRIVERS + code, *(ITEM + name for name in scores)]
    masked = {place for name in names for place in work.masks.get(name, {})}
    places = []
    for domain in frame.domains:
        mine = domain.inside & frame.inputs.responded
        if (
            domain.key not in masked
            and domain.kind in ("all", DISTRICT)
            and int((mine & ~np.isnan(scores[outcome])).sum()) >= max(LEAST_FOR_DRIVERS, frame.floor)
        ):
            places.append(domain)
    statements = len(drivers) * len(places)
    return {
        "indicator": code,
        "outcome": outcome,
        "domains": {
            d.key: key_drivers(frame.weighted, scores[outcome], drivers, d.inside, statements=statements)
            for d in places
        },
    }


def mode_mix(work: Work, mask: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{domain: {mode: weighted share of the answers}} where the domain's count may be known."""
    frame = work.frame
    modes = sorted(frame.inputs.modes)
    tables = {
        mode: frame.plain.figures(
            np.where(frame.inputs.responded, frame.inputs.mode == mode, np.nan).astype(float), SHARE
        )
        for mode in modes
    }
    found: dict[str, dict[str, Any]] = {}
    for domain in frame.domains:
        if domain.kind in ("all", *REGIONS) and domain.key not in mask:
            rows = {m: float(t.estimate[t.row(domain.key)]) for m, t in tables.items()}
            found[domain.key] = {m: v for m, v in rows.items() if np.isfinite(v)}
    return found


def mode_counts(work: Work) -> dict[str, int]:
    """Answers of each domain."""
    answered = np.where(work.frame.inputs.responded, 1.0, np.nan)
    return counts_in(work.frame, answered)[0]


def mix_changed(now: Mapping[str, Any], previous: Previous | None) -> bool:
    """Whether a mode's share of the whole moved by more than five points since the last report."""
    if previous is None or ALL not in now:
        return False
    mine = now[ALL]
    before = previous.document.get("modes", {}).get("mix", {}).get(ALL)
    if before is None:
        counts = previous.document["response"]["modes"]
        before = {mode: n / sum(counts.values()) for mode, n in counts.items()}
    return any(abs(mine.get(m, 0.0) - before.get(m, 0.0)) > MIX_MOVED for m in {*mine, *before})


@dataclass(frozen=True, eq=False)
class Coded:
    """The coded answers of one open item: how far coding is, and a 0/1 column of the cases for each theme.

    columns : {(code, label): shape (n_cases,), NaN without a coded answer}
    """

    progress: Mapping[str, int]
    columns: Mapping[tuple[int, str], np.ndarray]


def coded_answers(round: Round, inputs: Inputs) -> dict[str, Coded]:
    """{item: its coded answers} of the round's open items."""
    names, progress, rows = theme_frame(round), coding_progress(round), theme_rows(round)
    at = {pk: row for row, pk in enumerate(inputs.response_ids) if pk is not None}
    given: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for response, item, codes in zip(rows["response_id"], rows["item"], rows["themes"], strict=True):
        if response in at:
            given[item][at[response]] |= set(codes)
    found = {}
    for item, answers in sorted(given.items()):
        columns = {}
        for code, label in sorted(names.get(item, {}).items()):
            values = np.full(len(inputs.case_ids), np.nan)
            values[list(answers)] = [float(code in codes) for codes in answers.values()]
            columns[int(code), label] = values
        found[item] = Coded(progress.get(item, {"texts": 0, "coded": 0}), columns)
    return found


def themes_part(work: Work, coded: Mapping[str, Coded]) -> dict[str, Any]:
    """Themes of open answers: {item: {"texts", "coded", "themes": [{"code", "label", domains …}]}}.

    A theme's share is among the coded answers of the item, weighted, for the whole and the districts where
    that count may be known.
    """
    return {
        item: {**own.progress, "themes": _themes(work, own, work.masks.get(THEMES + item, {}))}
        for item, own in coded.items()
    }


def _themes(work: Work, coded: Coded, mask: Mapping[str, str]) -> list[dict[str, Any]]:
    frame, found = work.frame, []
    for (code, label), values in coded.columns.items():
        table = frame.plain.figures(values, SHARE)
        shares = {}
        for key in (ALL, *frame.of_kind(DISTRICT)):
            row = table.row(key)
            if key not in mask and np.isfinite(table.low[row]):
                shares[key] = {
                    "share": float(table.estimate[row]),
                    "low": float(table.low[row]),
                    "high": float(table.high[row]),
                    "n": int(table.n[row]),
                }
        if shares:
            found.append({"code": code, "label": label, "domains": shares})
    return sorted(found, key=lambda row: -row["domains"].get(ALL, {"share": 0.0})["share"])


def shallow_tables(
    frame: Frame,
    versions: Sequence[IndicatorVersion],
    wordings: Mapping[str, Wording],
    coded: Mapping[str, Coded],
) -> dict[str, list[np.ndarray]]:
    """What `choose_masks` must know of themes and drivers: 0/1 columns, NaN outside the printed base."""
    tables = {THEMES + item: list(own.columns.values()) for item, own in coded.items() if own.columns}
    found = driver_values(frame.inputs, versions, wordings)
    if found is not None:
        code, _outcome, scores = found
        complete = np.isfinite(np.column_stack(list(scores.values()))).all(axis=1)
        tables[DRIVERS + code] = [np.where(complete, 0.0, np.nan)]
    return tables


def composite_part(
    work: Work, version: IndicatorVersion, external: Mapping[str, Mapping[str, ExternalScore]]
) -> dict[str, Any]:
    """A composite's figures: survey indicators on 0–100 and external scores, by fixed weights.

    The interval carries the survey's error; an external score without an error of its own counts as known,
    and "covers" then says "survey".
    """
    by_code = {v.indicator.code: v for v in work.versions}
    parts = version.definition["components"]
    total = sum(part["weight"] for part in parts)
    own = [(by_code[p["indicator"]], p["weight"] / total) for p in parts if "indicator" in p]
    others = [(p["external"], p["weight"] / total) for p in parts if "external" in p]
    tables = [work.table(v) for v, _weight in own]
    scaled = [w * (100.0 if v.kind == IndicatorVersion.Kind.SHARE else 1.0) for v, w in own]
    estimate, se = work.frame.tables.combined(tables, scaled)
    masks = [work.masks[INDICATOR + v.indicator.code] for v, _weight in own]
    cells = {}
    for domain in work.frame.domains:
        row = tables[0].row(domain.key)
        reason = next((mask[domain.key] for mask in masks if domain.key in mask), None)
        scores = {code: external.get(code, {}).get(domain.key) for code, _weight in others}
        if reason is None and any(score is None for score in scores.values()):
            reason = NO_EXTERNAL
        if reason is None and not (np.isfinite(se[row]) and _df(tables, row) > 0):
            reason = NO_ERROR
        cells[domain.key] = (
            {"suppressed": reason}
            if reason
            else _composite_cell(tables, row, estimate[row], se[row], others, scores)
        )
    return {"estimates": cells}


def _df(tables: Sequence[FigureTable], row: int) -> float:
    return float(min(np.nan_to_num(table.df[row]) for table in tables))


def _composite_cell(
    tables: Sequence[FigureTable],
    row: int,
    estimate: float,
    se: float,
    others: Sequence[tuple[str, float]],
    scores: Mapping[str, Any],
) -> dict[str, Any]:
    value = estimate + sum(weight * scores[code].value for code, weight in others)
    errors = [weight * scores[code].se for code, weight in others if scores[code].se is not None]
    spread = float(np.sqrt(se**2 + sum(e**2 for e in errors)))
    df = _df(tables, row)
    half = float(stdtrit(df, LEVEL_TAIL)) * spread
    least = min(int(table.n[row]) for table in tables)
    return {
        "estimate": float(value),
        "se": spread,
        "low": float(value - half),
        "high": float(value + half),
        "df": df,
        "n": least,
        "n_effective": float(min(table.n_effective[row] for table in tables)),
        "deff": None,
        "variance": str(tables[0].method[row]),
        "external": {code: float(scores[code].value) for code, _weight in others},
        "covers": "all" if len(errors) == len(others) else "survey",
    }


def external_scores(round: Round) -> dict[str, dict[str, ExternalScore]]:
    """{code: {domain: score}} of a round."""
    found: dict[str, dict[str, ExternalScore]] = {}
    for score in ExternalScore.objects.filter(round=round):
        found.setdefault(score.code, {})[score.domain] = score
    return found


def trend_part(
    reports: Sequence[Report], entries: Sequence[Mapping[str, Any]], statuses: Mapping[str, Mapping[int, str]]
) -> dict[str, list[dict[str, Any]]]:
    """{indicator: [{"round", "number", "report", "status", "domains": {key: figure}}]} of earlier reports.

    The whole, districts and streets; a round whose rule or wording was another keeps its figures with that
    status, so that a page can break the line there.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        points = []
        for report in reports:
            cells = report.document["estimates"].get(entry["code"])
            if cells is None:
                continue
            kinds = {d["key"]: d["kind"] for d in report.document["domains"]}
            points.append(
                {
                    "round": report.round.name,
                    "number": report.round.number,
                    "report": report.number,
                    "status": statuses[entry["code"]][report.pk],
                    "domains": {
                        key: {name: cell[name] for name in ("estimate", "low", "high", "n")}
                        for key, cell in cells.items()
                        if "suppressed" not in cell and kinds.get(key) in ("all", DISTRICT, STREET)
                    },
                }
            )
        found[entry["code"]] = points
    return found


def error_summary(work: Work, replicates: Any, why: str) -> dict[str, Any]:
    """How errors were made, and how far the shortcut and the linearised error lie from the recipe's own.

    "ratio_fixed" and "ratio_linearised" are medians over the whole and the districts of all indicators.
    """
    if replicates is None:
        return {"method": "taylor", "reason": why}
    fixed, linear = [], []
    keys = [ALL, *work.frame.of_kind(DISTRICT)]
    for version in work.versions:
        if version.kind == COMPOSITE:
            continue
        table = work.table(version)
        for row in (table.row(key) for key in keys):
            if table.se[row] > 0:
                fixed.append(table.se_fixed[row] / table.se[row])
                linear.append(table.se_linearised[row] / table.se[row])
    return {
        "method": "bootstrap",
        "replicates": replicates.asked,
        "failed": replicates.failed,
        "seed": replicates.seed,
        "ratio_fixed": finite(float(np.median(fixed))) if fixed else None,
        "ratio_linearised": finite(float(np.median(linear))) if linear else None,
    }
