"""The app of the append-only events."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Events under every other app."""

    name = "history"
    verbose_name = "History"
