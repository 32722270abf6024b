"""Request ids, which connect the log lines of one request in all processes and in Azure DevOps.

The id is in the response and on error pages, in every log line of the request, and in the tasks that it enqueues
(`core.task_logging`). Calls to Azure DevOps send the id of the task or of the request as X-TFS-Session.
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
SLOW = 1.0  # seconds


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give the request an id, or keep that of a trusted proxy, and log the request and its response."""

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
    """Log changes, errors and slow pages at INFO, and all other pages at DEBUG."""
    worth_it = request.method not in ("GET", "HEAD") or response.status_code >= 400 or seconds > SLOW
    match = request.resolver_match
    # The pattern instead of the path, because some paths contain secrets.
    view = f"{match.route} ({match.view_name})" if match else "no such address"
    beside = {"status": response.status_code, "seconds": round(seconds, 3), "person_id": known_person(request)}
    log.log(logging.INFO if worth_it else logging.DEBUG, "%s %s", request.method, view, extra=beside)


def known_person(request: HttpRequest) -> int | None:
    """The id of the user who signed in or acts with an API token, if it was loaded already.

    Never asks the database, which may be unavailable.
    """
    actor = getattr(request, "actor", None)
    if actor is not None:
        return getattr(actor, "id", None)
    found = getattr(request, "_cached_user", None)
    return getattr(found, "pk", None)
