"""Django admin for staff: repositories, to read."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from delivery.models import Repository

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Repository]
else:
    _Admin = admin.ModelAdmin


@admin.register(Repository)
class RepositoryAdmin(_Admin):
    """What was brought in; nothing here can be changed."""

    list_display = ("name", "project", "default_branch", "size", "disabled", "gone_at")
    list_select_related = ("project",)
    list_filter = ("disabled",)
    search_fields = ("name", "project__name")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only Azure DevOps has repositories to add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Repository | None = None) -> bool:
        """Read only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Repository | None = None) -> bool:
        """Read only."""
        return False
