"""The app that puts connections to use: repositories, builds and releases."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Repositories, builds and releases of the connected organizations."""

    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        """Importing the module connects its receivers; the history learns how to word our events."""
        from delivery import signals as signals
        from delivery.event_types import KINDS
        from history import event_types

        event_types.register(KINDS)
