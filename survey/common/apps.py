from django.apps import AppConfig

from survey.common.logs import configure_structlog


class CommonConfig(AppConfig):
    name = "survey.common"
    label = "common"

    def ready(self) -> None:
        """Logs are made safe before anything else runs: this app is the lowest rung."""
        configure_structlog()
