from django.apps import AppConfig


class FieldworkConfig(AppConfig):
    name = "survey.fieldwork"
    label = "fieldwork"
