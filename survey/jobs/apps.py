from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.utils.module_loading import import_module
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "survey.jobs"
    label = "jobs"
    verbose_name = _("任务")

    def ready(self) -> None:
        """Import every app's `tasks` so that web processes and workers know the same kinds of job."""
        for config in apps.get_app_configs():
            if (
                config.name.startswith("survey.")
                and config.name != self.name
                and find_spec(f"{config.name}.tasks")
            ):
                import_module(f"{config.name}.tasks")
