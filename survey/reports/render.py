"""The report on paper, through Typst."""

from pathlib import Path

from survey.reports.models import Report

TEMPLATE = Path(__file__).with_name("report.typ")


def report_pdf(report: Report, code: str) -> bytes:
    """PDF of a report, with one indicator in front."""
    raise NotImplementedError
