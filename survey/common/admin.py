"""The base of the administrator's pages: they show rows, they change none.

Changes go through services, which write the audit trail; the console and the commands call them.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Who reaches the site at all (see accounts.apps) may look; nobody adds, changes or deletes here."""

    called: Any = ""  # what a person calls the rows
    list_per_page = 50
    actions = None

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.called:
            model._meta.verbose_name = model._meta.verbose_name_plural = self.called

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_list_select_related(self, request: HttpRequest) -> Any:
        return [f.name for f in self.model._meta.fields if f.many_to_one and f.name in self.list_display]
