"""What several pages need: the acting person, links to Azure DevOps, the rows of an event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from connections import clients, messages
from connections.azure_devops.types import Server
from connections.models import Connection
from connections.status import Health
from connections.views.display import HEALTH_CHIPS, scope_table
from history.models import Event

EXAMPLE = "your-organization"


def person(request: HttpRequest) -> User:
    """Who is signed in; every page but the sign-in demands it."""
    return cast("User", request.user)


def tokens_page(server: Server, organization: str) -> str:
    """Where the organization's tokens are made and revoked at Azure DevOps."""
    return server.tokens_page(organization)


def tokens_page_of(connection: Connection) -> str:
    """The same for a connection; empty when its server is no longer configured."""
    try:
        return clients.server(connection.server).tokens_page(connection.organization)
    except clients.UnknownServer:
        return ""


def guide_context(server: Server | None = None) -> dict[str, Any]:
    """What every page with instructions shows."""
    where = server or clients.servers()[0]
    return {
        "capabilities": scope_table(),
        "server_url": where.url,
        "tokens_pages": [(one.name, one.tokens_page(EXAMPLE)) for one in clients.servers()],
        "example_organization": EXAMPLE,
        "sandbox": clients.sandbox(),
        "token_name": f"MFE Orchestrator {timezone.localdate():%Y-%m}",
        "test_limit": int(settings.AZURE_DEVOPS_TEST_LIMIT),
        "support_url": settings.SUPPORT_URL,
    }


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a page shows it."""

    at: datetime
    actor: str
    label: str
    detail: str
    icon: str
    tone: str


_KINDS = {
    "connection.connected": ("Connected", "plug", "good"),
    "connection.tested": ("Tested", "activity", "quiet"),
    "connection.rotated": ("Token updated", "refresh-cw", "info"),
    "connection.extended": ("Expiry date changed", "calendar-clock", "info"),
    "connection.edited": ("Edited", "pencil", "info"),
    "connection.reminded": ("Reminded", "mail", "info"),
    "connection.muted": ("Reminders stopped", "bell-off", "quiet"),
    "connection.disabled": ("Disabled", "circle-pause", "warn"),
    "connection.enabled": ("Enabled", "circle-play", "good"),
    "connection.disconnected": ("Disconnected", "unplug", "warn"),
    "repositories.refreshed": ("Repositories brought in", "folder-git-2", "quiet"),
}


def event_row(event: Event) -> EventRow:
    """The words of an event."""
    label, icon, tone = _KINDS.get(event.kind, (event.kind, "dot", "quiet"))
    return EventRow(event.at, event.actor_name, label, _detail(event), icon, tone)


def _detail(event: Event) -> str:
    detail = event.detail
    if event.kind == "connection.tested":
        return _tested(detail)
    if event.kind == "connection.edited":
        return ", ".join(_changed(name, change) for name, change in detail.items())
    if event.kind == "connection.rotated":
        return _rotated(detail)
    if event.kind == "connection.reminded":
        return _reminded(detail)
    if event.kind == "repositories.refreshed":
        return _refreshed(detail)
    if event.kind == "connection.extended":
        return f"{detail.get('before') or 'not recorded'} → {detail.get('after') or 'not recorded'}"
    return str(detail.get("organization", ""))


def _reminded(detail: dict[str, Any]) -> str:
    people = detail.get("people", 0)
    return f"{people} {'person' if people == 1 else 'people'}, {detail.get('days_left')} days before the end"


def _tested(detail: dict[str, Any]) -> str:
    health = detail.get("health", "")
    words = [HEALTH_CHIPS[Health(health)].label] if health in HEALTH_CHIPS else []
    if detail.get("problem"):
        words.append(messages.problem(detail["problem"]).title)
    return ". ".join([*words, *detail.get("changes", [])])


def _refreshed(detail: dict[str, Any]) -> str:
    words = [f"{detail.get('repositories', 0)} in all, {detail.get('added', 0)} new, {detail.get('gone', 0)} gone"]
    if detail.get("problem"):
        words.insert(0, messages.problem(detail["problem"]).title)
    return ". ".join(words)


def _changed(name: str, change: dict[str, Any]) -> str:
    labels = {
        "name": "Name",
        "expires_on": "Expires on",
        "token_reach": "Made for",
        "projects": "Projects",
        "extra_recipients": "Also tell",
    }
    return f"{labels.get(name, name)}: {_shown(change.get('before'))} → {_shown(change.get('after'))}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} chosen"
    return str(value) if value is not None else "not recorded"


def _rotated(detail: dict[str, Any]) -> str:
    words = [] if detail.get("same_person", True) else ["Another person"]
    if detail.get("lost"):
        words.append(f"lost {len(detail['lost'])}")
    if detail.get("gained"):
        words.append(f"gained {len(detail['gained'])}")
    return ", ".join(words) or "Same person, same scopes"
