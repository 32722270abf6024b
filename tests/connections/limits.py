"""Connections that are limited to some projects, and what is stored of them."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.utils import timezone

from connections.actions.audit import audit
from connections.actions.edit import Changes, edit
from connections.models import CapabilityState, Connection
from history.record import Actor
from sandbox.state import Project

Connected = Callable[..., Connection]
CLOCK = Actor("the clock")


def limit(connection: Connection, *projects: Project) -> Connection:
    """Limit a connection as the page for editing does."""
    edit(connection, changes(connection, *projects), by=CLOCK, now=timezone.now())
    return connection


def changes(connection: Connection, *projects: Project) -> Changes:
    ids = [one.id for one in projects] or None
    return Changes(connection.name, connection.expires_on, connection.token_reach, ids)


def look(connection: Connection, *, interactive: bool = True) -> None:
    audit(connection, by=CLOCK, now=datetime.now(UTC), interactive=interactive)


def state(connection: Connection, capability: str = "code_write") -> CapabilityState:
    return connection.capabilities.get(capability=capability)


def where(connection: Connection, capability: str = "code_write") -> list[tuple[str, str]]:
    return [(one.project_name, str(one.verdict)) for one in state(connection, capability).project_verdicts()]
