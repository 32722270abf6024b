"""Django admin: connections and their state, without tokens."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from connections.actions import audit_runs
from connections.models import Connection, RegisterEntry
from core.read_only_admin import ReadOnlyAdmin
from core.tasks import BrokerUnavailable, enqueue


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Read-only list of connections; changes are made on the product's own pages, which check and record them."""

    list_display = ("name", "organization", "server", "health", "expires_on", "owner", "checked_at", "disabled")
    list_filter = ("health", "disabled", "server", "expires_on")
    search_fields = ("name", "organization", "identity_name", "identity_account")
    list_select_related = ("owner",)
    date_hierarchy = None
    actions = ("test_now",)

    def has_test_permission(self, request: HttpRequest) -> bool:
        """Whether the user may run `test_now`."""
        return request.user.has_perm("connections.test_connection")

    @admin.action(description="Test now", permissions=["test"])
    def test_now(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Make the selected connections due and enqueue the audit of due connections."""
        from connections.tasks import audit_due

        count = audit_runs.make_due(queryset.values_list("pk", flat=True), now=timezone.now())
        if not count:
            self.message_user(
                request, "All of these connections are disabled and will not be tested.", messages.WARNING
            )
            return
        noun = "connection is" if count == 1 else "connections are"
        try:
            enqueue(audit_due)
        except BrokerUnavailable:
            self.message_user(
                request,
                f"The broker can't be reached. {count} {noun} due and will be tested once it is back.",
                messages.WARNING,
            )
            return
        self.message_user(request, f"{count} {noun} due and will be tested within a minute or so.", messages.SUCCESS)


@admin.register(RegisterEntry)
class RegisterEntryAdmin(ReadOnlyAdmin):
    """Read-only list of the register; changes are made on the product's own pages, which check and record them."""

    list_display = ("name", "kind", "organization", "expires_on", "owner", "closed_at")
    list_filter = ("kind", "state", "expires_on")
    search_fields = ("name", "organization", "purpose", "outside_owner")
    list_select_related = ("owner",)


admin.site.site_header = admin.site.site_title = "MFE Orchestrator"
admin.site.index_title = "Administration"
