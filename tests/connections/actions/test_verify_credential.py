"""Connect asks Azure DevOps again, unless the kept result is for just this person, place and token, and fresh."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.refusals import CannotConnect
from connections.actions.verify_credential import Credentials, forget_old, usable_result, verify_new
from connections.models import Connection, ProbeResult
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import parse_organization
from connections.providers.azure_devops.models import Server
from history.record import Actor
from sandbox.server import Sandbox

Secret = Callable[[str], str]
SOMEBODY = Actor(name="ann")


@pytest.fixture
def credentials(sandbox: Sandbox, token_of: Secret) -> Callable[..., Credentials]:
    def make(token: str = "full", organization: str = "fabrikam", server: str = "Sandbox") -> Credentials:
        where = Server(server, sandbox.url, kind="sandbox")
        return Credentials(where, parse_organization(organization, where), PersonalAccessToken(token_of(token)))

    return make


@pytest.fixture
def verification_key(credentials: Callable[..., Credentials], maintainer: User) -> str:
    return verify_new(credentials(), by=maintainer, now=timezone.now()).verification_key


def test_a_fresh_verdict_serves_whoever_got_it(
    verification_key: str, credentials: Callable[..., Credentials], maintainer: User, sandbox: Sandbox
) -> None:
    asked = len(sandbox.requests)
    wishes = ConnectRequest(name="Fabrikam", expires_on=None, verification_key=verification_key)
    connect(credentials(), wishes, owner=maintainer, by=SOMEBODY, now=timezone.now())
    assert len(sandbox.requests) == asked


@pytest.mark.parametrize(
    "other",
    [{"token": "full-again"}, {"organization": "acme"}, {"server": "Another"}],
    ids=lambda one: next(iter(one)),
)
def test_a_verdict_says_nothing_of_another_token_organization_or_server(
    verification_key: str, credentials: Callable[..., Credentials], maintainer: User, other: dict[str, str]
) -> None:
    assert usable_result(verification_key, credentials(**other), by=maintainer, now=timezone.now()) is None


def test_a_verdict_is_good_for_one_person_only(
    verification_key: str, credentials: Callable[..., Credentials], person: Callable[..., User]
) -> None:
    assert usable_result(verification_key, credentials(), by=person("noor"), now=timezone.now()) is None


def test_a_verdict_grows_old(
    verification_key: str, credentials: Callable[..., Credentials], maintainer: User, settings: Settings
) -> None:
    later: datetime = timezone.now() + timedelta(minutes=settings.TEST_RESULT_MINUTES, seconds=1)
    assert usable_result(verification_key, credentials(), by=maintainer, now=later) is None
    assert forget_old(now=later) == 1


@pytest.mark.parametrize("forged", ["", "x", "made:up:words"])
def test_a_forged_verdict_is_none(
    verification_key: str, credentials: Callable[..., Credentials], maintainer: User, forged: str
) -> None:
    assert usable_result(forged, credentials(), by=maintainer, now=timezone.now()) is None
    assert usable_result(verification_key + "x", credentials(), by=maintainer, now=timezone.now()) is None


def test_without_a_verdict_connect_looks_for_itself(
    credentials: Callable[..., Credentials], maintainer: User, sandbox: Sandbox
) -> None:
    connect(
        credentials(),
        ConnectRequest(name="Fabrikam", expires_on=None),
        owner=maintainer,
        by=SOMEBODY,
        now=timezone.now(),
    )
    assert len(sandbox.requests) > 8


def test_a_verdict_that_is_limited_does_not_pass_as_full(
    credentials: Callable[..., Credentials], maintainer: User
) -> None:
    limited = credentials(token="no-build", organization="acme")
    tested = verify_new(limited, by=maintainer, now=timezone.now())
    wishes = ConnectRequest(name="Acme", expires_on=None, verification_key=tested.verification_key)
    with pytest.raises(CannotConnect, match="not every scope was confirmed"):
        connect(limited, wishes, owner=maintainer, by=SOMEBODY, now=timezone.now())
    assert not Connection.objects.exists()


def test_what_is_kept_of_a_test_holds_no_token_and_cannot_be_compared_with_another(
    credentials: Callable[..., Credentials], maintainer: User, token_of: Secret
) -> None:
    for _ in range(2):
        verify_new(credentials(), by=maintainer, now=timezone.now())
    first, second = ProbeResult.objects.values()
    assert token_of("full") not in repr(first)
    assert first["token_digest"] != second["token_digest"]


def test_nothing_is_kept_of_a_token_that_was_not_accepted(
    credentials: Callable[..., Credentials], maintainer: User
) -> None:
    tested = verify_new(credentials(token="revoked", organization="acme"), by=maintainer, now=timezone.now())
    assert tested.verification_key == ""
    assert not ProbeResult.objects.exists()


def test_the_server_of_a_connection_that_is_no_longer_configured_is_unknown(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Cloud=https://dev.azure.com"
    with pytest.raises(clients.UnknownServer):
        clients.server("Sandbox")
