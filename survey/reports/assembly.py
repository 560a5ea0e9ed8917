"""Builds the document of a run; docs/result-document.md describes its shape."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from survey.indicators.models import IndicatorVersion
from survey.reports import blend, extras
from survey.reports.claiming import (
    by_indicator,
    comparisons_of,
    judge_parts,
    ranks_of,
    summary_of,
    targets_of,
)
from survey.reports.computing import COMPOSITE, Sample, Work, indicator_part, make_frame, same_mode_part
from survey.reports.disclosure import Table, suppress
from survey.reports.document import significant
from survey.reports.domains import families
from survey.reports.estimation import Frame, item_distribution
from survey.reports.masks import ITEM, choose_masks
from survey.reports.notices import notice
from survey.reports.parts import Parts
from survey.reports.previous import (
    TESTED,
    Previous,
    comparable,
    find_previous,
    find_reports,
    split_regions,
)
from survey.reports.sections import facts_of, indicator_entry, levels_of, top_codes, wordings_of
from survey.reports.values import case_values, item_columns
from survey.reports.wording import Wording
from survey.stats.change import Rounds
from survey.stats.claims import Verdict
from survey.studies.models import Round

Say = Callable[[float, str], None]


def build_document(
    *,
    sample: Sample,
    margins: list[dict[str, Any]],
    snapshot: dict[str, Any],
    earlier_masks: Mapping[str, Mapping[str, str]],
    parts: Parts,
    say: Say,
) -> dict[str, Any]:
    """Everything that a report of this run can print. The same inputs give the same document."""
    round = sample.round
    versions = list(
        round.indicator_versions.select_related("indicator").order_by(
            "indicator__position", "indicator__code"
        )
    )
    wordings = wordings_of(round, versions)
    frame, replicates, why = make_frame(sample)
    say(0.3, "")
    own = [v for v in versions if v.kind != COMPOSITE]
    columns = _item_columns(frame, own, wordings)
    coded = extras.coded_answers(round, frame.inputs)
    masks = choose_masks(
        frame,
        {v.indicator.code: case_values(frame.inputs, v, wordings) for v in own},
        columns,
        earlier_masks,
        extras.shallow_tables(frame, versions, wordings, coded),
    )
    previous = find_previous(round)
    work = _work(sample, frame, versions, wordings, masks, previous)
    statuses = {v.indicator.code: _status(v, previous, wordings) for v in own}
    found: dict[str, dict[str, Any]] = {}
    for number, version in enumerate(own):
        say(0.32 + 0.36 * number / len(own), version.indicator.name)
        code = version.indicator.code
        found[code] = parts.of(f"indicator:{code}", lambda v=version: _one(work, v, statuses))
        work.lighten(code)
    verdicts = judge_parts(found)
    distributions = _distributions(frame, own, wordings, columns, masks, parts, say)
    say(0.86, "")
    mix_mask = _mode_mask(work, earlier_masks)
    document = facts_of(round, frame, versions, wordings, sample, margins, snapshot)
    document |= {
        "estimates": {code: part["estimates"] for code, part in found.items()}
        | _composites(work, round, parts),
        "comparisons": comparisons_of(found, verdicts, {d.key: d.kind for d in frame.domains}),
        "targets": targets_of(verdicts, {v.indicator.code: v.target for v in own}),
        "ranks": ranks_of(found),
        "claims": summary_of(verdicts, found),
        "distributions": distributions,
        "small_areas": {code: part["small_areas"] for code, part in found.items()},
        "communities": [d.entry() for d in frame.communities],
        "drivers": parts.of("drivers", lambda: extras.drivers_part(work)),
        "modes": {"mix": extras.mode_mix(work, mix_mask)},
        "themes": parts.of("themes", lambda: extras.themes_part(work, coded)),
        "errors": parts.of("errors", lambda: extras.error_summary(work, replicates, why)),
        "masks": {name: sorted(mask) for name, mask in (masks | {extras.ALL_MODES: mix_mask}).items()},
    }
    document["modes"]["changed"] = extras.mix_changed(document["modes"]["mix"], previous)
    document["change"] = _change(work, found, verdicts, statuses, document["modes"]["changed"], parts)
    document["trend"] = _trend(round, document["indicators"], wordings)
    if sample.spec.get(blend.SPEC):
        document[blend.SPEC] = parts.of(
            blend.SPEC, lambda: blend.blend_part(work, sample, document["estimates"])
        )
    document["notices"] = _notices(work, sample, found, statuses, document)
    return significant(document)


def _work(
    sample: Sample,
    frame: Frame,
    versions: Sequence[IndicatorVersion],
    wordings: Mapping[str, Wording],
    masks: Mapping[str, Mapping[str, str]],
    previous: Previous | None,
) -> Work:
    rounds, earlier = None, None
    if previous is not None and previous.weighted is not None and previous.sample is not None:
        rounds = Rounds(previous.weighted, sample.weighted, previous.inputs.psu, sample.inputs.psu)
        spec = previous.sample.spec
        taylor = spec | {"variance": spec["variance"] | {"method": "taylor"}}
        earlier = make_frame(Sample(**{**vars(previous.sample), "spec": taylor}))[0]
    return Work(frame, versions, wordings, masks, previous, rounds, earlier)


def _status(
    version: IndicatorVersion, previous: Previous | None, wordings: Mapping[str, Wording]
) -> tuple[str, list[str]]:
    if previous is None:
        return "", []
    return comparable(previous.document, indicator_entry(version), wordings)


def _one(work: Work, version: IndicatorVersion, statuses: Mapping[str, tuple[str, list[str]]]) -> Any:
    status = statuses[version.indicator.code][0]
    part = indicator_part(work, version, status)
    return part | {"same_mode": same_mode_part(work, version) if status == TESTED else {}}


def _item_columns(
    frame: Frame, versions: Sequence[IndicatorVersion], wordings: Mapping[str, Wording]
) -> dict[str, dict[str, Any]]:
    """0/1 columns of every item that has choices."""
    return {
        wording.name: item_columns(
            frame.inputs, wording, levels_of(versions, wording)[0], top_codes(versions, wording)
        )
        for wording in wordings.values()
        if wording.choices
    }


def _distributions(
    frame: Frame,
    versions: Sequence[IndicatorVersion],
    wordings: Mapping[str, Wording],
    columns: Mapping[str, Mapping[str, Any]],
    masks: Mapping[str, Mapping[str, str]],
    parts: Parts,
    say: Say,
) -> dict[str, Any]:
    found = {}
    for number, (name, own) in enumerate(columns.items()):
        say(0.68 + 0.18 * number / len(columns), name)
        levels, ordinal = levels_of(versions, wordings[name])
        domains = parts.of(
            f"item:{name}",
            lambda own=own, levels=levels, name=name: item_distribution(
                frame, own, levels, masks[ITEM + name]
            ),
        )
        top = top_codes(versions, wordings[name])
        found[name] = {"levels": levels, "top": top, "domains": domains, "ordinal": ordinal}
    return found


def _composites(work: Work, round: Round, parts: Parts) -> dict[str, Any]:
    external = extras.external_scores(round)
    return {
        v.indicator.code: parts.of(
            f"indicator:{v.indicator.code}", lambda v=v: extras.composite_part(work, v, external)
        )["estimates"]
        for v in work.versions
        if v.kind == COMPOSITE
    }


def _mode_mask(work: Work, earlier: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Where the shares of the modes may not be printed: by the count of all answers."""
    table = Table(extras.mode_counts(work), families(work.frame.domains))
    return suppress(table, work.frame.floor, earlier=earlier.get(extras.ALL_MODES))


def _change(
    work: Work,
    found: Mapping[str, Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    statuses: Mapping[str, tuple[str, list[str]]],
    mix_moved: bool,
    parts: Parts,
) -> dict[str, Any] | None:
    """Change since the last report: {"previous", "shared_psus", "mode_mix_changed", "indicators"}."""
    if work.previous is None:
        return None
    judged = by_indicator(verdicts, "change")
    rows: dict[str, Any] = {}
    for code, part in found.items():
        status, items = statuses[code]
        rows[code] = {"status": status, "items": items, "domains": {}, "same_mode": {}}
        for key, change in part["change"].items():
            if key in judged.get(code, {}):
                rows[code]["domains"][key] = judged[code][key] | {
                    "before": change["before"],
                    "covariance": change["covariance"],
                }
        if mix_moved:
            rows[code]["same_mode"] = part["same_mode"]
    return {
        "previous": work.previous.entry(),
        "shared_psus": work.rounds.n_shared if work.rounds else None,
        "mode_mix_changed": mix_moved,
        "indicators": rows,
    }


def _trend(
    round: Round, entries: Sequence[Mapping[str, Any]], wordings: Mapping[str, Wording]
) -> dict[str, Any]:
    reports = find_reports(round)
    statuses = {
        entry["code"]: {report.pk: comparable(report.document, entry, wordings)[0] for report in reports}
        for entry in entries
    }
    return extras.trend_part(reports, entries, statuses)


def _notices(
    work: Work,
    sample: Sample,
    found: Mapping[str, Mapping[str, Any]],
    statuses: Mapping[str, tuple[str, list[str]]],
    document: Mapping[str, Any],
) -> list[dict[str, Any]]:
    rows = [notice("no_valid_base", indicator=code) for code, part in found.items() if not part["n"]]
    for code, (status, items) in statuses.items():
        if status == "wording_changed":
            rows.append(notice(status, indicator=code, items=items))
        elif status == "rule_changed":
            rows.append(notice(status, indicator=code))
    if work.previous is not None:
        split = split_regions(work.previous.document, document["domains"])
        rows += [notice("region_split", **row) for row in split]
        if work.previous.weighted is None:
            rows.append(notice("no_previous_sample"))
        if document["modes"]["changed"]:
            rows.append(notice("mode_mix"))
    rows += _empty_margins(sample, document["weights"]["margins"])
    if document["errors"].get("reason"):
        rows.append(notice("no_bootstrap", reason=document["errors"]["reason"]))
    for version in work.versions:
        if version.kind == COMPOSITE:
            cells = document["estimates"][version.indicator.code].items()
            # Groups of people have no inspection: their cells say so, and no place lacks anything.
            if any(c.get("suppressed") == extras.NO_EXTERNAL for key, c in cells if ":" not in key):
                parts = [p for p in version.definition["components"] if "external" in p]
                scores = [p.get("name", p["external"]) for p in parts]
                rows.append(notice("no_external", indicator=version.indicator.code, score="、".join(scores)))
    cut = document["weights"]["diagnostics"]["n_trimmed"]
    if cut:
        rows.append(notice("trimmed", count=cut))
    return rows


def _empty_margins(sample: Sample, margins: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Categories of the population that nobody in the sample stands for."""
    inputs, rows = sample.inputs, []
    bands = range(len(sample.spec["poststratification"]["bands"]))
    for row in margins:
        here = inputs.responded & (inputs.district == row["district"])
        if not here.any():
            rows.append(notice("district_empty", district=row["district"]))
            continue
        for sex in ("male", "female"):
            for band in bands:
                if not (here & (sample.sex == sex) & (sample.band == band)).any():
                    rows.append(notice("margin_empty", district=row["district"], sex=sex, band=band))
    return rows
