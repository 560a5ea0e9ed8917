from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "survey.indicators"
    label = "indicators"
