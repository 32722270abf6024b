"""The app that puts connections to use: repositories, builds and releases."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Repositories, builds and releases of the connected organizations."""

    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        """A connection that covers other projects gets a sync; the history learns how to word our events."""
        from connections.actions import coverage
        from delivery.coverage import make_sync_due, poll_failed_again
        from delivery.event_types import KINDS
        from history import event_types

        coverage.register(make_sync_due)
        coverage.register(poll_failed_again)
        event_types.register(KINDS)
