from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "survey.demo"
    label = "demo"
