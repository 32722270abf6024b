"""Read-only pages about events in Django's admin."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from history.models import Event

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Event]
else:
    _Admin = admin.ModelAdmin


@admin.register(Event)
class EventAdmin(_Admin):
    """All events, newest first, read-only."""

    list_display = ("at", "kind", "subject_name", "actor_name", "address")
    list_filter = ("kind",)
    search_fields = ("subject_name", "actor_name")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: only the product's own actions append events."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Never."""
        return False
