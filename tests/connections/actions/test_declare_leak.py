"""A token that was declared leaked: what stops, who is notified, and what continues only with a new token."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from connections import clients
from connections.actions import declare_leak
from connections.actions.audit import audit
from connections.actions.connect import ConnectRequest, connect
from connections.actions.disconnect import set_disabled
from connections.actions.refusals import CannotConnect, CannotDeclareLeak, CannotRotate
from connections.actions.rotate import Replacement, rotate
from connections.actions.verify_credential import Credentials, verify_new
from connections.domain.verification import Report
from connections.models import Connection, LeakedToken, Mail
from connections.notifications import leak_mail
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.errors import TokenLeaked
from connections.providers.azure_devops.identifiers import parse_organization
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.factories import StoredCredentialFactory

Connected = Callable[..., Connection]
BY = Actor("Maya")


def declare(connection: Connection) -> LeakedToken:
    key = declare_leak.find_stored(connection).key
    return declare_leak.declare_leak(key, by=BY, now=timezone.now())


def replacement(secret: str) -> Replacement:
    return Replacement(PersonalAccessToken(secret), None, "one", accept_limited=True)


def requests_of(sandbox: Sandbox) -> int:
    return len(sandbox.requests)


@pytest.mark.django_db
def test_the_first_question_is_enqueued_once_the_declaration_is_committed(
    connected: Connected, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    connection = connected()
    with patch("connections.tasks.enqueue_next_ask") as enqueued:
        with django_capture_on_commit_callbacks(execute=True):
            leak = declare(connection)
            enqueued.assert_not_called()
        with django_capture_on_commit_callbacks(execute=True):
            declare(connection)
    enqueued.assert_called_once_with(leak.pk)


@pytest.mark.django_db
def test_every_connection_with_the_token_is_stopped_and_no_other(connected: Connected) -> None:
    first, second, other = connected("One"), connected("Two"), connected("Three", token="full-again")
    declare(first)
    states = {row.name: (row.health, row.problem) for row in Connection.objects.all()}
    assert states["One"] == states["Two"] == ("rejected", "leaked")
    assert states["Three"] != ("rejected", "leaked")
    assert second.pk != other.pk


@pytest.mark.django_db
def test_no_request_is_made_with_it(connected: Connected, sandbox: Sandbox) -> None:
    connection = connected()
    declare(connection)
    before = requests_of(sandbox)
    report = audit(connection, by=BY, now=timezone.now(), interactive=False)
    assert report.failure is not None
    assert report.failure.code == "leaked"
    assert requests_of(sandbox) == before


@pytest.mark.django_db
def test_a_client_that_was_opened_before_makes_no_request_after_a_second(
    connected: Connected, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected()
    server, token = clients.server("Sandbox"), clients.stored_credential(connection)
    with clients.azure_devops(server, "acme", token, seconds=5) as client:
        client.connection_data()
        declare(connection)
        before = requests_of(sandbox)
        monkeypatch.setattr("connections.leak_guard.FRESH_SECONDS", 0.0)
        with pytest.raises(TokenLeaked):
            client.connection_data()
    assert requests_of(sandbox) == before


@pytest.mark.django_db
def test_declared_again_it_is_the_same_declaration(connected: Connected) -> None:
    connection = connected()
    assert declare(connection) == declare(connection)
    assert Event.objects.filter(kind="connection.declared_leaked").count() == 1


@pytest.mark.django_db
def test_the_owner_and_administrators_are_notified_once(connected: Connected, person: Callable[..., User]) -> None:
    person("ada", staff=True, email="ada@example.com")
    User.objects.filter(username="maya").update(email="maya@example.com")
    first = connected("One")
    connected("Two")
    declare(first)
    mails = Mail.objects.filter(kind="leaked").order_by("recipient")
    assert [mail.recipient for mail in mails] == ["ada@example.com", "maya@example.com"]
    assert "One, Two" in mails[0].text


@pytest.mark.django_db
def test_the_stop_applies_before_the_mails_are_written_and_the_scheduler_writes_what_is_missing(
    connected: Connected,
) -> None:
    connection = connected()
    User.objects.filter(pk=connection.owner_id).update(email="ada@example.com")
    with (
        patch.object(leak_mail, "notify_declared", side_effect=OSError("killed")),
        pytest.raises(OSError, match="killed"),
    ):
        declare(connection)
    connection.refresh_from_db()
    assert connection.problem == "leaked"
    now = timezone.now()
    declare_leak.notify_pending(now=now + timedelta(seconds=10))
    assert not Mail.objects.exists()
    for _ in range(2):
        declare_leak.notify_pending(now=now + timedelta(seconds=40))
    assert Mail.objects.filter(kind="leaked").count() == 1


@pytest.mark.django_db
def test_declarations_whose_mails_always_fail_delay_no_others(connected: Connected) -> None:
    connection = connected()
    User.objects.filter(pk=connection.owner_id).update(email="ada@example.com")
    now = timezone.now()
    failing = [
        LeakedToken(fingerprint=str(number), organization="failing", declared_at=now, declared_by="Ada")
        for number in range(25)
    ]
    LeakedToken.objects.bulk_create(failing)
    leak = declare(connection)
    LeakedToken.objects.filter(pk=leak.pk).update(notified_at=None)
    Mail.objects.all().delete()
    notify = leak_mail.notify_declared

    def fail(leak: LeakedToken, connections: list[Connection], *, now: datetime) -> int:
        if leak.organization == "failing":
            raise OSError("always")
        return notify(leak, connections, now=now)

    with patch.object(leak_mail, "notify_declared", fail):
        declare_leak.notify_pending(now=now + timedelta(seconds=40))
    assert Mail.objects.filter(kind="leaked").count() == 1


@pytest.mark.django_db
def test_the_secret_of_an_application_is_found_without_its_ids() -> None:
    stored = StoredCredentialFactory.create()
    stored.seal(EntraClientSecret.of("tenant", "client", "the-value-of-the-secret"))
    stored.save()
    found = declare_leak.find_token(PersonalAccessToken("the-value-of-the-secret"))
    assert found.stored_by == (stored.connection,)
    leak = declare_leak.declare_leak(found.key, by=BY, now=timezone.now())
    assert leak.fingerprint == stored.fingerprint


@pytest.mark.django_db
def test_a_mail_is_about_the_connections_that_concern_its_reader(connected: Connected) -> None:
    for name in ("One", "Two"):
        connected(name)
        Connection.objects.filter(name=name).update(extra_recipients=f"{name.lower()}@example.com")
    declare(Connection.objects.get(name="One"))
    about = {mail.recipient: [row["name"] for row in mail.about] for mail in Mail.objects.filter(kind="leaked")}
    assert about == {"one@example.com": ["One"], "two@example.com": ["Two"]}


@pytest.mark.django_db
def test_the_result_of_an_audit_under_way_does_not_hide_it(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected()
    check = clients.check_sequentially

    def check_then_declare(*asked: Any) -> Report:
        report = check(*asked)
        declare(connection)
        return report

    monkeypatch.setattr(clients, "check_sequentially", check_then_declare)
    audit(Connection.objects.get(pk=connection.pk), by=BY, now=timezone.now(), interactive=False)
    connection.refresh_from_db()
    assert (connection.health, connection.problem) == ("rejected", "leaked")


@pytest.mark.django_db
def test_a_new_token_makes_it_work_again(
    connected: Connected, maintainer: User, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    declare(connection)
    rotate(connection, replacement(token_of("full-again")), person=maintainer, by=BY, now=timezone.now())
    connection.refresh_from_db()
    assert connection.problem == ""
    report = audit(connection, by=BY, now=timezone.now(), interactive=False)
    assert report.accepted


@pytest.mark.django_db
def test_enabling_does_not(connected: Connected) -> None:
    connection = connected()
    declare(connection)
    for disabled in (True, False):
        set_disabled(connection, disabled=disabled, by=BY, now=timezone.now())
    connection.refresh_from_db()
    assert connection.problem == "leaked"


@pytest.mark.django_db
def test_the_token_cannot_be_entered_again(
    connected: Connected, maintainer: User, token_of: Callable[[str], str]
) -> None:
    first, other = connected("One"), connected("Two", token="full-again")
    declare(first)
    with pytest.raises(CannotRotate) as same:
        rotate(first, replacement(token_of("full")), person=maintainer, by=BY, now=timezone.now())
    with pytest.raises(CannotRotate) as again:
        rotate(other, replacement(token_of("full")), person=maintainer, by=BY, now=timezone.now())
    assert same.value.code == again.value.code == "leaked"


@pytest.mark.django_db
def test_a_test_that_passed_before_does_not_let_it_connect(
    connected: Connected, maintainer: User, token_of: Callable[[str], str]
) -> None:
    connection, now = connected(), timezone.now()
    server = clients.server("Sandbox")
    credentials = Credentials(server, parse_organization("acme", server), PersonalAccessToken(token_of("full")))
    tested = verify_new(credentials, by=maintainer, now=now)
    declare(connection)
    request = ConnectRequest("New", None, accept_limited=True, verification_key=tested.verification_key)
    with pytest.raises(CannotConnect) as refused:
        connect(credentials, request, owner=maintainer, by=BY, now=now)
    assert refused.value.code == "leaked"
    assert not Connection.objects.filter(name="New").exists()


@pytest.mark.django_db
def test_the_previous_token_of_a_connection_can_be_declared_and_stops_nothing(
    connected: Connected, maintainer: User, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    rotate(connection, replacement(token_of("full-again")), person=maintainer, by=BY, now=timezone.now())
    found = declare_leak.find_token(PersonalAccessToken(token_of("full")))
    assert [row.name for row in found.replaced_in] == ["Acme main"]
    leak = declare_leak.declare_leak(found.key, by=BY, now=timezone.now())
    connection.refresh_from_db()
    assert connection.problem == ""
    assert (leak.next_ask_at, bytes(leak.sealed)) == (None, b"")


@pytest.mark.django_db
def test_declaring_during_a_rotation_covers_the_token_that_was_shown(
    connected: Connected, maintainer: User, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    shown = declare_leak.find_stored(connection).key
    rotate(connection, replacement(token_of("full-again")), person=maintainer, by=BY, now=timezone.now())
    declare_leak.declare_leak(shown, by=BY, now=timezone.now())
    connection.refresh_from_db()
    assert connection.problem == ""
    with pytest.raises(CannotRotate):
        rotate(connection, replacement(token_of("full")), person=maintainer, by=BY, now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "made up"])
def test_a_key_that_was_not_signed_here_declares_nothing(key: str) -> None:
    with pytest.raises(CannotDeclareLeak):
        declare_leak.declare_leak(key, by=BY, now=timezone.now())


@pytest.mark.django_db
def test_an_unknown_token_cannot_be_declared() -> None:
    found = declare_leak.find_token(PersonalAccessToken("x" * 52))
    assert not found.is_known
    with pytest.raises(CannotDeclareLeak):
        declare_leak.declare_leak(found.key, by=BY, now=timezone.now())


@pytest.mark.django_db
def test_a_connection_that_got_the_token_meanwhile_is_stopped_too(connected: Connected) -> None:
    leak = declare(connected())
    late = connected("Late", token="full-again")
    late.stored_credential.seal(leak.reveal())
    late.stored_credential.save()
    declare_leak.stop_late(leak, now=timezone.now() + timedelta(seconds=5))
    late.refresh_from_db()
    assert late.problem == "leaked"
