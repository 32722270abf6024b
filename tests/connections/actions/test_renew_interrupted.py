"""A renewal that is interrupted at any step leaves no token that no one knows of."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from connections.actions import renewal_swap
from connections.actions.refusals import CannotRenew
from connections.domain.renewal import State
from connections.domain.verification import Report
from connections.models import Connection, Renewal
from connections.old_tokens import users_of
from history.models import Event
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, sent_back

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


class Died(BaseException):
    """The process ended here."""


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


def die_in(monkeypatch: pytest.MonkeyPatch, where: str, *, before: bool) -> None:
    """Let the process end before or after a call, once."""
    module, _, name = where.rpartition(".")
    found: Callable[..., Any] = getattr(__import__(module, fromlist=[name]), name)

    def dying(*args: Any, **kwargs: Any) -> NoReturn:
        monkeypatch.setattr(where, found)
        if not before:
            found(*args, **kwargs)
        raise Died

    monkeypatch.setattr(where, dying)


def interrupted(renewing: Renewing, connection: Connection) -> Renewal:
    """Renew until the process dies, and let the lease that it held expire."""
    parameters = sent_back(renewing.begin(connection))
    with pytest.raises(Died):
        renewing.return_with(parameters)
    renewing.ahead += timedelta(minutes=11)
    return Renewal.objects.get()


def test_before_the_creation_nothing_was_made(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.providers.azure_devops.personal_tokens.create", before=True)
    renewal = interrupted(renewing, connection)
    assert (renewal.state, renewing.made(renewal)) == (State.CREATING, [])
    assert renewing.settle(renewal).state == State.FAILED
    assert renewing.renew(connection).state == State.SWAPPED


def test_after_the_creation_the_token_is_found_by_its_name_and_revoked(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.providers.azure_devops.personal_tokens.create", before=False)
    renewal = interrupted(renewing, connection)
    (made,) = renewing.made(renewal)
    assert (renewal.state, made.revoked_at) == (State.CREATING, None)
    assert renewing.settle(renewal).state == State.FAILED
    assert made.revoked_at is not None
    assert Event.objects.filter(kind="connection.new_token_revoked").count() == 1


def test_the_renewal_of_another_connection_revokes_it_too(
    connection: Connection, connected: Connected, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.providers.azure_devops.personal_tokens.create", before=False)
    renewal = interrupted(renewing, connection)
    assert renewing.renew(connected("Acme releases")).state == State.SWAPPED
    (made,) = renewing.made(renewal)
    assert made.revoked_at is not None


def test_a_lost_answer_is_settled_in_the_same_sign_in(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("close", method="POST", path="/tokens/pats", carried_out=True, times=1)
    renewal = renewing.renew(connection)
    (made,) = renewing.made(renewal)
    assert (renewal.state, renewal.problem) == (State.FAILED, "renewal_interrupted")
    assert made.revoked_at is not None


def test_what_does_not_appear_at_once_stays_pending(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("close", method="POST", path="/tokens/pats", times=1)
    renewal = renewing.renew(connection)
    assert renewal.state == State.LOST
    renewing.ahead += timedelta(minutes=11)
    assert renewing.settle(renewal).state == State.FAILED


def test_a_renewal_that_runs_is_left_alone(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.providers.azure_devops.personal_tokens.create", before=False)
    renewal = interrupted(renewing, connection)
    rows = Renewal.objects.filter(pk=renewal.pk)
    assert rows.claim(now=renewing.now())
    assert renewing.settle(renewal).state == State.CREATING
    (made,) = renewing.made(renewal)
    assert made.revoked_at is None


@pytest.mark.parametrize(
    "where",
    [
        "connections.providers.azure_devops.personal_tokens.read",
        "connections.actions.renew.use_without_counting",
        "connections.actions.renewal_swap.rotate",
    ],
)
def test_a_new_token_that_is_stored_is_used_without_another_sign_in(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    die_in(monkeypatch, where, before=True)
    renewal = interrupted(renewing, connection)
    assert renewal.state == State.CREATED
    renewal_swap.use_new_token(renewal, person=renewing.user, by=renewing.by, clock=renewing.now)
    renewal.refresh_from_db()
    connection.refresh_from_db()
    (made,) = renewing.made(renewal)
    assert renewal.state == State.SWAPPED
    assert connection.stored_credential.reveal().reveal() == made.secret


def test_another_token_than_the_one_asked_for_is_never_stored(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"authorizationId": "x", "scope": "app_token", "targetAccounts": None, "token": "a" * 84}
    body, json_only = json.dumps({"patToken": other, "patTokenError": "none"}), {"Content-Type": "application/json"}
    sandbox.behaviour.add("status", method="POST", path="/tokens/pats", status=200, body=body, headers=json_only)
    for name in ("read", "revoke"):
        die_in(monkeypatch, f"connections.providers.azure_devops.personal_tokens.{name}", before=True)
    renewal = interrupted(renewing, connection)
    assert (renewal.state, renewal.problem) == (State.DISCARDED, "renewal_other_token")
    assert bytes(renewal.sealed) == b""


def test_replacing_the_token_is_all_or_nothing(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.actions.renewal_swap._mark_swapped", before=False)
    renewal = interrupted(renewing, connection)
    assert renewal.state == State.CREATED
    assert list(users_of({renewal.old_fingerprint})) == [connection]
    assert renewal.is_readable()


def test_a_discarded_token_is_revoked_at_the_next_sign_in(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.actions.renew.use_without_counting", before=True)
    renewal = interrupted(renewing, connection)
    Renewal.objects.update(problem="renewal_loses")
    renewal_swap.discard(renewal, by=renewing.by, now=renewing.now())
    discarded = Renewal.objects.get()
    assert (bytes(discarded.sealed), discarded.problem) == (b"", "")
    assert renewing.settle(renewal).state == State.FAILED
    (made,) = renewing.made(renewal)
    assert made.revoked_at is not None


def test_it_stays_pending_when_the_connection_is_disconnected(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.actions.renew.use_without_counting", before=True)
    renewal = interrupted(renewing, connection)
    connection.delete()
    renewal.refresh_from_db()
    with pytest.raises(CannotRenew) as refused:
        renewal_swap.use_new_token(renewal, person=renewing.user, by=renewing.by, clock=renewing.now)
    assert refused.value.code == "connection_gone"
    renewal_swap.discard(renewal, by=renewing.by, now=renewing.now())
    assert renewing.settle(renewal).state == State.FAILED


def test_a_connection_that_is_disconnected_during_the_test_leaves_the_new_token_pending(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = renewal_swap._report

    def disconnected(*args: Any) -> Report:
        report = verify(*args)
        Connection.objects.get(pk=connection.pk).delete()
        return report

    monkeypatch.setattr(renewal_swap, "_report", disconnected)
    renewal = renewing.renew(connection)
    assert (renewal.state, renewal.problem) == (State.CREATED, "connection_gone")
    renewal_swap.discard(renewal, by=renewing.by, now=renewing.now())
    assert renewing.settle(renewal).state == State.FAILED
    (made,) = renewing.made(renewal)
    assert made.revoked_at is not None


def test_a_token_that_someone_replaced_meanwhile_is_left_alone(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, "connections.actions.renew.use_without_counting", before=True)
    renewal = interrupted(renewing, connection)
    connection.stored_credential.fingerprint = "another"
    connection.stored_credential.save()
    with pytest.raises(CannotRenew) as refused:
        renewal_swap.use_new_token(renewal, person=renewing.user, by=renewing.by, clock=renewing.now)
    assert refused.value.code == "replaced_meanwhile"
