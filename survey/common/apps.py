from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "survey.common"
    label = "common"
