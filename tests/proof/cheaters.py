"""Are cheating interviewers found, and honest ones left alone?

Fields of `simulated_field` (written before the flags) go through the same functions as a real field:
`interview_doubts`, `standouts`, and the back-checks of `survey.fieldwork.backcheck_rule`. Seeds are fixed.
"""

import os

import numpy as np

from analysis.field_quality import Interviews, interview_doubts, standouts
from survey.fieldwork.backcheck_rule import wanted
from tests.proof.simulated_field import (
    BLOCK,
    COPIES,
    DONT_KNOW,
    HONEST,
    INTENSITIES,
    KINDS,
    MAKES_UP,
    N_INTERVIEWERS,
    N_ITEMS,
    NEIGHBOUR,
    SPEEDS,
    Field,
    simulate_field,
)

TITLE = "Cheating interviewers are found, honest ones left alone"
FIELDS = int(os.environ.get("MINYI_PROOF_FIELDS", "200"))
CLAIM = (
    f"{FIELDS} simulated fields of {N_INTERVIEWERS} interviewers for each intensity, four of whom cheat "
    "(makes up answers, interviews the neighbour, speeds, copies), and as many wholly honest ones. At medium "
    "intensity at least 90 % of the cheaters are named, while at most 5 % of the honest fields name anybody."
)
SEED = 20_261_124
ALPHAS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
ALPHA, FOUND_AT_LEAST = 0.05, 0.9
SHARE, MINIMUM = 0.2, 6  # back-checks: of the work, at least
REACHED, INSISTED = 0.8, 0.95  # households reached, and when all of somebody's work is checked
WRONGLY_DENIED, DENIED = 0.02, 0.95  # honest interviews that the household denies; false ones
NOTICED = 0.5  # of interviews whose questions were not read out
DENIALS = {HONEST: WRONGLY_DENIED, MAKES_UP: DENIED, NEIGHBOUR: DENIED, SPEEDS: NOTICED, COPIES: DENIED}
BLOCKS = [range(first, first + BLOCK) for first in range(0, N_ITEMS, BLOCK)]


def columns(field: Field, checked: np.ndarray | None = None, refuted: np.ndarray | None = None) -> Interviews:
    """A simulated field as the flags see a real one: nothing of the truth."""
    n = len(field.interviewer)
    return Interviews(
        interviewer=field.interviewer,
        area=field.community,
        codes=field.answers,
        blocks=BLOCKS,
        n_unsure=(field.answers == DONT_KNOW).sum(axis=1),
        n_items=np.full(n, N_ITEMS),
        duration_s=field.duration_s,
        start_s=field.start_s,
        place_m=field.place,
        phone=np.where(field.phone < 0, "", field.phone.astype(str)),
        photo=field.photo,
        n_adults=field.n_adults,
        roster_age=field.roster_age,
        age=field.age,
        roster_sex=field.roster_sex,
        sex=field.sex,
        visits=field.attempts,
        checked=checked,
        refuted=refuted,
    )


def check_back(rng: np.random.Generator, field: Field, suspect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reached and disagreeing interviews, by the survey's own rule of going on."""
    n = len(field.interviewer)
    luck = rng.random(n)
    denies = rng.random(n) < np.array([DENIALS[kind] for kind in field.cheated])
    checked = np.zeros(n, dtype=bool)
    for who in range(N_INTERVIEWERS):
        own = rng.permutation(np.flatnonzero(field.interviewer == who))
        order, done = own[luck[own] < REACHED], 0
        while True:
            refuted = int(denies[order[:done]].sum())
            goal = wanted(len(own), share=SHARE, minimum=MINIMUM, refuted=refuted, suspect=suspect[who])
            if goal == len(own):
                order = own[luck[own] < INSISTED]
            if done >= min(goal, len(order)):
                break
            done = min(goal, len(order))
        checked[order[:done]] = True
    return checked, denies & checked


def least_p(field: Field, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Adjusted p of each interviewer (column 0), then kind by kind; the kinds; how many checks were made."""
    first = interview_doubts(columns(field))
    suspect = standouts(field.interviewer, first, alpha=ALPHA).suspect
    checked, refuted = check_back(rng, field, suspect)
    whole = interview_doubts(columns(field, checked, refuted))
    found = standouts(field.interviewer, whole, alpha=ALPHA)
    return np.column_stack([found.adjusted, found.by_kind]), np.array(found.kinds), int(checked.sum())


def simulate(
    intensity: float, seeds: list[np.random.SeedSequence]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(kind of each interviewer, adjusted p by doubt, names of doubts, back-checks) over all fields."""
    kinds, adjusted, names, checks = [], [], np.array([]), 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        field = simulate_field(rng, intensity)
        p, names, n_checks = least_p(field, rng)
        kinds.append(field.kind_of)
        adjusted.append(p)
        checks += n_checks
    return np.array(kinds), np.array(adjusted), names, checks


def run() -> tuple[bool, list[str]]:
    """Simulate everything; (the claim holds, lines of the page)."""
    seeds = np.random.SeedSequence(SEED).spawn(4 * FIELDS)
    levels = {"honest": 0.0, **INTENSITIES}
    results = {
        name: simulate(share, seeds[k * FIELDS : (k + 1) * FIELDS])
        for k, (name, share) in enumerate(levels.items())
    }
    named = {name: p[..., 0] <= ALPHA for name, (_kinds, p, _names, _n) in results.items()}
    false_fields = float(named["honest"].any(axis=1).mean())
    medium = results["medium"][0] != HONEST
    found = float(named["medium"][medium].mean())
    lines = [*_curve(results), *_by_kind(results), *_by_doubt(results), *_costs(results)]
    return found >= FOUND_AT_LEAST and false_fields <= ALPHA, lines


def _curve(results: dict) -> list[str]:
    lines = [
        "## Detection and false alarms by the accepted chance",
        "",
        "| accepted chance of a false alarm in a field | honest fields that name anybody | "
        + " | ".join(f"{name}: cheaters named (and fields with an honest one named)" for name in INTENSITIES)
        + " |",
        "|---|---|" + "---|" * len(INTENSITIES),
    ]
    for alpha in ALPHAS:
        cells = [f"{_share((results['honest'][1][..., 0] <= alpha).any(axis=1))}"]
        for name in INTENSITIES:
            kinds, p, _names, _n = results[name]
            accused = p[..., 0] <= alpha
            wrong = (accused & (kinds == HONEST)).any(axis=1)
            cells.append(f"{_share(accused[kinds != HONEST])} ({_share(wrong)})")
        lines.append(f"| {alpha:g} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _by_kind(results: dict) -> list[str]:
    lines = [f"## Named at {ALPHA:g}, by the way of cheating", "", "| | " + " | ".join(INTENSITIES) + " |"]
    lines.append("|---|" + "---|" * len(INTENSITIES))
    for kind, words in KINDS.items():
        cells = []
        for name in INTENSITIES:
            kinds, p, _names, _n = results[name]
            cells.append(_share((p[..., 0] <= ALPHA)[kinds == kind]))
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _by_doubt(results: dict) -> list[str]:
    """Which doubt finds whom at medium intensity, and which one errs."""
    kinds, p, names, _n = results["medium"]
    honest = results["honest"][1] <= ALPHA
    lines = ["## Which doubt names whom (medium)", "", "| doubt | " + " | ".join(KINDS.values())]
    lines[-1] += " | honest fields with a false one |"
    lines.append("|---|" + "---|" * (len(KINDS) + 1))
    for k, doubt in enumerate(names):
        cells = [_share((p[..., k + 1] <= ALPHA)[kinds == kind]) for kind in KINDS]
        lines.append(f"| {doubt} | " + " | ".join(cells) + f" | {_share(honest[..., k + 1].any(axis=1))} |")
    return [*lines, ""]


def _costs(results: dict) -> list[str]:
    per_field = {name: checks / FIELDS for name, (_k, _p, _n, checks) in results.items()}
    words = ", ".join(f"{name} {n:.0f}" for name, n in per_field.items())
    return [
        f"Back-checks reached per field ({N_INTERVIEWERS} interviewers, about 1,200 interviews): {words}. "
        f"Assumed: {REACHED:.0%} of households are reached ({INSISTED:.0%} where all work is checked); "
        f"{WRONGLY_DENIED:.0%} of honest interviews and {DENIED:.0%} of false ones are denied, and "
        f"{NOTICED:.0%} of those that were not read out.",
        "",
        "Limits: interviewers within a field differ in pace and in their effect on answers, but come from "
        "one distribution; two interviewers share the addresses of a community; whoever falsifies less than "
        "a tenth of his work is mostly not found.",
    ]


def _share(values: np.ndarray) -> str:
    """A share with the half width of its 95 % interval (normal), of independent fields or cheaters."""
    mean, n = float(np.mean(values)), max(np.size(values), 1)
    return f"{mean:.1%} ± {1.96 * np.sqrt(mean * (1 - mean) / n):.1%}"
