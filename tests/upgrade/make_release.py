"""Freezes a small database of this release, with data in every step of a study: run once per release.

    MINYI_ENV=test python -m tests.upgrade.make_release NAME     writes tests/upgrade/NAME.sql.gz

Later releases must bring it to their newest tables without losing a row (test_upgrade.py). Files are never
made anew for a release that is out.
"""

import gzip
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

import django

FOLDER = Path(__file__).resolve().parent


def main(name: str) -> None:
    """Build the database and dump it as SQL."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINYI_VAR_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")
        django.setup()
        from django.core.management import call_command  # Django must be set up first

        from survey.contacts.services import issue_codes
        from survey.reports.services import create_run, publish_report
        from tests import factories

        call_command("migrate", verbosity=0)
        regions = factories.make_regions()
        lead = factories.make_user("li", "study_lead", regions["370100000000"])
        factories.make_user("wang", "official", regions["370105000000"])
        round_ = factories.make_measured_round(regions["370105000000"], take=12, state="open")
        issue_codes(cases=list(round_.cases.all()), batch=None, acting_user=lead)
        factories.make_responses(
            round_, lambda i, case: {"Q20": 5 - i % 5, "D01": 1 + i % 2, "S02": 20 + i} if i % 5 else None
        )
        run = create_run(round=round_, acting_user=lead)
        publish_report(run=run, title="升级用的小报告", acting_user=lead)
        with sqlite3.connect(Path(folder) / "minyi.sqlite3") as database:
            text = "\n".join(database.iterdump())
    (FOLDER / f"{name}.sql.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
