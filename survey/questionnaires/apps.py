from django.apps import AppConfig


class QuestionnairesConfig(AppConfig):
    name = "survey.questionnaires"
    label = "questionnaires"
