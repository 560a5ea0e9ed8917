from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "survey.accounts"
    label = "accounts"
