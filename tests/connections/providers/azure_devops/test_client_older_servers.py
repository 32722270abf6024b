"""Azure DevOps Server on somebody's own machine: below a path, behind a certificate of its own, in older versions."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connections.domain import runners, verification
from connections.providers.azure_devops import build, errors, git, release
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits
from connections.providers.capability import Verdict
from sandbox.editions import SERVERS
from sandbox.samples import secret
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.authority import Authority

SHOP = "Storefront"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Sandbox]:
    """Each server of `SERVERS`, over TLS."""
    with Sandbox(edition=SERVERS[request.param], path="tfs", ssl_context=authority.server("127.0.0.1")) as running:
        yield running


@pytest.fixture
def client(server: Sandbox, authority: Authority) -> Iterator[AzureDevOpsClient]:
    """With a token that may do everything."""
    where = Server("Own", server.url, ca_bundle=authority.bundle)
    with AzureDevOpsClient(where, "acme", PersonalAccessToken(secret("full")), limits=Limits(2, 10)) as opened:
        yield opened


def wasted(server: Sandbox) -> int:
    """How many requests found only that the version was refused."""
    return sum(seen.status == 400 for seen in server.requests)


def test_an_older_server_costs_one_request_more_than_the_newest(client: AzureDevOpsClient, server: Sandbox) -> None:
    assert client.connection_data().deployment_type == "onPremises"
    assert client.projects_page().items
    assert wasted(server) == (0 if server.edition.newest >= (7, 1) else 1)


def test_everything_works_with_an_older_server(client: AzureDevOpsClient, server: Sandbox) -> None:
    transport = client.transport
    head = git.branch(transport, SHOP, SHOP, "main").commit
    pushed = git.push_file(
        transport, SHOP, SHOP, branch="main", at=head, path="/a.md", content=b"a", comment="Add", exists=False
    )
    assert git.file(transport, SHOP, SHOP, "main", "/a.md").content == "a"
    pipeline = next(iter(build.definitions(transport, SHOP))).items[0]
    queued = build.queue(transport, SHOP, pipeline.id, branch="refs/heads/main")
    assert queued.commit == pushed.commit
    made = release.create_release(transport, SHOP, 2)
    started = release.deploy(transport, SHOP, made.id, made.environments[0].id, comment="now")
    assert started.id == made.environments[0].id


def test_a_check_of_a_full_token_takes_at_most_fourteen_requests(client: AzureDevOpsClient, server: Sandbox) -> None:
    with closing(runners.ConcurrentRunner(10)) as pace:
        report = verification.check(client, pace, write_probes=True, now=lambda: datetime.now(UTC))
    assert [one.verdict for one in report.findings] == [Verdict.GRANTED] * 8
    assert len(server.requests) <= 14


def test_a_repository_of_an_older_server_may_not_say_that_it_is_disabled(client: AzureDevOpsClient) -> None:
    found = git.repositories(client.transport, SHOP, max_bytes=10**6)
    assert {one.name for one in found} >= {"Storefront", "Archived", "Empty"}


def test_a_token_that_the_server_does_not_know_is_refused(server: Sandbox, authority: Authority) -> None:
    where = Server("Own", server.url, ca_bundle=authority.bundle)
    with (
        AzureDevOpsClient(where, "acme", PersonalAccessToken(secret("revoked"))) as opened,
        pytest.raises(errors.TokenRefused),
    ):
        opened.connection_data()


def test_a_server_whose_authority_is_not_known_gets_no_token(server: Sandbox) -> None:
    with (
        AzureDevOpsClient(Server("Own", server.url), "acme", PersonalAccessToken(secret("full"))) as opened,
        pytest.raises(errors.TlsFailure),
    ):
        opened.connection_data()
    assert server.requests == []


def test_a_collection_that_does_not_exist_is_not_found(server: Sandbox, authority: Authority) -> None:
    where = Server("Own", server.url, ca_bundle=authority.bundle)
    with (
        AzureDevOpsClient(where, "nowhere", PersonalAccessToken(secret("full"))) as opened,
        pytest.raises(errors.OrganizationNotFound),
    ):
        opened.connection_data()
