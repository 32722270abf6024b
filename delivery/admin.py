"""Read-only pages about repositories in Django's admin."""

from django.contrib import admin

from core.read_only_admin import ReadOnlyAdmin
from delivery.models import Repository


@admin.register(Repository)
class RepositoryAdmin(ReadOnlyAdmin):
    """The repositories that syncs have read."""

    list_display = ("name", "project", "default_branch", "size", "disabled", "gone_at")
    list_select_related = ("project",)
    list_filter = ("disabled",)
    search_fields = ("name", "project__name")
    show_full_result_count = False
