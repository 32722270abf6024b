"""The projects that a connection covers, and receivers of changes.

Apps built on this one register receivers, as it cannot import them.
"""

from datetime import datetime
from typing import Protocol

from connections.models import ChosenProject, Connection
from connections.providers.azure_devops.models import Project
from core.columns import fit_to_columns


class Receiver(Protocol):
    """Called in the transaction of the change."""

    def __call__(self, connection: Connection, *, now: datetime) -> None:
        """Handle what the connection covers from `now` on."""


_receivers: list[Receiver] = []


def register(receiver: Receiver) -> None:
    """Call `receiver` when a connection is created, or its projects or its token change, or its token works again."""
    if receiver not in _receivers:
        _receivers.append(receiver)


def choose_projects(connection: Connection, chosen: tuple[Project, ...] | None, *, now: datetime) -> None:
    """Limit the connection to the chosen projects, or to none for None. Runs in the caller's transaction."""
    connection.chosen_projects.all().delete()
    connection.all_projects = chosen is None
    connection.save(update_fields=["all_projects"])
    ChosenProject.objects.bulk_create(
        fit_to_columns(ChosenProject(connection=connection, project_id=project.id, name=project.name))
        for project in chosen or ()
    )
    coverage_changed(connection, now=now)


def coverage_changed(connection: Connection, *, now: datetime) -> None:
    """Call the registered receivers."""
    for receiver in _receivers:
        receiver(connection, now=now)
