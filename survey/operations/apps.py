from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "survey.operations"
    label = "operations"
    verbose_name = "运行"
