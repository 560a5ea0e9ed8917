"""From all tests of a report to what it may claim, and to the sections that pages read. No database."""

from collections.abc import Mapping, Sequence
from typing import Any

from survey.stats import claims
from survey.stats.claims import Test, Verdict
from survey.stats.estimates import interval_of

ABOVE, BELOW, UNSURE = "above", "below", "unsure"


def judge_parts(parts: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    """Every test of every indicator's part, judged as one family."""
    return claims.judge([Test(*row) for part in parts.values() for row in part["tests"]])


def direction(verdict: Verdict) -> str:
    """Which way a claim goes; "unsure" where the report may claim nothing."""
    if not verdict.claimed:
        return UNSURE
    return ABOVE if verdict.test.difference > 0 else BELOW


def row_of(verdict: Verdict) -> dict[str, Any]:
    """One judged test as the document keeps it. low and high: the difference's own 95 % interval."""
    test = verdict.test
    low, high = interval_of(test.difference, test.se, test.df)
    return {
        "difference": test.difference,
        "low": low,
        "high": high,
        "p": verdict.p_value,
        "p_adjusted": verdict.adjusted,
        "claimed": verdict.claimed,
        "verdict": direction(verdict),
    }


def by_indicator(verdicts: Sequence[Verdict], kind: str) -> dict[str, dict[str, dict[str, Any]]]:
    """{indicator: {domain: row}} of one kind of test."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for verdict in verdicts:
        if verdict.test.kind == kind:
            found.setdefault(verdict.test.indicator, {})[verdict.test.domain] = row_of(verdict)
    return found


def targets_of(
    verdicts: Sequence[Verdict], targets: Mapping[str, float | None]
) -> dict[str, dict[str, dict[str, Any]]]:
    """{indicator: {domain: {"target", "verdict", …}}}: "above" means shown to exceed the target."""
    return {
        code: {key: row | {"target": targets[code]} for key, row in rows.items()}
        for code, rows in by_indicator(verdicts, "target").items()
    }


def comparisons_of(
    parts: Mapping[str, Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    kinds: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """{indicator: {kind of domain: {"against_all", "apart", "median_margin"}}}.

    against_all : {domain: row, with "margin" and "differs"}; "differs" is the report's claim
    apart : {domain: [those that the rank sets tell apart from it]}; everybody else is a tie
    """
    against = by_indicator(verdicts, "against_all")
    found: dict[str, dict[str, Any]] = {}
    for code, part in parts.items():
        own: dict[str, Any] = {}
        for key, row in against.get(code, {}).items():
            entry = row | {"differs": row["claimed"], "margin": row["high"] - row["difference"]}
            own.setdefault(kinds[key], {"against_all": {}, "apart": {}, "median_margin": None})
            own[kinds[key]]["against_all"][key] = entry
        for kind, league in part.get("leagues", {}).items():
            own.setdefault(kind, {"against_all": {}, "apart": {}, "median_margin": None})
            own[kind]["apart"] = league["apart"]
            own[kind]["median_margin"] = league["margin"]
        found[code] = own
    return found


def ranks_of(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{indicator: {kind: {"low", "high", "level", "method"}}}: best and worst rank of each unit."""
    return {
        code: {
            kind: {name: league[name] for name in ("low", "high", "level", "method")}
            for kind, league in part.get("leagues", {}).items()
        }
        for code, part in parts.items()
    }


def summary_of(verdicts: Sequence[Verdict], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The family: its parts of the error, how much was asked, and the list of what is claimed."""
    claimed = [verdict for verdict in verdicts if verdict.claimed]
    return {
        "family": claims.FAMILY,
        "shares": {"tests": claims.TESTS, "ranks": claims.RANKS, "drivers": claims.DRIVERS},
        "tests": len(verdicts),
        "leagues": sum(len(part.get("leagues", {})) for part in parts.values()),
        "told_apart": sum(
            len(others)
            for part in parts.values()
            for league in part.get("leagues", {}).values()
            for others in league["apart"].values()
        )
        // 2,
        "list": [
            {"kind": v.test.kind, "indicator": v.test.indicator, "domain": v.test.domain} | row_of(v)
            for v in claimed
        ],
    }
