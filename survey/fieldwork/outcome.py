"""The field's outcome by AAPOR: counts, e, every rate, by street; live, and frozen when the field closes."""

from collections import Counter, defaultdict
from typing import Any

from survey.fieldwork.rules import attempts_of, rules_of
from survey.regions.models import Region
from survey.responses.outcomes import outcome_classes
from survey.responses.queries import case_columns
from survey.sampling.models import Case
from survey.stats.rates import outcome_rates
from survey.studies.models import Round

STANDARD = "AAPOR Standard Definitions, 9th edition (2016)"
E_RULE = "CASRO: eligible / (eligible + not eligible) among cases of known eligibility"
STREET_DIGITS = 9


def read_outcome(round: Round) -> dict[str, Any]:
    """Counts by class, e, RR1–RR6, COOP, REF and CON of all released cases, and by street.

    Returns
    -------
    dict : "standard", "e_rule", "n_cases", "counts", "e", "rates" (None where the denominator is 0),
        "by_street" {street code: {"name", "counts", "rates"}}, and of the non-contacts "noncontacts"
        {"n", "under_tried"}: how many ended with fewer visits than the round's rules ask for
    """
    cases = case_columns(round)
    classes = outcome_classes(round, cases)
    counts = Counter(classes.tolist())
    found = outcome_rates(counts)
    streets: dict[str, Counter] = defaultdict(Counter)
    for path, one in zip(cases["region_path"], classes, strict=True):
        streets[path[:STREET_DIGITS]][one] += 1
    names = dict(Region.objects.filter(path__in=streets).values_list("path", "name"))
    return {
        "standard": STANDARD,
        "e_rule": E_RULE,
        "n_cases": len(classes),
        "counts": found["counts"],
        "e": found["e"],
        "rates": found["rates"],
        "by_street": {
            path.ljust(12, "0"): {
                "name": names.get(path, path),
                "counts": dict(sorted(some.items())),
                "rates": outcome_rates(some)["rates"],
            }
            for path, some in sorted(streets.items())
        },
        "noncontacts": _noncontacts(round, cases["case_id"], classes),
    }


def _noncontacts(round_: Round, case_ids: list[str], classes: Any) -> dict[str, int]:
    keys = [case for case, one in zip(case_ids, classes, strict=True) if one in ("NC", "UH", "UO")]
    cases = list(Case.objects.filter(opaque_id__in=keys).only("pk"))
    tried = attempts_of(cases, rules_of(round_))
    return {"n": len(cases), "under_tried": sum(not one.may_close for one in tried.values())}
