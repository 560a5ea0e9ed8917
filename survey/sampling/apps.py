from django.apps import AppConfig


class SamplingConfig(AppConfig):
    name = "survey.sampling"
    label = "sampling"
