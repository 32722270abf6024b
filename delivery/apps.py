"""The app that puts connections to use: repositories, builds and releases."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Repositories, builds and releases of the connected organizations."""

    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        """Importing the module connects its receivers."""
        from delivery import signals as signals
