"""Django admin for staff: connections and their state, never a token."""

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from connections.models import Connection
from history.record import actor_of
from orchestrator.ringing import NobodyHears, ring

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Connection]
else:
    _Admin = admin.ModelAdmin


@admin.register(Connection)
class ConnectionAdmin(_Admin):
    """What is connected; changes are made on the product's own pages, where they are checked and recorded."""

    list_display = ("name", "organization", "server", "health", "expires_on", "owner", "checked_at", "disabled")
    list_filter = ("health", "disabled", "server", "expires_on")
    search_fields = ("name", "organization", "identity_name", "identity_account")
    list_select_related = ("owner",)
    date_hierarchy = None
    actions = ("test_now",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Connecting needs a token, and a token is typed on one page only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Read only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Disconnect on the connection's own page, where it is recorded."""
        return False

    def has_test_permission(self, request: HttpRequest) -> bool:
        """Who may use the action below."""
        return request.user.has_perm("connections.test_connection")

    @admin.action(description="Test now", permissions=["test"])
    def test_now(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Ask a worker to check each chosen connection."""
        who = actor_of(request)
        chosen = list(queryset.filter(disabled=False).values_list("pk", flat=True))
        try:
            for pk in chosen:
                ring("connections.tasks.audit_one", connection_id=pk, actor_name=who.name, actor_id=who.id)
        except NobodyHears:
            self.message_user(
                request,
                "The broker cannot be reached, so no worker was asked. Test the connection on its own page.",
                messages.ERROR,
            )
            return
        noun = "connection is" if len(chosen) == 1 else "connections are"
        self.message_user(request, f"{len(chosen)} {noun} being tested by a worker.", messages.SUCCESS)


admin.site.site_header = admin.site.site_title = "MFE Orchestrator"
admin.site.index_title = "Administration"
