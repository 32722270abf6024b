"""The project itself as an app: its commands and its system checks."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Registers the checks of what operators set, signs of life, what ties log lines together, and words."""

    name = "orchestrator"
    verbose_name = "MFE Orchestrator"

    def ready(self) -> None:
        """Importing the modules registers what is in them."""
        from history import words
        from orchestrator import celery as celery
        from orchestrator import checks as checks
        from orchestrator import heartbeats as heartbeats
        from orchestrator import loading
        from orchestrator import tracing as tracing
        from orchestrator.event_words import KINDS, PRODUCT

        words.register(KINDS, subject="product", about=PRODUCT)
        loading.end()
