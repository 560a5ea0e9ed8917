from django.apps import AppConfig


class ResponsesConfig(AppConfig):
    name = "survey.responses"
    label = "responses"
