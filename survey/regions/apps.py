from django.apps import AppConfig


class RegionsConfig(AppConfig):
    name = "survey.regions"
    label = "regions"
