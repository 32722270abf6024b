"""What lists and pages that update automatically share: subscriptions, how old what they show is, and filters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.paginator import Page
from django.http import HttpRequest
from django.utils import timezone

from connections import clients
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops.errors import NotFound, Throttled
from core.database_time import database_now
from core.htmx import is_htmx
from core.query_strings import with_values
from core.tasks import BrokerUnavailable, enqueue
from delivery import connection_names, reads
from delivery.forms import FilterForm
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.live.snapshots import decode
from delivery.models import PollSubscription, Project
from delivery.reads import Filters
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError

Value = TypeVar("Value")
# The largest number that the column of a subscription holds; Azure DevOps has none that is larger.
_MOST = 2**31 - 1
# How soon a page is refreshed whose snapshot is being read, and one whose poll failed for a reason that may pass.
_LOADING_SECONDS = 3
_FAILURE_SECONDS = 15
# Refreshes of a page that still loads send this header. They read what a newly opened page would read.
_LOADING_HEADER = "Live-Loading"


def subscribe(projects: Iterable[int], kind: str) -> list[PollSubscription]:
    """Subscribe to the projects of a page; enqueue a poll when one of them is new."""
    from delivery.tasks import poll_due

    found, is_new = polling.subscribe(projects, kind, now=timezone.now())
    if is_new:
        # Without a broker the page shows what is known and since when; the scheduler polls on its own.
        with suppress(BrokerUnavailable):
            enqueue(poll_due)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Live(Generic[Value]):
    """What is stored of one build or release, when it was read, and why the latest poll failed.

    Without a value and a failure another process is reading it for the first time. With `is_behind` the value is
    outdated, and another process is reading a newer one.
    """

    value: Value | None = None
    read_at: datetime | None = None
    failure: RemoteReadError | None = None
    is_behind: bool = False

    def context(self, request: HttpRequest, connection: Connection, *, seconds: int | None) -> dict[str, Any]:
        """What templates show of it. `seconds` is how soon the value may have changed; None when it does not."""
        is_missing = self.value is None and self.failure is None
        is_loading = is_missing or self.is_behind
        if is_loading:
            seconds = _LOADING_SECONDS
        elif self.failure:
            seconds = seconds_after(self.failure)
        return {
            "read_at": self.read_at if self.value is not None else None,
            "is_missing": is_missing,
            "is_loading": is_loading,
            "loading_header": _LOADING_HEADER,
            "problem": remote_problem(connection, self.failure),
            "refresh_seconds": seconds,
            "refresh_url": request.get_full_path(),
        }


def seconds_after(failure: RemoteReadError) -> int | None:
    """How soon a page is refreshed after a failed poll; None where waiting does not help."""
    may_pass = failure.code == Throttled.code or catalogue.problem(failure.code).link == "status"
    return _FAILURE_SECONDS if may_pass else None


def open_live(request: HttpRequest, project: Project, kind: str, number: int, shape: type[Value]) -> Live[Value]:
    """One build, release or pipeline as its subscription has it; read on demand where that is missing or outdated."""
    return read_live(project, kind, number, shape, is_refresh=_is_refresh(request))


def read_live(project: Project, kind: str, number: int, shape: type[Value], *, is_refresh: bool) -> Live[Value]:
    """The same without a request. `is_refresh` is for someone who already has what was up to date a moment ago."""
    now = timezone.now()
    subscription = polling.subscribe_to(project.pk, kind, number, now=now) if 0 < number <= _MOST else None
    if subscription is None:
        return Live(failure=RemoteReadError(NotFound.code))
    failure, is_behind = None, False
    if _is_outdated(subscription, now, is_refresh=is_refresh):
        read_before = subscription.read_at
        failure = polling.poll_now(subscription, READERS, clock=database_now)
        # Nothing was read and nothing failed: another process has the lease.
        is_behind = failure is None and subscription.read_at == read_before
    value = decode(shape, subscription.snapshot)
    return Live(value, subscription.read_at, failure or _stored_failure(subscription, now), is_behind)


def _is_refresh(request: HttpRequest) -> bool:
    """Whether a page asks that already shows what was up to date when it was opened."""
    return is_htmx(request) and _LOADING_HEADER not in request.headers


def _is_outdated(subscription: PollSubscription, now: datetime, *, is_refresh: bool) -> bool:
    """Whether a page reads it itself: what was changed here, what a page opens with, what the worker is late for."""
    if is_refresh:
        return subscription.next_at <= now - polling.OVERDUE
    if subscription.once and subscription.next_at <= now:
        return True
    read_at = subscription.read_at
    return bool(subscription.problem) or read_at is None or read_at <= now - polling.OLDEST_AT_FIRST


def _stored_failure(subscription: PollSubscription, now: datetime) -> RemoteReadError | None:
    if not subscription.problem:
        return None
    is_throttled = subscription.problem == Throttled.code
    wait = (subscription.next_at - now).total_seconds() if is_throttled else None
    return RemoteReadError(subscription.problem, activity_id=subscription.activity_id, retry_after=wait)


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why some projects of a server could not be read."""

    code: str
    server: str
    activity_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the oldest part of a list was read, None if some part never was, and what could not be read."""

    read_at: datetime | None
    watched: int
    failures: tuple[ReadFailure, ...]

    def context(self) -> dict[str, Any]:
        """What templates show of it, problems in the catalogue's words."""
        problems: Counter[catalogue.Problem] = Counter()
        for failure in self.failures:
            problems[catalogue.problem(failure.code, place=clients.place_of(failure.server))] += failure.count
        troubles = [{"problem": problem, "count": count} for problem, count in problems.items()]
        return {"read_at": self.read_at, "watched": self.watched, "troubles": troubles}


def freshness(subscriptions: Iterable[PollSubscription]) -> Freshness:
    """How old a list of the projects with these subscriptions is."""
    shown = list(subscriptions)
    read = [subscription.read_at for subscription in shown if subscription.read_at is not None]
    read_at = min(read) if read and len(read) == len(shown) else None
    return Freshness(read_at, len(shown), tuple(_failures([row for row in shown if row.problem])))


def _failures(failed: Sequence[PollSubscription]) -> Iterator[ReadFailure]:
    """One for each problem and server, with the last activity id."""
    servers = reads.servers_of_projects([subscription.project_id for subscription in failed])
    same: dict[tuple[str, str], list[PollSubscription]] = defaultdict(list)
    for subscription in failed:
        same[subscription.problem, servers.get(subscription.project_id, "")].append(subscription)
    for (code, server), rows in same.items():
        yield ReadFailure(code, server, rows[-1].activity_id, len(rows))


def chosen(form: FilterForm) -> Filters:
    """The filters of a list. The form is given the projects to choose from, if it has them."""
    name, connection = form.typed_name, form.chosen()
    project = form.cleaned_data.get("project")
    home = reads.connection_of_project(project)
    if home is not None and connection not in (None, home):
        # The project is of the connection that was chosen before.
        project = None
    place = connection or home
    if place and not name:
        form.show_name_of(place)
    if "project" in form.fields:
        form.offer("project", reads.projects_to_choose(place) if place else [])
    texts = {key: form.cleaned_data.get(key) or "" for key in ("q", "state", "sort")}
    return Filters(**texts, connection=connection, connection_name="" if connection else name, project=project)


def list_context(request: HttpRequest, form: FilterForm, filters: Filters, page: Page[Any]) -> dict[str, Any]:
    """What every list shows: one page, the filters, and the query that links to other pages keep."""
    return {
        "page": page,
        "filters": form,
        "connection_names": connection_names.suggested(),
        "filtered": filters.any,
        "nothing_there": filters.is_place_alone and not page.paginator.count,
        "total": page.paginator.count,
        "query": with_values(request.GET),
        "now": timezone.now(),
    }
