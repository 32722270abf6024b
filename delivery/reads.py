"""What pages read: lists, filters and counts, each in a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from connections.models import Connection
from connections.providers.azure_devops.errors import ListIncomplete
from connections.providers.capability import Verdict
from delivery import connection_names
from delivery.domain.build_states import UNDER_WAY, State
from delivery.domain.stages import ReleaseState
from delivery.models import Pipeline, PollSubscription, Project, ReleasePipeline, Repository, SyncState

Row = TypeVar("Row", Pipeline, ReleasePipeline, Repository)
Named = TypeVar("Named", Pipeline, ReleasePipeline)
PAGE_SIZE = 25
STATES: tuple[tuple[str, str], ...] = (
    ("", "Present"),
    ("empty", "Empty"),
    ("disabled", "Disabled"),
    ("gone", "Gone"),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of the lists of repositories and of pipelines. `connection` and `project` are ids.

    `connection_name` is a part of the names of connections; it is empty where a connection is chosen.
    """

    q: str = ""
    state: str = ""
    sort: str = ""
    connection: int | None = None
    connection_name: str = ""
    project: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything is left out of the list."""
        return bool(self.q or self.state or self.connection or self.connection_name or self.project)

    @property
    def is_place_alone(self) -> bool:
        """Whether everything of a connection or a project is shown, and nothing is searched for."""
        return bool(self.connection or self.project) and not (self.q or self.state or self.connection_name)


_IN_STATE = {
    "": Q(gone_at=None),
    "empty": Q(gone_at=None, default_branch=""),
    "disabled": Q(gone_at=None, disabled=True),
    "gone": Q(gone_at__isnull=False),
}
_ORDER = {
    "": (Lower("name"), "id"),
    "project": (Lower("project__name"), Lower("name"), "id"),
    "size": ("-size", "id"),
}


# The columns of every list that are searched.
_SEARCHED = ("name", "project__name", "project__connection__name")


def _selected(rows: QuerySet[Row], filters: Filters, *searched: str) -> QuerySet[Row]:
    """Those of the connection and project that have every word of the search in a column, also in one of `searched`."""
    rows = rows.select_related("project__connection")
    for word in filters.q.split():
        in_columns = (Q(**{f"{column}__icontains": word}) for column in (*_SEARCHED, *searched))
        rows = rows.filter(reduce(or_, in_columns))
    if filters.connection is not None:
        rows = rows.filter(project__connection=filters.connection)
    elif filters.connection_name:
        rows = rows.filter(project__connection__in=connection_names.containing(filters.connection_name))
    return rows.filter(project=filters.project) if filters.project is not None else rows


def repositories(filters: Filters) -> QuerySet[Repository]:
    """The repositories that the filters select, in their order."""
    rows = Repository.objects.filter(_IN_STATE.get(filters.state, Q()))
    return _selected(rows, filters).order_by(*_ORDER.get(filters.sort, _ORDER[""]))


BUILD_STATES: tuple[tuple[str, str], ...] = (
    ("", "Any"),
    ("under_way", "In progress"),
    (State.SUCCEEDED, "Succeeded"),
    (State.PARTIAL, "Partially succeeded"),
    (State.FAILED, "Failed"),
    (State.CANCELED, "Cancelled"),
    (State.NONE, "Never run"),
)


NEVER_RELEASED = "none"
RELEASE_STATES: tuple[tuple[str, str], ...] = (
    ("", "Any"),
    (ReleaseState.WAITING, "Waiting for approval"),
    (ReleaseState.RUNNING, "Running"),
    (ReleaseState.FAILED, "Failed or rejected"),
    (ReleaseState.CANCELLED, "Cancelled"),
    (ReleaseState.PARTLY, "Partly succeeded"),
    (ReleaseState.UNFINISHED, "Partly deployed"),
    (ReleaseState.SUCCEEDED, "Succeeded"),
    (ReleaseState.NOT_STARTED, "Not started"),
    (ReleaseState.DRAFT, "Draft"),
    (ReleaseState.ABANDONED, "Abandoned"),
    (NEVER_RELEASED, "Never released"),
)


def pipelines(filters: Filters) -> QuerySet[Pipeline]:
    """The pipelines that the filters select, in their order, without those that are gone."""
    rows = Pipeline.objects.all()
    if filters.state:
        rows = rows.filter(state__in=UNDER_WAY if filters.state == "under_way" else [filters.state])
    return _in_order(_selected(rows, filters, "folder"), filters, newest="queued_at")


def release_pipelines(filters: Filters) -> QuerySet[ReleasePipeline]:
    """The release pipelines that the filters select, in their order, without those that are gone."""
    rows = ReleasePipeline.objects.all()
    if filters.state:
        rows = rows.filter(_released(filters.state))
    return _in_order(_selected(rows, filters, "path", "newest_name", "newest_version"), filters, newest="newest_at")


def _in_order(rows: QuerySet[Named], filters: Filters, *, newest: str) -> QuerySet[Named]:
    rows = rows.filter(gone_at=None, project__gone_at=None)
    first = F(newest).desc(nulls_last=True) if filters.sort == "newest" else Lower("name")
    return rows.order_by(first, "id")


def _released(state: str) -> Q:
    if state == ReleaseState.WAITING:
        # An older release may wait while the newest one does not.
        return Q(whole=state) | Q(pending__gt=0)
    return Q(whole="") if state == NEVER_RELEASED else Q(whole=state)


def pipelines_in_full() -> QuerySet[Pipeline]:
    """Pipelines with their projects, connections and what the connections' tokens can do, for a page of one."""
    chosen = Pipeline.objects.select_related("project__connection")
    return chosen.prefetch_related("project__connection__capabilities")


def release_pipelines_in_full() -> QuerySet[ReleasePipeline]:
    """The same of release pipelines."""
    chosen = ReleasePipeline.objects.select_related("project__connection")
    return chosen.prefetch_related("project__connection__capabilities")


def repositories_in_full() -> QuerySet[Repository]:
    """The same of repositories, with the connections' owners."""
    chosen = Repository.objects.select_related("project__connection__owner")
    return chosen.prefetch_related("project__connection__capabilities")


def projects_in_full() -> QuerySet[Project]:
    """The same of projects, for pages of their releases."""
    return Project.objects.select_related("connection__owner").prefetch_related("connection__capabilities")


def release_pipeline(project: Project, azure_id: int) -> ReleasePipeline | None:
    """A release pipeline as it was last listed; None where it has not been."""
    return project.release_pipelines.filter(azure_id=azure_id).first()


def connections_with_capabilities() -> QuerySet[Connection]:
    """Connections with what their tokens can do."""
    return Connection.objects.prefetch_related("capabilities")


def connection(connection_id: int | None) -> Connection | None:
    """A connection; None where none is said, or it is gone."""
    return Connection.objects.filter(pk=connection_id).first() if connection_id else None


def present_projects(connection: Connection) -> QuerySet[Project]:
    """The projects of a connection that are not gone, by name."""
    return connection.projects.filter(gone_at=None)


def default_connection() -> Connection | None:
    """The connection that forms and commands choose where none is named."""
    return Connection.find_default()


def connection_of_project(project_id: int | None) -> int | None:
    """The id of a project's connection; None where no project is said, or it is gone."""
    if not project_id:
        return None
    return Project.objects.filter(pk=project_id).values_list("connection", flat=True).first()


def servers_of_projects(project_ids: Sequence[int]) -> dict[int, str]:
    """The names of the servers that these projects are at, by the projects' ids."""
    if not project_ids:
        return {}
    return dict(Project.objects.filter(pk__in=project_ids).values_list("pk", "connection__server"))


def of_projects(pipelines: QuerySet[Named], projects: QuerySet[Project]) -> QuerySet[Named]:
    """Those of these projects."""
    return pipelines.filter(project__in=projects)


def named(pipelines: QuerySet[Named], name: str) -> list[Named]:
    """Those of this name, in any case. If there are several, and one is of the default connection, only that one."""
    rows = list(pipelines.filter(name__iexact=name))
    of_default = [pipeline for pipeline in rows if pipeline.project.connection.is_default]
    return of_default if len(of_default) == 1 else rows


def projects_to_choose(connection: int) -> list[tuple[int, str]]:
    """The present projects of a connection by id and name."""
    rows = Project.objects.filter(connection=connection, gone_at=None)
    return list(rows.order_by(Lower("name"), "id").values_list("pk", "name"))


LACKING_SHOWN = 5


def connections_lacking(capability: str) -> tuple[list[Connection], int]:
    """The first few connections whose token lacks a capability for certain, and how many there are."""
    rows = Connection.objects.filter(
        disabled=False, capabilities__capability=capability, capabilities__verdict=Verdict.MISSING
    )
    return _first_few(rows)


def connections_without_releases() -> tuple[list[Connection], int]:
    """The first few connections with a project in which classic releases are switched off, and how many there are."""
    off = Project.objects.filter(connection=OuterRef("pk"), gone_at=None, releases_off=True)
    return _first_few(Connection.objects.filter(Exists(off), disabled=False))


def _first_few(rows: QuerySet[Connection]) -> tuple[list[Connection], int]:
    shown = list(rows.order_by(Lower("name"), "id").only("name")[: LACKING_SHOWN + 1])
    return shown[:LACKING_SHOWN], len(shown) if len(shown) <= LACKING_SHOWN else rows.count()


def incomplete_project_lists(connection: int | None) -> dict[int, str]:
    """The connections whose list of projects was not read to its end, by id; only `connection` where it is given."""
    rows = SyncState.objects.filter(problem=ListIncomplete.code)
    if connection is not None:
        rows = rows.filter(pk=connection)
    return dict(rows.values_list("pk", "connection__name"))


def incomplete_lists(kind: str, projects: QuerySet[Project]) -> dict[int, str]:
    """Of these projects, those whose list of builds or releases was not read to its end, by id, in words."""
    subscriptions = PollSubscription.objects.filter(kind=kind, problem=ListIncomplete.code, project__in=projects)
    rows = subscriptions.values_list("project_id", "project__name", "project__connection__name")
    return {pk: f"{project} of {connection}" for pk, project, connection in rows}


def projects_named(*, connection: str = "", project: str = "") -> QuerySet[Project]:
    """The present projects of this name, of the connection of this name; empty means any."""
    rows = Project.objects.filter(gone_at=None)
    if connection:
        rows = rows.filter(connection__name__iexact=connection)
    return rows.filter(name__iexact=project) if project else rows


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What is stored of one connection. `untold` counts projects whose repositories could not be listed."""

    sync_state: SyncState | None
    projects: int
    repositories: int
    untold: int


def sync_status(connection: Connection) -> SyncStatus:
    """The counts of one connection, in three queries."""
    present = connection.projects.filter(gone_at=None)
    counted = present.aggregate(projects=Count("pk"), untold=Count("pk", filter=~Q(problem="")))
    kept = Repository.objects.filter(project__connection=connection, gone_at=None).count()
    return SyncStatus(SyncState.objects.filter(pk=connection.pk).first(), counted["projects"], kept, counted["untold"])
