"""The app for rate limits."""

from django.apps import AppConfig


class ThrottlingConfig(AppConfig):
    """Counters in the database, shared by all processes."""

    name = "throttling"
    verbose_name = "Throttling"
