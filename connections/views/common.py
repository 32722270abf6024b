"""What several pages need: the acting person and links to Azure DevOps."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from connections import clients, messages
from connections.actions import guard
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.types import Server
from connections.models import Connection, GuardRails
from connections.views.display import scope_table

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


def warn_of_breaches(request: HttpRequest, connection: Connection, token: PersonalAccessToken | None = None) -> None:
    """Say which guard rails a token breaks that was taken all the same."""
    found = guard.broken(expires_on=connection.expires_on, now=timezone.now(), token=token, besides=connection.pk)
    for breach in found:
        problem = messages.problem(breach.code)
        flash.warning(request, f"{problem.title}. {problem.explanation} {problem.next_step}")


def guide_context(server: Server | None = None) -> dict[str, Any]:
    """What every page with instructions shows."""
    where = server or clients.servers()[0]
    return {
        "capabilities": scope_table(),
        "rails": GuardRails.now(),
        "server_url": where.url,
        "tokens_pages": [(one.name, one.tokens_page(EXAMPLE)) for one in clients.servers()],
        "example_organization": EXAMPLE,
        "sandbox": clients.sandbox(),
        "token_name": f"MFE Orchestrator {timezone.localdate():%Y-%m}",
        "test_limit": int(settings.AZURE_DEVOPS_TEST_LIMIT),
        "support_url": settings.SUPPORT_URL,
    }
