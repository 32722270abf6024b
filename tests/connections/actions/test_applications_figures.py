"""What applications cost, counted: access tokens, requests of a test, and libraries."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections import clients
from connections.actions.audit import audit
from connections.domain import runners
from connections.models import Connection
from connections.providers.azure_devops import permissions
from connections.providers.azure_devops.access_tokens import TOKENS
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import Credential
from history.record import SCHEDULER
from sandbox.entra.issuer import Issuer
from tests.connections.applications import certificate_of, connected, credential_of

ROOT = Path(__file__).parents[3]
# The shortest that Microsoft gives out.
SHORTEST_LIFE = 3600.0
# The round trips of a test to Microsoft Entra.
ISSUERS = 1


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()
    permissions.KEPT.forget()


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass on the monotonic clock."""
    real, ahead = time.monotonic, timedelta()

    def by(more: timedelta) -> None:
        nonlocal ahead
        ahead += more

    monkeypatch.setattr(time, "monotonic", lambda: real() + ahead.total_seconds())
    return by


def audited(*connections: Connection) -> None:
    for connection in connections:
        audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)
        connection.refresh_from_db()
        assert connection.health == "healthy"


def tokens_asked_for(entra: Issuer) -> int:
    return sum(seen.path.endswith("/oauth2/v2.0/token") for seen in entra.requests)


@pytest.mark.django_db
def test_all_connections_of_a_principal_share_one_access_token_for_forty_minutes(
    entra: Issuer, maintainer: User, advance: Callable[[timedelta], None]
) -> None:
    entra.lifetime = SHORTEST_LIFE
    ours = connected(entra, maintainer)
    theirs = connected(entra, maintainer, name="Theirs", organization="fabrikam")
    TOKENS.forget()
    before = tokens_asked_for(entra)
    audited(ours, theirs)
    for _ in range(4):
        advance(timedelta(minutes=10))
        audited(ours, theirs)
    assert tokens_asked_for(entra) - before == 1
    advance(timedelta(minutes=6))
    audited(ours, theirs)
    assert tokens_asked_for(entra) - before == 2


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Callable[[Credential], int]:
    """How often a test waits for calls that it makes at the same time."""
    waited: list[int] = []

    class Counting(runners.ConcurrentRunner):
        def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
            waited.append(len(calls))
            return super().run(calls)

    monkeypatch.setattr(runners, "ConcurrentRunner", Counting)

    def count(credential: Credential) -> int:
        waited.clear()
        assert clients.check_concurrently(clients.servers()[0], "acme", credential).passed
        return len(waited)

    return count


@pytest.mark.django_db
@pytest.mark.parametrize("by", [credential_of, certificate_of])
def test_a_test_takes_one_round_trip_more_than_one_by_token_beside_that_to_microsoft_entra(
    entra: Issuer,
    token_of: Callable[[str], str],
    round_trips: Callable[[Credential], int],
    by: Callable[[Issuer, str], Credential],
) -> None:
    by_token, credential = round_trips(PersonalAccessToken(token_of("full"))), by(entra, "full")
    before = tokens_asked_for(entra)
    # The first one also reads which bits mean what, at the same time as other things.
    assert [round_trips(credential) - by_token for _ in range(2)] == [1 + ISSUERS, 1 + ISSUERS]
    assert tokens_asked_for(entra) - before == 2 * ISSUERS


UNUSED = ("cryptography.x509", "jwt", "msal", "azure.core")
LOADS = """
import sys, django
django.setup()
import connections.tasks, connections.urls
print([name for name in sys.argv[1:] if name in sys.modules])
"""


def test_a_process_without_applications_loads_no_library_for_them() -> None:
    command = [sys.executable, "-c", LOADS, *UNUSED]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"
