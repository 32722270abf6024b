"""Whether htmx sent a request, also before or without `HtmxMiddleware`, as on error pages."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent the request and takes a part of the page."""
    return bool(HtmxDetails(request))
