"""The product. Importing Celery's app here makes `delay_on_commit` and `shared_task` find it."""

from survey.celery import app as celery_app

__all__ = ["celery_app"]
