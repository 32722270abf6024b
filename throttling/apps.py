"""The app that counts what may be done only so often."""

from django.apps import AppConfig


class ThrottlingConfig(AppConfig):
    """Counters in the database, shared by all processes."""

    name = "throttling"
    verbose_name = "Throttling"
