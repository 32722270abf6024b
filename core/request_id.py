"""Ids that tie together what one request did, in every process and in Azure DevOps.

A request gets an id, which its answer and its error page name too. The tasks it asks for carry it (`task_logging`).
Whatever logs meanwhile logs these ids, and calls to Azure DevOps carry the task's or the request's as X-TFS-Session.
"""

import logging
import time
from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from core.client_ip import is_from_trusted_proxy
from core.tasks import REQUEST_ID

HEADER = "X-Request-ID"
log = logging.getLogger("orchestrator.requests")
# A page that took longer than this is worth a line.
SLOW = 1.0


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give the request an id, or keep the one that a trusted proxy gave it; log what was asked and how it ended."""

    def respond(request: HttpRequest) -> HttpResponse:
        began, request_id = time.monotonic(), _id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        clear_contextvars()
        bind_contextvars(**{REQUEST_ID: request_id})
        try:
            response = get_response(request)
            _log(request, response, time.monotonic() - began)
        finally:
            clear_contextvars()
        response.headers[HEADER] = request_id
        return response

    return respond


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    if given and is_from_trusted_proxy(request):
        try:
            return str(UUID(given))
        except ValueError:
            pass
    return str(uuid4())


def _log(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Acts, refusals and slow pages; other pages only when everything is logged."""
    worth_it = request.method == "POST" or response.status_code >= 400 or seconds > SLOW
    match = request.resolver_match
    # The pattern, not the path: some addresses are secrets.
    view = f"{match.route} ({match.view_name})" if match else "no such address"
    beside = {"status": response.status_code, "seconds": round(seconds, 3), "person_id": known_person(request)}
    log.log(logging.INFO if worth_it else logging.DEBUG, "%s %s", request.method, view, extra=beside)


def known_person(request: HttpRequest) -> int | None:
    """The id of whoever is signed in, when somebody has asked for it already: the database may be away by now."""
    found = getattr(request, "_cached_user", None)
    return getattr(found, "pk", None)
