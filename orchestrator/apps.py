"""The project itself as an app: its commands and its system checks."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Registers the checks of what operators set."""

    name = "orchestrator"
    verbose_name = "MFE Orchestrator"

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from orchestrator import checks as checks
