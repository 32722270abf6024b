"""Trouble at Microsoft Entra, at Azure DevOps and with clocks while a connection by application is audited."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from connections.actions.audit import audit
from connections.models import Connection, RateLimitPause
from connections.providers.azure_devops import permissions
from connections.providers.azure_devops.access_tokens import TOKENS
from history.record import SCHEDULER
from sandbox.entra.issuer import Issuer
from sandbox.fault_injection import ENTRA_KINDS
from sandbox.server import Sandbox
from tests.connections.applications import certificate_of, credential_of
from tests.connections.applications import connected as connected_by

pytestmark = pytest.mark.django_db
MINUTE = 60.0
# As long as it takes until people are told of an outage.
TIMES = 3


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()
    permissions.KEPT.forget()


def audited(connection: Connection) -> Connection:
    audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)
    connection.refresh_from_db()
    return connection


def audited_again_and_again(connection: Connection) -> Connection:
    for _ in range(TIMES):
        TOKENS.forget()
        audited(connection)
        # So that each asks, also after a pause.
        RateLimitPause.objects.all().delete()
    return connection


def verdicts(connection: Connection) -> set[str]:
    return {state.verdict for state in connection.capabilities.all()}


OUTAGES: dict[str, dict[str, Any]] = {kind: {} for kind in ENTRA_KINDS if kind not in ("entra_error", "bom")}
OUTAGES |= {"latency": {"seconds": 5.0}, "drip": {"seconds": 0.05}}
OUTAGES |= {"status": {"status": 401, "body": "<html>Sign in to the proxy</html>"}}


@pytest.mark.parametrize("kind", OUTAGES)
def test_no_outage_of_microsoft_entra_becomes_a_refusal(
    entra: Issuer, maintainer: User, settings: Settings, kind: str
) -> None:
    connection = connected_by(entra, maintainer)
    settings.AZURE_DEVOPS_TEST_LIMIT = 0.5
    entra.behaviour.add(kind, **OUTAGES[kind])
    audited_again_and_again(connection)
    assert connection.health == "unreachable"
    assert verdicts(connection) == {"granted"}
    settings.AZURE_DEVOPS_TEST_LIMIT = 20.0
    entra.behaviour.clear()
    assert audited(connection).health == "healthy"


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("number", [7000215, 7000222, 700016, 700027, 7000112, 90002, 53003])
def test_no_number_alone_rejects_a_connection(entra: Issuer, maintainer: User, number: int, status: int) -> None:
    connection = connected_by(entra, maintainer)
    said = {"error": "of_a_later_version", "error_description": f"AADSTS{number}: Changed.", "error_codes": [number]}
    is_json = {"Content-Type": "application/json"}
    entra.behaviour.add("status", status=status, body=json.dumps(said), headers=is_json)
    audited_again_and_again(connection)
    assert (connection.health, connection.problem) == ("unreachable", "entra_unexpected_answer")


@pytest.mark.parametrize("variant", ["retry_after", "remaining", "delay", "all"])
def test_throttling_that_looks_like_a_refusal_is_none(
    entra: Issuer, maintainer: User, sandbox: Sandbox, variant: str
) -> None:
    connection = connected_by(entra, maintainer)
    sandbox.behaviour.add("throttled_refusal", variant=variant)
    audited_again_and_again(connection)
    assert connection.health == "unreachable"
    assert verdicts(connection) == {"granted"}


@pytest.mark.parametrize("minutes", [-4, 4])
@pytest.mark.parametrize("by", [credential_of, certificate_of])
def test_clocks_may_be_minutes_apart(
    entra: Issuer, maintainer: User, sandbox: Sandbox, by: Callable[[Issuer, str], Any], minutes: int
) -> None:
    sandbox.state.advance(minutes * MINUTE)
    connection = connected_by(entra, maintainer, credential=by(entra, "full"))
    assert audited(connection).health == "healthy"


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_too_wrong_for_certificates_is_said_to_be(
    entra: Issuer, maintainer: User, sandbox: Sandbox, minutes: int
) -> None:
    connection = connected_by(entra, maintainer, credential=certificate_of(entra))
    TOKENS.forget()
    sandbox.state.advance(minutes * MINUTE)
    assert audited(connection).problem == "entra_assertion_out_of_time"
    sandbox.state.advance(-minutes * MINUTE)
    assert audited(connection).health == "healthy"


def test_a_wrong_clock_changes_nothing_for_secrets(entra: Issuer, maintainer: User, sandbox: Sandbox) -> None:
    connection = connected_by(entra, maintainer)
    for minutes in (-20, 40):
        TOKENS.forget()
        sandbox.state.advance(minutes * MINUTE)
        assert audited(connection).health == "healthy"


def in_the_middle(sandbox: Sandbox, happens: Callable[[], object]) -> threading.Thread:
    """Lets something happen when an audit has made half of its requests, each of which takes a while."""
    sandbox.latency, before = 0.02, sandbox.answered

    def run() -> None:
        while sandbox.answered < before + 6:
            time.sleep(0.001)
        happens()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def disabled(entra: Issuer) -> None:
    """The application is disabled, and its access tokens are revoked."""
    entra.directory.named("full").is_enabled = False
    entra.state.access_tokens.clear()


def secret_ended(entra: Issuer) -> None:
    """The secret expires, and so do the access tokens."""
    entra.expire_secrets("full")
    entra.state.access_tokens.clear()


REVOCATIONS: dict[str, Callable[[Issuer], object]] = {
    "principal_not_added": lambda entra: entra.set_member("full", "acme", member=False),
    "entra_application_disabled": disabled,
    "entra_secret_ended": secret_ended,
}


@pytest.mark.parametrize("problem", REVOCATIONS)
def test_what_is_revoked_in_the_middle_of_an_audit_is_rejected_and_lacks_nothing(
    entra: Issuer, maintainer: User, sandbox: Sandbox, problem: str
) -> None:
    connection = connected_by(entra, maintainer)
    thread = in_the_middle(sandbox, lambda: REVOCATIONS[problem](entra))
    audited(connection)
    thread.join()
    assert (connection.health, connection.problem) == ("rejected", problem)
    assert verdicts(connection) == {"granted"}


def test_an_access_token_that_is_revoked_in_the_middle_of_an_audit_is_renewed(
    entra: Issuer, maintainer: User, sandbox: Sandbox
) -> None:
    connection = connected_by(entra, maintainer)
    thread = in_the_middle(sandbox, entra.state.access_tokens.clear)
    audited(connection)
    thread.join()
    assert connection.health == "healthy"


def test_a_token_that_is_revoked_in_the_middle_of_an_audit_is_rejected_and_lacks_nothing(
    connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    connection = connected()
    token = sandbox.state.token_named("full")
    assert token is not None
    thread = in_the_middle(sandbox, lambda: setattr(token, "state", "revoked"))
    audited(connection)
    thread.join()
    assert (connection.health, connection.problem) == ("rejected", "token_refused")
    assert verdicts(connection) == {"granted"}
