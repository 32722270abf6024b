"""Whether Azure DevOps still accepts a leaked token is asked until it rejects it, or two hours are over."""

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections import clients
from connections.actions import declare_leak, prove_leak
from connections.actions.rotate import Replacement, rotate
from connections.models import Connection, LeakedToken, Mail
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

Connected = Callable[..., Connection]
BY = Actor("Maya")


@pytest.fixture
def leak(connected: Connected) -> LeakedToken:
    key = declare_leak.find_stored(connected()).key
    return declare_leak.declare_leak(key, by=BY, now=timezone.now())


def ask(leak: LeakedToken, seconds: float = 6) -> None:
    """Ask what is due so many seconds after the declaration."""
    now = leak.declared_at + timedelta(seconds=seconds)
    for leak_id, lease in prove_leak.claim_due(now=now):
        prove_leak.ask_claimed(leak_id, lease=lease, clock=lambda: now)
    leak.refresh_from_db()


def set_state(sandbox: Sandbox, name: str, state: str) -> None:
    token = sandbox.state.token_named(name)
    assert token is not None
    token.state = state


@pytest.mark.django_db
def test_it_is_not_asked_before_five_seconds(leak: LeakedToken) -> None:
    assert prove_leak.claim_due(now=leak.declared_at + timedelta(seconds=4)) == []


@pytest.mark.django_db
def test_while_it_is_accepted_it_is_asked_again(leak: LeakedToken) -> None:
    ask(leak)
    assert (leak.asks, leak.last_answer, leak.took) == (1, "", None)
    assert leak.next_ask_at == leak.declared_at + timedelta(seconds=15)


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_rejection_proves_it_dead_with_the_time_that_took(leak: LeakedToken, sandbox: Sandbox, state: str) -> None:
    set_state(sandbox, "full", state)
    ask(leak, 7)
    assert leak.took == timedelta(seconds=7)
    assert Event.objects.get(kind="connection.leak_proved").detail == {"leak": leak.pk, "seconds": 7}


@pytest.mark.django_db
def test_the_token_is_removed_after_the_proof(leak: LeakedToken, sandbox: Sandbox) -> None:
    assert leak.is_readable()
    set_state(sandbox, "full", "revoked")
    ask(leak)
    assert bytes(leak.sealed) == b""
    assert leak.next_ask_at is None


@pytest.mark.django_db
def test_it_is_proved_dead_although_the_connection_has_another_token(
    leak: LeakedToken, sandbox: Sandbox, maintainer: User, token_of: Callable[[str], str]
) -> None:
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
    rotate(Connection.objects.get(), new, person=maintainer, by=BY, now=timezone.now())
    set_state(sandbox, "full", "revoked")
    ask(leak)
    assert leak.proved_at is not None


@pytest.mark.django_db
def test_it_is_proved_dead_although_the_connection_is_gone(leak: LeakedToken, sandbox: Sandbox) -> None:
    Connection.objects.all().delete()
    set_state(sandbox, "full", "revoked")
    ask(leak)
    assert Event.objects.filter(kind="connection.leak_proved", subject_name="Acme main").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind", ["status", "maintenance", "throttle", "throttled_refusal", "gateway", "block_page", "sign_in_page", "close"]
)
def test_an_answer_that_is_no_rejection_proves_nothing(leak: LeakedToken, sandbox: Sandbox, kind: str) -> None:
    sandbox.behaviour.add(kind=kind)
    ask(leak)
    assert leak.asks == 1
    assert leak.last_answer != ""
    assert leak.proved_at is None
    assert leak.next_ask_at is not None


@pytest.mark.django_db
def test_after_two_hours_it_is_not_proved(leak: LeakedToken) -> None:
    ask(leak, 7201)
    assert leak.ended_at is not None
    assert bytes(leak.sealed) == b""
    assert Event.objects.filter(kind="connection.leak_not_proved").exists()


@pytest.mark.django_db
def test_the_owner_is_notified_of_the_result(leak: LeakedToken, sandbox: Sandbox) -> None:
    User.objects.filter(username="maya").update(email="maya@example.com")
    set_state(sandbox, "full", "revoked")
    ask(leak, 7)
    mail = Mail.objects.get(kind="leak_result")
    assert mail.recipient == "maya@example.com"
    assert "7 seconds after it was declared leaked" in mail.text


def declare_rejected(connection: Connection) -> LeakedToken:
    """Declare the token leaked of a connection that Azure DevOps rejected before."""
    Connection.objects.filter(pk=connection.pk).update(health="rejected", problem="token_refused")
    return declare_leak.declare_stored_leaked(Connection.objects.get(pk=connection.pk), by=BY, now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "proves"), [("revoked", False), ("expired", True)])
def test_of_a_token_that_was_rejected_before_only_its_expiry_proves_it_dead(
    connected: Connected, sandbox: Sandbox, state: str, proves: bool
) -> None:
    connection = connected()
    set_state(sandbox, "full", state)
    leak = declare_rejected(connection)
    ask(leak)
    assert (leak.proved_at is not None, bool(leak.sealed), leak.asks) == (proves, not proves, 1)


@pytest.mark.django_db
def test_a_token_that_was_rejected_before_is_proved_dead_after_it_was_accepted(
    connected: Connected, sandbox: Sandbox
) -> None:
    leak = declare_rejected(connected())
    ask(leak)
    set_state(sandbox, "full", "revoked")
    ask(leak, 16)
    assert leak.took == timedelta(seconds=16)


@pytest.mark.django_db
def test_a_token_that_was_rejected_before_is_proved_dead_after_it_was_revoked_here(
    connected: Connected, sandbox: Sandbox
) -> None:
    leak = declare_rejected(connected())
    LeakedToken.objects.update(revoked_at=leak.declared_at)
    set_state(sandbox, "full", "revoked")
    ask(leak)
    assert leak.proved_at


@pytest.mark.django_db
def test_questions_that_fail_unexpectedly_end_after_two_hours_with_the_token(leak: LeakedToken) -> None:
    with patch.object(clients, "azure_devops", side_effect=RuntimeError("a mistake of ours")):
        ask(leak)
        assert (leak.asks, leak.last_answer) == (1, "failed_here")
        ask(leak, 2 * 60 * 60)
    assert (leak.ended_at is not None, bytes(leak.sealed)) == (True, b"")


@pytest.mark.django_db
def test_two_workers_ask_once(leak: LeakedToken, sandbox: Sandbox) -> None:
    now = leak.declared_at + timedelta(seconds=6)
    ((leak_id, lease),) = prove_leak.claim_due(now=now)
    assert prove_leak.claim_due(now=now) == []
    assert prove_leak.ask_claimed(leak_id, lease=lease, clock=lambda: now)
    assert not prove_leak.ask_claimed(leak_id, lease=lease, clock=lambda: now)


@pytest.mark.django_db
def test_after_a_worker_died_it_is_asked_when_the_lease_is_over(leak: LeakedToken) -> None:
    prove_leak.claim_due(now=leak.declared_at + timedelta(seconds=6))
    ask(leak, 6 + LeakedToken.lease_duration().total_seconds() + 1)
    assert leak.asks == 1


@pytest.mark.django_db
def test_it_waits_as_long_as_azure_devops_asks(leak: LeakedToken, sandbox: Sandbox) -> None:
    sandbox.behaviour.add(kind="throttle", retry_after=37)
    ask(leak)
    assert leak.next_ask_at is not None
    assert leak.next_ask_at >= leak.declared_at + timedelta(seconds=6 + 37)
