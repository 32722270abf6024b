"""The app on which every other app stands."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Template tags, and the table of heartbeats."""

    name = "core"
    verbose_name = "Core"
