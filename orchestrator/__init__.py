"""MFE Orchestrator: the project that joins the apps."""

from orchestrator.celery import app as celery_app

__all__ = ["celery_app"]
