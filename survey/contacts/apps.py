from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "survey.contacts"
    label = "contacts"
