"""Read-only pages about events in Django's admin."""

from django.contrib import admin

from core.read_only_admin import ReadOnlyAdmin
from history.models import Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """All events, newest first."""

    list_display = ("at", "kind", "subject_name", "actor_name", "address")
    list_filter = ("kind",)
    search_fields = ("subject_name", "actor_name")
    show_full_result_count = False
