"""Absolute URLs for responses."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def address(name: str, *args: object) -> str:
    """The address of an operation or a page."""
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


def next_page(request: HttpRequest, response: HttpResponse, cursor: str) -> str | None:
    """The address of the next page, also as a `Link` header; None without a cursor."""
    if not cursor:
        return None
    others = {name: value for name, value in request.GET.items() if name != "cursor"}
    query = urlencode({**others, "cursor": cursor})
    # Not the path of the request, which a proxy may have written.
    found = f"{settings.SITE_URL}{request.path}?{query}"
    response.headers["Link"] = f'<{found}>; rel="next"'
    return found
