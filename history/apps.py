"""The app for append-only events."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Events of all apps."""

    name = "history"
    verbose_name = "History"
