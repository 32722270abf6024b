"""The app of the REST API and its tokens."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the types of events about API tokens."""

    name = "api"
    verbose_name = "REST API"

    def ready(self) -> None:
        """Register the labels for the history."""
        from api.event_types import API_TOKENS, KINDS
        from history import event_types

        event_types.register(KINDS, subject="api_token", about=API_TOKENS)
