"""The project as an app, for its commands and system checks."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Registers system checks and event types."""

    name = "orchestrator"
    verbose_name = "MFE Orchestrator"

    def ready(self) -> None:
        """Import the modules of checks, which registers them, and register event types and the health report."""
        from api import health_report
        from history import event_types
        from orchestrator import deploy_checks as deploy_checks
        from orchestrator import health
        from orchestrator import system_checks as system_checks
        from orchestrator.event_types import KINDS, PRODUCT

        event_types.register(KINDS, subject="product", about=PRODUCT)
        health_report.register(lambda: health.current_report())
