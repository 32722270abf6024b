"""Who is told when a connection's health changes, and when it is too early to tell."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from connections.actions.audit import audit
from connections.models import Connection, Mail
from connections.status import Health, is_news
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

CLOCK = Actor("the clock")
SHORT, LONG = timedelta(minutes=5), timedelta(hours=7)


@pytest.mark.parametrize(
    ("told", "now_is", "looks", "lasted", "sudden", "expected"),
    [
        (Health.HEALTHY, Health.HEALTHY, 0, LONG, False, False),
        (Health.HEALTHY, Health.REJECTED, 1, SHORT, False, False),
        (Health.HEALTHY, Health.REJECTED, 2, SHORT, False, True),
        (Health.HEALTHY, Health.REJECTED, 1, SHORT, True, True),
        (Health.HEALTHY, Health.LIMITED, 2, SHORT, False, True),
        (Health.HEALTHY, Health.UNREACHABLE, 9, SHORT, False, False),
        (Health.HEALTHY, Health.UNREACHABLE, 1, LONG, False, True),
        (Health.REJECTED, Health.HEALTHY, 1, SHORT, False, True),
        (Health.NOT_CHECKED, Health.HEALTHY, 1, SHORT, False, False),
        (Health.LIMITED, Health.REJECTED, 2, SHORT, False, True),
    ],
)
def test_what_is_news(
    told: Health, now_is: Health, looks: int, lasted: timedelta, sudden: bool, expected: bool
) -> None:
    assert is_news(told, now_is, looks=looks, lasted=lasted, sudden=sudden) is expected


@pytest.fixture
def connection(connected: Callable[..., Connection], maintainer: User) -> Connection:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    return connected()


def look(connection: Connection) -> None:
    audit(connection, by=CLOCK, now=datetime.now(UTC), in_a_hurry=False)


def kinds() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("kind", flat=True))


def test_a_refusal_is_shown_at_once_mailed_after_a_second_look_and_recovery_once(
    connection: Connection, sandbox: Sandbox
) -> None:
    token = sandbox.world.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    assert (connection.health, kinds()) == ("rejected", [])
    assert connection.next_check_at < datetime.now(UTC) + timedelta(minutes=6)
    look(connection)
    look(connection)
    assert kinds() == ["rejected"]
    token.state = "active"
    look(connection)
    look(connection)
    assert kinds() == ["rejected", "recovered"]


def test_a_token_that_ends_before_its_date_is_news_at_once(connection: Connection, sandbox: Sandbox) -> None:
    Connection.objects.update(expires_on=datetime.now(UTC).date() + timedelta(days=60))
    connection.refresh_from_db()
    token = sandbox.world.token_named("full")
    assert token is not None
    token.state = "revoked"
    look(connection)
    assert (connection.problem, kinds()) == ("token_ended_early", ["rejected"])
    assert "before its date" in Mail.objects.get().text


def test_what_azure_devops_calls_expired_corrects_the_recorded_date(connection: Connection, sandbox: Sandbox) -> None:
    Connection.objects.update(expires_on=datetime.now(UTC).date() + timedelta(days=60))
    connection.refresh_from_db()
    token = sandbox.world.token_named("full")
    assert token is not None
    token.state = "expired"
    look(connection)
    assert connection.expires_on == datetime.now(UTC).date()
    assert Event.objects.latest("pk").detail["expires_on"] == str(connection.expires_on)


def test_a_lost_scope_is_mailed_after_a_second_look_with_what_to_tick(connection: Connection, sandbox: Sandbox) -> None:
    token = sandbox.world.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    look(connection)
    assert kinds() == []
    look(connection)
    assert kinds() == ["limited"]
    assert "Build: Read & execute" in Mail.objects.get().text


@pytest.mark.parametrize("fault", ["reset", "throttle", "status"])
def test_trouble_on_the_way_changes_no_expiry_and_mails_nobody(
    connection: Connection, sandbox: Sandbox, fault: str
) -> None:
    before = connection.expires_on
    sandbox.behaviour.add(fault)
    for _ in range(4):
        look(connection)
    assert (connection.health, connection.expires_on, kinds()) == ("unreachable", before, [])
    sandbox.behaviour.clear()
    look(connection)
    assert (connection.health, kinds()) == ("healthy", [])


def test_a_long_outage_is_told_once(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=503)
    for _ in range(3):
        look(connection)
    Connection.objects.update(health_since=datetime.now(UTC) - LONG)
    connection.refresh_from_db()
    look(connection)
    look(connection)
    assert kinds() == ["unreachable"]
