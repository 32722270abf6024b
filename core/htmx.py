"""Whether htmx sent a request, also before or without `HtmxMiddleware`, as on error pages."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

# The id of the form with which people search and filter a list. htmx sends it in a header.
# https://htmx.org/reference/#request_headers
LIST_FILTERS = "list-filters"


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent the request and takes a part of the page."""
    return bool(HtmxDetails(request))


def replaces(request: HttpRequest, element_id: str) -> bool:
    """Whether htmx sent the request to replace the element with this id."""
    return is_htmx(request) and request.headers.get("HX-Target") == element_id


def is_automatic(request: HttpRequest) -> bool:
    """Whether an open page updates itself, without anybody doing anything: all that htmx reads, except for searches."""
    is_typed = request.headers.get("HX-Trigger") == LIST_FILTERS
    return request.method == "GET" and is_htmx(request) and not is_typed
