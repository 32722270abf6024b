"""Calls to Azure DevOps: their failures as problems, and the live state of builds and releases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from api import waiting
from api.problem_responses import problem_response
from api.waiting import NO_WAIT, Wait
from connections import clients
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops import errors
from delivery import remote_change
from delivery.live_views import Live, read_live
from delivery.models import Project
from delivery.remote_read import FAILED_HERE, RemoteReadError

Value = TypeVar("Value")
# Without a wait of Azure DevOps' own.
_RETRY_AFTER = 30
_BETWEEN_READS = 0.2
_UNAVAILABLE = errors.NO_ANSWER_CODES | errors.TRANSIENT_CODES | {FAILED_HERE}
_NOT_FOUND = {errors.NotFound.code, errors.ProjectNotFound.code}
# The state of what is changed forbids it, or it is unknown whether it was changed. No server error: clients repeat a
# request after these without asking, and then something could happen twice.
_CONFLICTS = {
    remote_change.UNKNOWN,
    errors.Conflict.code,
    "approval_decided",
    "build_over",
    "stage_moved_on",
    "connection_disabled",
}


class RemoteFailure(Exception):
    """A call to Azure DevOps failed, through this connection."""

    def __init__(self, connection: Connection, failure: RemoteReadError) -> None:
        super().__init__(failure.code)
        self.connection = connection
        self.failure = failure


@contextmanager
def through(connection: Connection) -> Iterator[None]:
    """Raise `RemoteFailure` for a `RemoteReadError` inside."""
    try:
        yield
    except RemoteReadError as failure:
        raise RemoteFailure(connection, failure) from None


def failure_response(request: HttpRequest, error: RemoteFailure) -> HttpResponse:
    """The problem, in the words of the connection's server."""
    connection, failure = error.connection, error.failure
    facts = catalogue.Facts(host=failure.host, organization=connection.organization, retry_after=failure.retry_after)
    problem = catalogue.problem(failure.code, place=clients.place_of(connection.server), facts=facts)
    status = _status_of(failure.code)
    retry_after = str(ceil(failure.retry_after or _RETRY_AFTER))
    headers = {"Retry-After": retry_after} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    more = {"activity_id": failure.activity_id, "said": failure.said}
    return problem_response(request, status, problem, headers=headers, more=more)


def _status_of(code: str) -> HTTPStatus:
    if code in _NOT_FOUND:
        return HTTPStatus.NOT_FOUND
    if code in _CONFLICTS:
        return HTTPStatus.CONFLICT
    return HTTPStatus.SERVICE_UNAVAILABLE if code in _UNAVAILABLE else HTTPStatus.UNPROCESSABLE_ENTITY


def live_value(
    project: Project,
    kind: str,
    number: int,
    shape: type[Value],
    *,
    is_over: Callable[[Value], bool],
    wait: Wait = NO_WAIT,
) -> tuple[Value, datetime | None]:
    """A build, a release or a list of them as pages show it, and when it was read; waits until it is over.

    However many requests wait, Azure DevOps is asked once per interval. Raises `RemoteFailure`.
    """
    reader = _LiveReader(project, kind, number, shape)
    first = reader.settle()

    def is_finished(live: Live[Value]) -> bool:
        if live.failure is not None:
            return live.failure.code not in errors.TRANSIENT_CODES
        return live.value is not None and not live.is_behind and is_over(live.value)

    live = waiting.follow(reader.read, is_finished, wait=wait, first=first)
    if live.failure is not None:
        raise RemoteFailure(project.connection, live.failure)
    if live.value is None:
        raise RemoteFailure(project.connection, RemoteReadError(errors.TimedOut.code))
    return live.value, live.read_at


class _LiveReader:
    """Reads one build, release or pipeline, as a page does that is opened and then refreshed."""

    def __init__(self, project: Project, kind: str, number: int, shape: type[Any]) -> None:
        self._project, self._kind, self._number, self._shape = project, kind, number, shape
        self._is_settled = False

    def read(self) -> Live[Any]:
        """What is stored, read on demand where a page would. After a failure the worker is the next to try."""
        live = read_live(self._project, self._kind, self._number, self._shape, is_refresh=self._is_settled)
        self._is_settled = live.failure is not None or (live.value is not None and not live.is_behind)
        return live

    def settle(self) -> Live[Any]:
        """Wait while another process reads what is missing or outdated. Returns what was read last."""
        wait = Wait(clients.page_seconds())
        return waiting.follow(self.read, lambda _: self._is_settled, wait=wait, every=_BETWEEN_READS)
