"""Figures of the installation for Prometheus, read from the database when they are asked for."""

import shutil
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from survey.jobs.models import Job
from survey.operations.health import all_checks, last_backup_age, silent_since, waiting_since
from survey.responses.models import Response
from survey.studies.models import Round


class _Figures(Collector):
    """Counts only: nothing here is about one person or one household."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        checks = GaugeMetricFamily("minyi_check", "1: right, 0: wrong", labels=["name"])
        for check in all_checks():
            checks.add_metric([check.name], int(check.is_right))
        yield checks
        jobs = GaugeMetricFamily("minyi_jobs", "Jobs by state", labels=["state"])
        counted = dict(Job.objects.order_by().values_list("state").annotate(n=Count("pk")))
        for state in Job.State.values:
            jobs.add_metric([state], counted.get(state, 0))
        yield jobs
        yield _gauge("minyi_job_waiting_seconds", "Wait of the oldest job", waiting_since().total_seconds())
        yield _gauge("minyi_job_silent_seconds", "Silence of a running job", silent_since().total_seconds())
        answers = GaugeMetricFamily(
            "minyi_responses", "Responses by round and mode", labels=["round", "mode"]
        )
        rows = Response.objects.order_by().values_list("round", "mode").annotate(n=Count("pk"))
        for round_pk, mode, n in rows:
            answers.add_metric([str(round_pk), mode], n)
        yield answers
        rounds = Round.objects.filter(state=Round.State.OPEN).count()
        yield _gauge("minyi_rounds_open", "Rounds in the field", rounds)
        yield _gauge("minyi_disk_free_bytes", "Free", shutil.disk_usage(settings.VAR_DIR).free)
        age = last_backup_age()
        if age is not None:
            yield _gauge("minyi_backup_age_seconds", "Since the last backup", age.total_seconds())


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def metrics_text() -> bytes:
    """Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)
