"""Open clients of Azure DevOps. The only module that reads their settings."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache, partial

from django.conf import settings
from django.utils import timezone
from structlog.contextvars import get_contextvars

from connections.domain import calibration_run, principal_verification, runners, verification
from connections.domain.calibration import Calibration, Result, Told
from connections.domain.problems import Facts, Problem, catalogue
from connections.issuers import graph_of, sign_in_of, signer_for
from connections.leak_guard import LeakGuard
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken, made_up_token
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, tenant_of
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.servers import parse_servers
from connections.providers.azure_devops.sign_in import SignIn
from connections.providers.azure_devops.transport import Limits
from connections.providers.credential import Credential, ReadDate, Signer
from connections.providers.organization import Place, ProjectRef
from core.encryption import UnreadableToken
from core.metric_totals import totals

log = logging.getLogger(__name__)
# Under this name, the log lines and requests of one audit of many carry its id.
AUDIT_ID = "audit_id"


class UnknownServer(Exception):
    """The server of a connection is no longer configured."""

    code = "server_unknown"


def servers() -> tuple[Server, ...]:
    """The configured servers, in order. Raises `InvalidServers`."""
    return _parsed(
        settings.AZURE_DEVOPS_SERVERS,
        settings.AZURE_DEVOPS_CA_BUNDLES,
        settings.AZURE_DEVOPS_PROXIES,
        settings.AZURE_DEVOPS_PLAIN_HTTP,
    )


@lru_cache(maxsize=4)
def _parsed(addresses: str, ca_bundles: str, proxies: str, plain_http: str) -> tuple[Server, ...]:
    return parse_servers(addresses, ca_bundles=ca_bundles, proxies=proxies, plain_http=plain_http)


def server(name: str) -> Server:
    """The server with this name. Raises `UnknownServer`."""
    for configured in servers():
        if configured.name == name:
            return configured
    raise UnknownServer(name)


def services() -> list[str]:
    """The names of the servers that have organizations: Azure DevOps Services and the sandbox."""
    return [configured.name for configured in servers() if configured.place == "organization"]


def places() -> list[Place]:
    """Whether the servers have organizations, collections or both."""
    return list(dict.fromkeys(configured.place for configured in servers()))


def place_of(name: str) -> Place:
    """Whether the server has organizations or collections; "organization" for an unknown server."""
    try:
        return server(name).place
    except UnknownServer:
        return "organization"


def stored_problem(connection: Connection) -> Problem:
    """The stored problem of a connection."""
    facts = Facts(host=connection.problem_host, organization=connection.organization)
    return catalogue.problem(connection.problem, place=place_of(connection.server), facts=facts)


def problem_detail(name: str, code: str, *, host: str = "") -> dict[str, object]:
    """The detail of a problem for the history: its code, and the host and the place if they matter."""
    place = place_of(name)
    facts = {"host": host, "place": place if place != "organization" else ""}
    return {"problem": code, **({key: value for key, value in facts.items() if value} if code else {})}


def tokens_page(name: str, organization: str) -> str:
    """The page where the organization's tokens are created and revoked; empty for an unknown server."""
    try:
        return server(name).tokens_page(organization)
    except UnknownServer:
        return ""


def sandbox() -> Server | None:
    """The sandbox that `make run` starts, if there is one."""
    return next((server for server in servers() if server.is_sandbox), None)


def sample_tokens() -> list[dict[str, str]]:
    """The tokens to try with the sandbox on this machine, which `make run` hands over; none without that sandbox."""
    server = sandbox()
    return list(settings.SAMPLE_TOKENS) if server is not None and server.is_loopback else []


def stored_credential(connection: Connection) -> Credential:
    """The stored token. Raises `UnreadableToken`, also if there is none."""
    try:
        return connection.stored_credential.reveal()
    except StoredCredential.DoesNotExist:
        raise UnreadableToken from None


def azure_devops(
    where: Server,
    organization: str,
    token: Credential,
    *,
    seconds: float,
    list_seconds: float | None = None,
    fresh: bool = False,
    even_if_leaked: bool = False,
    guard: LeakGuard | None = None,
) -> AzureDevOpsClient:
    """A client with a deadline of `seconds` per call, and of `list_seconds` per list with all its pages.

    By default, a list has the same deadline as a call, for a person who waits. `fresh` fetches a new access token for
    an application, also if there is one. `even_if_leaked` is for finding out whether a leaked credential still works.
    `guard` is that of the credential, if the caller has one.
    """
    limits = Limits(
        connect_timeout=settings.AZURE_DEVOPS_CONNECT_TIMEOUT,
        deadline=seconds,
        list_seconds=seconds if list_seconds is None else list_seconds,
    )
    guard = None if even_if_leaked else guard or LeakGuard.of(token)
    if guard is not None:
        # Read here, so that the threads of a test need no connection to the database for its first second.
        guard.is_leaked()
    return AzureDevOpsClient(
        where,
        organization,
        signer_for(where, token, fresh=fresh),
        limits=limits,
        session_id=_session_id(),
        before_exchange=guard.refuse_leaked if guard else None,
    )


def as_person(where: Server, organization: str, signer: Signer) -> AzureDevOpsClient:
    """A client for a person who has just signed in and waits."""
    seconds = page_seconds()
    limits = Limits(connect_timeout=settings.AZURE_DEVOPS_CONNECT_TIMEOUT, deadline=seconds, list_seconds=seconds)
    return AzureDevOpsClient(where, organization, signer, limits=limits, session_id=_session_id())


def sign_in(name: str, *, redirect: str) -> SignIn | None:
    """Where people sign in to renew tokens of the server with this name; None if that is not set up."""
    try:
        return sign_in_of(server(name), redirect=redirect)
    except UnknownServer:
        return None


def can_sign_in(name: str) -> bool:
    """Whether people can sign in to renew tokens of the server with this name."""
    return sign_in(name, redirect="") is not None


def can_renew(connection: Connection) -> bool:
    """Whether its credential is a personal access token, and renewing is set up for its server."""
    return is_renewable(connection.credential(), connection.server)


def is_renewable(stored: StoredCredential, server: str) -> bool:
    """The same of what is stored of a credential for this server."""
    return stored.kind == PersonalAccessToken.kind and can_sign_in(server)


def _session_id() -> str:
    """The id of the audit, task or request, so that our logs match those of Azure DevOps; empty if there is none."""
    bound = get_contextvars()
    return str(bound.get(AUDIT_ID) or bound.get("task_id") or bound.get("request_id") or "")


def _logged(report: verification.Report, client: AzureDevOpsClient) -> verification.Report:
    where = f"{client.transport.organization} at {client.transport.server.name}"
    extra = {"session": client.transport.session_id, "seconds": round(report.elapsed, 3)}
    if report.failure:
        extra |= {"code": report.failure.code, "activity_id": report.failure.activity_id or ""}
        log.warning("Checked %s: %s", where, report.failure.code, extra=extra)
    else:
        log.info("Checked %s: accepted, %s scopes lacking", where, len(report.lacking()), extra=extra)
    return report


def _count(report: verification.Report) -> None:
    """For /metrics: outcomes and durations, of the check and of each probe in it."""
    totals.add("orchestrator_credential_checks", outcome=report.failure.code if report.failure else "ok")
    totals.observe("orchestrator_credential_check_duration_seconds", report.elapsed)
    for finding in report.findings if report.accepted else ():
        totals.add("orchestrator_probes", capability=finding.capability, verdict=finding.verdict)
        if finding.by_project:
            totals.observe("orchestrator_probe_duration_seconds", finding.seconds, capability=finding.capability)


def check_concurrently(
    where: Server,
    organization: str,
    token: Credential,
    projects: Sequence[ProjectRef] = (),
    guard: LeakGuard | None = None,
) -> verification.Report:
    """Verify a token for a person who waits, within AZURE_DEVOPS_TEST_LIMIT seconds.

    `projects` are those that the connection is limited to, empty for all. `guard` as above.
    """
    limit = settings.AZURE_DEVOPS_TEST_LIMIT
    with (
        closing(runners.ConcurrentRunner(limit)) as runner,
        azure_devops(where, organization, token, seconds=limit, fresh=True, guard=guard) as client,
    ):
        return _check(client, runner, projects, tenant=tenant_of(token))


def check_sequentially(
    where: Server,
    organization: str,
    token: Credential,
    projects: Sequence[ProjectRef] = (),
    guard: LeakGuard | None = None,
) -> verification.Report:
    """Verify a token in a task: each call within AZURE_DEVOPS_TASK_TIMEOUT seconds. `projects` and `guard` as above."""
    seconds, list_seconds = settings.AZURE_DEVOPS_TASK_TIMEOUT, settings.AZURE_DEVOPS_LIST_LIMIT
    with azure_devops(where, organization, token, seconds=seconds, list_seconds=list_seconds, guard=guard) as client:
        return _check(client, runners.SequentialRunner(), projects, tenant=tenant_of(token))


def _check(
    client: AzureDevOpsClient, runner: runners.Runner, projects: Sequence[ProjectRef], *, tenant: str
) -> verification.Report:
    write_probes = settings.AZURE_DEVOPS_WRITE_PROBES
    if tenant:
        report = principal_verification.check(
            client, runner, write_probes=write_probes, now=timezone.now, projects=projects, tenant=tenant
        )
    else:
        report = verification.check(client, runner, write_probes=write_probes, now=timezone.now, projects=projects)
    _count(report)
    return _logged(report, client)


def read_date(where: Server, token: Credential, *, now: datetime, guard: LeakGuard | None = None) -> ReadDate | None:
    """What Microsoft Graph says about the expiry date of a client secret; None if it is not asked."""
    if not isinstance(token, EntraClientSecret) or (guard or LeakGuard.of(token)).is_leaked():
        return None
    graph = graph_of(where)
    return graph.date_of(token, now=timezone.localtime(now)) if graph else None


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
    """Compare the organization's answers with the expected ones, within AZURE_DEVOPS_TEST_LIMIT seconds.

    The result contains no name of `people` or `things`. `projects` are those that the connection is limited to.
    """
    limit = settings.AZURE_DEVOPS_TEST_LIMIT
    open_client = partial(azure_devops, where, seconds=limit)
    made_up, nowhere = made_up_token(), calibration_run.made_up_organization()
    with (
        closing(runners.ConcurrentRunner(limit)) as runner,
        open_client(organization, token) as own,
        open_client(organization, made_up) as stranger,
        open_client(nowhere, made_up) as lost,
    ):
        calibration = calibration_run.calibrate(
            calibration_run.Clients(own, stranger, lost),
            runner,
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
        len(calibration.with_result(Result.DIFFERENT)),
        extra={"session": own.transport.session_id},
    )
    return calibration


def page_seconds() -> float:
    """The deadline of a call while a person waits for a page."""
    return float(settings.AZURE_DEVOPS_TEST_LIMIT)
