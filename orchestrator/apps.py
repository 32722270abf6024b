"""The project itself as an app: its commands and its system checks."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Registers the checks of what operators set, and words."""

    name = "orchestrator"
    verbose_name = "MFE Orchestrator"

    def ready(self) -> None:
        """Importing the modules registers what is in them."""
        from history import event_types
        from orchestrator import deploy_checks as deploy_checks
        from orchestrator import system_checks as system_checks
        from orchestrator.event_types import KINDS, PRODUCT

        event_types.register(KINDS, subject="product", about=PRODUCT)
