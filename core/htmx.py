"""Whether htmx sent a request, also before or without `HtmxMiddleware`, as on error pages."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent the request and takes a part of the page."""
    return bool(HtmxDetails(request))


def replaces(request: HttpRequest, element_id: str) -> bool:
    """Whether htmx sent the request to replace the element with this id."""
    return is_htmx(request) and request.headers.get("HX-Target") == element_id
