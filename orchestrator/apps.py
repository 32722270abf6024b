"""The project itself as an app: its commands and its system checks."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Registers the checks of what operators set, the workers' signs of life, and what ties their lines together."""

    name = "orchestrator"
    verbose_name = "MFE Orchestrator"

    def ready(self) -> None:
        """Importing the modules registers what is in them."""
        from orchestrator import checks as checks
        from orchestrator import heartbeats as heartbeats
        from orchestrator import tracing as tracing
