"""The way out to Azure DevOps: the only place that reads its settings."""

from contextlib import closing

from django.conf import settings
from django.utils import timezone

from connections import checks
from connections.azure_devops.client import AzureDevOpsClient
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.servers import parse_servers
from connections.azure_devops.transport import Limits
from connections.azure_devops.types import Server

SANDBOX = "Sandbox"


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


def sandbox() -> Server | None:
    """The pretend Azure DevOps that `make run` adds on this machine, if there is one."""
    return next((one for one in servers() if one.name == SANDBOX and one.is_loopback), None)


def azure_devops(where: Server, organization: str, token: PersonalAccessToken, *, seconds: float) -> AzureDevOpsClient:
    """A client whose calls each end within `seconds`."""
    limits = Limits(connect_timeout=settings.AZURE_DEVOPS_CONNECT_TIMEOUT, deadline=seconds)
    return AzureDevOpsClient(where, organization, token, limits=limits)


def check_side_by_side(where: Server, organization: str, token: PersonalAccessToken) -> checks.Report:
    """The check for a person who waits: within AZURE_DEVOPS_TEST_LIMIT seconds."""
    limit = settings.AZURE_DEVOPS_TEST_LIMIT
    with (
        closing(checks.SideBySide(limit)) as pace,
        azure_devops(where, organization, token, seconds=limit) as client,
    ):
        return checks.check(client, pace, write_probes=settings.AZURE_DEVOPS_WRITE_PROBES, now=timezone.now)


def check_one_after_another(where: Server, organization: str, token: PersonalAccessToken) -> checks.Report:
    """The check for the clock: each call within AZURE_DEVOPS_TASK_TIMEOUT seconds."""
    seconds = settings.AZURE_DEVOPS_TASK_TIMEOUT
    with azure_devops(where, organization, token, seconds=seconds) as client:
        return checks.check(
            client,
            checks.OneAfterAnother(),
            write_probes=settings.AZURE_DEVOPS_WRITE_PROBES,
            now=timezone.now,
        )


def page_seconds() -> float:
    """How long one call may take while a person waits for a page."""
    return float(settings.AZURE_DEVOPS_TEST_LIMIT)
