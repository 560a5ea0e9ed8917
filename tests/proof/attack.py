"""Everything that a report prints, attacked at once, on larger cities than the ordinary test's."""

import tempfile

from django.db import transaction
from django.test import override_settings
from django.test.runner import DiscoverRunner

from survey.reports.disclosure import LEAST_WIDTH, PROTECTION
from survey.reports.services import create_run, publish_report
from survey.reports.tables_api import public_tables
from tests import factories
from tests.survey.reports.attack import attack, read_tables
from tests.survey.reports.thin_city import CITY, make_city, next_round, true_counts

TITLE = "What linear programming gets out of a report"
CLAIM = (
    "An intruder writes every count that a report prints as a linear constraint (places and groups, valid "
    "answers and those asked, each answer's share with its base, drivers, themes, modes, the round before) "
    f"and finds no masked count within less than {LEAST_WIDTH} or {PROTECTION:.0%} of itself."
)
# Response rates of the streets of each district, floor, seed of the answers.
CITIES = (
    ([[0.9, 0.8, 0.25, 0.9, 0.7], [0.8, 0.2, 0.9], [0.3, 0.35], [0.9] * 6], 8, 11),
    ([[0.9] * 6, [0.1, 0.9], [0.5, 0.5, 0.5], [0.4]], 12, 12),
    ([[0.6, 0.5, 0.7, 0.4]] * 4, 15, 13),
    ([[0.95] * 8, [0.2] * 8], 5, 14),
)


def run() -> tuple[bool, list[str]]:
    """Each city in a transaction that is rolled back, in one database in memory."""
    lines = ["| districts | streets | floor | answers | printed | attacked | exposed |", "|---" * 7 + "|"]
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        found = [_city(*city) for city in CITIES]
    finally:
        runner.teardown_databases(databases)
    for city, row in zip(CITIES, found, strict=True):
        streets = sum(map(len, city[0]))
        lines.append(f"| {len(city[0])} | {streets} | {city[1]} | " + " | ".join(map(str, row)) + " |")
    return all(row[-1] == 0 and row[-2] > 0 for row in found), lines


def _city(streets: list[list[float]], floor: int, seed: int) -> tuple[int, int, int, int]:
    """(answers, printed counts, cells attacked, cells exposed) of a second round's report."""
    folder = tempfile.TemporaryDirectory()
    with folder as media, override_settings(MEDIA_ROOT=media), transaction.atomic():
        regions = factories.make_regions()
        lead = factories.make_user("proof-lead", "study_lead", regions[CITY])
        first = make_city(streets, floor=floor, seed=seed)
        publish_report(run=create_run(round=first, acting_user=lead), title="1", acting_user=lead)
        round_ = next_round(first, streets, seed=seed + 100)
        document = create_run(round=round_, acting_user=lead).document
        tables = public_tables(document)
        exposed, tried = attack(tables, true_counts(round_, document), floor, document["masks"])
        for one in exposed:
            print(one, flush=True)
        transaction.set_rollback(True)
    return document["response"]["responses"], len(read_tables(tables).counts), tried, len(exposed)
