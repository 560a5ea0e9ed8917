from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "survey.audit"
    label = "audit"
