"""The way out to Azure DevOps: the only place that reads its settings."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial

from django.conf import settings
from django.utils import timezone
from structlog.contextvars import get_contextvars

from connections.domain import calibration_run, runners, verification
from connections.domain.calibration import Calibration, Result, Told
from connections.domain.problems import Facts, Problem, catalogue
from connections.models import Connection
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import made_up_token
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.servers import parse_servers
from connections.providers.azure_devops.transport import Limits
from connections.providers.credential import Credential
from connections.providers.organization import Place, ProjectRef

log = logging.getLogger(__name__)


class UnknownServer(Exception):
    """A connection names a server that the operator no longer lists."""

    code = "server_unknown"


def servers() -> tuple[Server, ...]:
    """The servers that the operator listed, in that order. Raises `InvalidServers`."""
    return parse_servers(
        settings.AZURE_DEVOPS_SERVERS,
        ca_bundles=settings.AZURE_DEVOPS_CA_BUNDLES,
        proxies=settings.AZURE_DEVOPS_PROXIES,
        plain_http=settings.AZURE_DEVOPS_PLAIN_HTTP,
    )


def server(name: str) -> Server:
    """The server of this name. Raises `UnknownServer`."""
    for one in servers():
        if one.name == name:
            return one
    raise UnknownServer(name)


def services() -> list[str]:
    """The names of the listed servers that are Microsoft's service, or play it."""
    return [one.name for one in servers() if one.place == "organization"]


def places() -> list[Place]:
    """What the listed servers call the place of projects, each once."""
    return list(dict.fromkeys(one.place for one in servers()))


def place_of(name: str) -> Place:
    """What the server of this name calls the place of projects; of one that is gone nobody knows it any more."""
    try:
        return server(name).place
    except UnknownServer:
        return "organization"


def stored_problem(connection: Connection) -> Problem:
    """The problem that is stored with a connection, in the words of its server."""
    facts = Facts(host=connection.problem_host, organization=connection.organization)
    return catalogue.problem(connection.problem, place=place_of(connection.server), facts=facts)


def problem_detail(name: str, code: str, *, host: str = "") -> dict[str, object]:
    """A problem as the history keeps it: its code, the host it names, and "place" where its words are a server's."""
    place = place_of(name)
    more = {"host": host, "place": place if place != "organization" else ""}
    return {"problem": code, **({key: value for key, value in more.items() if value} if code else {})}


def sandbox() -> Server | None:
    """The pretend Azure DevOps that `make run` adds on this machine, if there is one."""
    return next((server for server in servers() if server.is_sandbox), None)


def azure_devops(
    where: Server,
    organization: str,
    token: Credential,
    *,
    seconds: float,
    list_seconds: float | None = None,
) -> AzureDevOpsClient:
    """A client whose calls each end within `seconds`, and each list with all its pages within `list_seconds`.

    Without `list_seconds` a list has as long as a call, as while a person waits.
    """
    limits = Limits(
        connect_timeout=settings.AZURE_DEVOPS_CONNECT_TIMEOUT,
        deadline=seconds,
        list_seconds=seconds if list_seconds is None else list_seconds,
    )
    return AzureDevOpsClient(where, organization, token, limits=limits, session_id=_session_id())


def _session_id() -> str:
    """The task's or the request's own id, so that our log and Azure DevOps' log name the same thing; else empty."""
    bound = get_contextvars()
    return str(bound.get("task_id") or bound.get("request_id") or "")


def _logged(report: verification.Report, client: AzureDevOpsClient) -> verification.Report:
    where = f"{client.transport.organization} at {client.transport.server.name}"
    beside = {"session": client.transport.session_id, "seconds": round(report.elapsed, 3)}
    if report.failure:
        beside |= {"code": report.failure.code, "activity_id": report.failure.activity_id or ""}
        log.warning("Checked %s: %s", where, report.failure.code, extra=beside)
    else:
        log.info("Checked %s: accepted, %s scopes lacking", where, len(report.lacking()), extra=beside)
    return report


def check_concurrently(
    where: Server, organization: str, token: Credential, projects: Sequence[ProjectRef] = ()
) -> verification.Report:
    """The check for a person who waits: within AZURE_DEVOPS_TEST_LIMIT seconds.

    `projects` are those that the connection is limited to, none for all.
    """
    limit = settings.AZURE_DEVOPS_TEST_LIMIT
    with (
        closing(runners.ConcurrentRunner(limit)) as pace,
        azure_devops(where, organization, token, seconds=limit) as client,
    ):
        return _check(client, pace, projects)


def check_sequentially(
    where: Server, organization: str, token: Credential, projects: Sequence[ProjectRef] = ()
) -> verification.Report:
    """The check for the clock: each call within AZURE_DEVOPS_TASK_TIMEOUT seconds. `projects` as above."""
    seconds, list_seconds = settings.AZURE_DEVOPS_TASK_TIMEOUT, settings.AZURE_DEVOPS_LIST_LIMIT
    with azure_devops(where, organization, token, seconds=seconds, list_seconds=list_seconds) as client:
        return _check(client, runners.SequentialRunner(), projects)


def _check(client: AzureDevOpsClient, pace: runners.Runner, projects: Sequence[ProjectRef]) -> verification.Report:
    write_probes = settings.AZURE_DEVOPS_WRITE_PROBES
    report = verification.check(client, pace, write_probes=write_probes, now=timezone.now, projects=projects)
    return _logged(report, client)


def calibrate(
    where: Server,
    organization: str,
    token: Credential,
    told: Told,
    *,
    people: Iterable[str],
    things: Iterable[str],
    projects: Sequence[ProjectRef] = (),
) -> Calibration:
    """Compare the organization's answers with what is expected, within AZURE_DEVOPS_TEST_LIMIT seconds.

    No name of `people` or `things` is told. `projects` are those that the connection is limited to, none for all.
    """
    limit = settings.AZURE_DEVOPS_TEST_LIMIT
    open_client = partial(azure_devops, where, seconds=limit)
    made_up, nowhere = made_up_token(), calibration_run.made_up_organization()
    with (
        closing(runners.ConcurrentRunner(limit)) as pace,
        open_client(organization, token) as own,
        open_client(organization, made_up) as stranger,
        open_client(nowhere, made_up) as lost,
    ):
        found = calibration_run.calibrate(
            calibration_run.Clients(own, stranger, lost),
            pace,
            told,
            write_probes=settings.AZURE_DEVOPS_WRITE_PROBES,
            day=timezone.localdate(),
            credential=token,
            people=people,
            things=things,
            projects=projects,
        )
    log.info(
        "Calibrated %s at %s: %s answers differ",
        organization,
        where.name,
        len(found.with_result(Result.DIFFERENT)),
        extra={"session": own.transport.session_id},
    )
    return found


def page_seconds() -> float:
    """How long one call may take while a person waits for a page."""
    return float(settings.AZURE_DEVOPS_TEST_LIMIT)
