from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "survey.reports"
    label = "reports"
