from django.apps import AppConfig


class StudiesConfig(AppConfig):
    name = "survey.studies"
    label = "studies"
