"""Ids that tie together what one request or one task did, in every process and at Azure DevOps.

A request gets an id, which its answer and its error page name too. The tasks it asks for carry it in their headers.
Whatever logs meanwhile logs these ids, and calls to Azure DevOps carry the task's or the request's as X-TFS-Session.
"""

import logging
import logging.config
import time
from collections.abc import Callable, MutableMapping
from typing import Any
from uuid import UUID, uuid4

from celery import Task
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from history.address import is_from_trusted_proxy

HEADER = "X-Request-ID"
KEY = "request_id"
log = logging.getLogger("orchestrator.requests")
# A page that took longer than this is worth a line.
SLOW = 1.0


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give the request an id, or keep the one that a trusted proxy gave it; log what was asked and how it ended."""

    def respond(request: HttpRequest) -> HttpResponse:
        began, request_id = time.monotonic(), _id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        clear_contextvars()
        bind_contextvars(**{KEY: request_id})
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


@before_task_publish.connect
def send_along(headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
    """The request that asks for a task is named in its headers."""
    request_id = get_contextvars().get(KEY)
    if headers is not None and request_id:
        headers[KEY] = request_id


@task_prerun.connect
def begin(task_id: str, task: Task[Any, Any], kwargs: dict[str, Any] | None = None, **_: Any) -> None:
    """Bind what this task is and who asked for it."""
    clear_contextvars()
    bind_contextvars(task_id=task_id, task=task.name)
    request_id = task.request.get(KEY)
    if isinstance(request_id, str):
        bind_contextvars(**{KEY: request_id})
    connection_id = (kwargs or {}).get("connection_id")
    if isinstance(connection_id, int):
        bind_contextvars(connection_id=connection_id)


@task_postrun.connect
def end(**_: Any) -> None:
    """The thread's next task is another one."""
    clear_contextvars()


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Celery would set a level of its own; LOG_LEVEL holds for workers and the clock too."""
    logging.config.dictConfig(settings.LOGGING)
