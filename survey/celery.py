"""Celery's application. The settings module is named before the app is made: `delay_on_commit` needs it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")

app = Celery("minyi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["survey.jobs"])
