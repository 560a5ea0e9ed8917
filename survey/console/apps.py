from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "survey.console"
    label = "console"
