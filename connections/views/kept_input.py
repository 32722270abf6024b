"""What was typed into a token form whose session had ended: kept in the address to which the sign-in returns.

Everything is kept but the token, and what looks like one in another field.
"""

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, QueryDict

from core.redaction import redact

_FIELDS = (
    "server",
    "authentication",
    "tenant",
    "client",
    "name",
    "organization",
    "expires",
    "expires_on",
    "token_reach",
    "projects_mode",
)
_LONGEST_VALUE = 100
# Servers refuse addresses of more than about 4,000 characters.
_MOST_PROJECTS = 50
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9]{40}")


def is_token_form(request: HttpRequest) -> bool:
    """Whether a form with a token was sent."""
    return request.method == "POST" and "token" in request.POST


def page_to_return_to(request: HttpRequest, page: str) -> str:
    """The address of the form on `page`, with what was typed; `page` itself if the form has no token."""
    if not is_token_form(request):
        return page
    parts = urlsplit(page)
    query = QueryDict(parts.query, mutable=True)
    for name in _FIELDS:
        query.pop(name, None)
    query.pop("projects", None)
    typed = urlencode(_kept(request.POST))
    return "?".join(filter(None, (parts.path, "&".join(filter(None, (query.urlencode(), typed))))))


def _kept(data: QueryDict) -> list[tuple[str, str]]:
    typed = [(name, str(data.get(name, ""))) for name in _FIELDS]
    typed += [("projects", str(project)) for project in data.getlist("projects")[:_MOST_PROJECTS]]
    return [(name, value) for name, value in typed if value and _may_be_shown(value)]


def _may_be_shown(value: str) -> bool:
    """Also not what people paste into the wrong field: a token without its marks, an address with a password."""
    return len(value) <= _LONGEST_VALUE and redact(value) == value and not _LIKE_A_TOKEN.search(value)


def kept_input(request: HttpRequest) -> dict[str, Any]:
    """Initial values for the fields of the form."""
    return {name: request.GET[name][:_LONGEST_VALUE] for name in _FIELDS if request.GET.get(name)}


def kept_projects(request: HttpRequest) -> list[str]:
    """The ids of the projects that were ticked, for the next test."""
    if request.GET.get("projects_mode") != "some":
        return []
    return [project[:_LONGEST_VALUE] for project in request.GET.getlist("projects")[:_MOST_PROJECTS]]
