"""A leaked token is revoked in a sign-in of its owner: the one that we created or a person picked, and no other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from connections.actions import declare_leak, prove_leak, renew_sign_in, revoke_leaked
from connections.actions.refusals import CannotRenew
from connections.actions.rotate import Replacement, rotate
from connections.models import Connection, KnownToken, LeakedToken
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from history.models import Event
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


@pytest.fixture
def leak(connection: Connection, renewing: Renewing) -> LeakedToken:
    return declare_leak.declare_stored_leaked(connection, by=renewing.by, now=renewing.now())


def is_revoked(sandbox: Sandbox, name: str = "full") -> bool:
    token = sandbox.state.token_named(name)
    return token is not None and token.revoked_at is not None


def ask(leak: LeakedToken, renewing: Renewing) -> LeakedToken:
    """The worker's part, when it is due."""
    assert leak.next_ask_at is not None
    renewing.ahead += max(leak.next_ask_at - renewing.now(), timedelta(0))
    for pk, lease in prove_leak.claim_due(now=renewing.now()):
        prove_leak.ask_claimed(pk, lease=lease, clock=renewing.now)
    leak.refresh_from_db()
    return leak


def test_nothing_is_revoked_before_a_person_picked_it(leak: LeakedToken, renewing: Renewing, sandbox: Sandbox) -> None:
    listed = renewing.revoke(leak).candidates
    assert entry_of(sandbox, "full") in [candidate["id"] for candidate in listed if candidate["fits"]]
    assert (is_revoked(sandbox), leak.revoked_at) == (False, None)


def test_what_a_person_picked_is_revoked_and_proved_dead(
    leak: LeakedToken, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewing.revoke(leak)
    renewing.ahead += timedelta(minutes=10)
    LeakedToken.objects.update(next_ask_at=renewing.now() + timedelta(minutes=5))
    renewing.revoke(leak, entry_of(sandbox, "full"))
    assert is_revoked(sandbox)
    assert not is_revoked(sandbox, "full-again")
    assert leak.revoked_at is not None
    assert leak.next_ask_at is not None
    assert leak.next_ask_at - leak.revoked_at == timedelta(seconds=5)
    assert leak.candidates == []
    assert ask(leak, renewing).proved_at is not None
    event = Event.objects.get(kind="connection.leaked_token_revoked")
    assert (event.actor_name, event.detail["name"]) == ("Maya", "full")


def test_the_next_question_is_enqueued_after_it_was_revoked(
    leak: LeakedToken,
    renewing: Renewing,
    sandbox: Sandbox,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    renewing.revoke(leak)
    with patch("connections.tasks.enqueue_next_ask") as enqueued, django_capture_on_commit_callbacks(execute=True):
        renewing.revoke(leak, entry_of(sandbox, "full"))
    enqueued.assert_called_once_with(leak.pk)


def test_a_token_that_we_created_is_revoked_in_one_sign_in(connection: Connection, renewing: Renewing) -> None:
    renewal = renewing.renew(connection)
    leak = declare_leak.declare_stored_leaked(connection, by=renewing.by, now=renewing.now())
    renewing.revoke(leak)
    (made,) = renewing.made(renewal)
    assert made.revoked_at is not None
    assert leak.revoked_at is not None


def test_which_token_we_created_is_known_until_it_is_revoked(
    connection: Connection, renewing: Renewing, token_of: Callable[[str], str]
) -> None:
    renewing.renew(connection)
    connection.refresh_from_db()
    leak = declare_leak.declare_stored_leaked(connection, by=renewing.by, now=renewing.now())
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
    rotate(connection, new, person=renewing.user, by=renewing.by, now=renewing.now())
    renew_sign_in.forget_old(now=renewing.now())
    assert KnownToken.objects.filter(fingerprint=leak.fingerprint).exists()
    renewing.revoke(leak)
    renew_sign_in.forget_old(now=renewing.now())
    assert not KnownToken.objects.exists()


def test_a_token_that_we_created_for_another_connection_is_no_candidate(
    connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    other = connected("Other", token="full-again")
    renewal = renewing.renew(other)
    leak = declare_leak.declare_stored_leaked(connected("Leaked"), by=renewing.by, now=renewing.now())
    listed = [candidate["id"] for candidate in renewing.revoke(leak).candidates]
    assert renewal.authorization_id not in listed
    assert entry_of(sandbox, "full") in listed


def test_the_previous_token_of_a_connection_is_revoked_too(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, token_of: Callable[[str], str]
) -> None:
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
    rotate(connection, new, person=renewing.user, by=renewing.by, now=renewing.now())
    old = PersonalAccessToken(token_of("full"))
    leak = declare_leak.declare_token_leaked(old, by=renewing.by, now=renewing.now())
    renewing.revoke(leak)
    renewing.revoke(leak, entry_of(sandbox, "full"))
    assert is_revoked(sandbox)
    assert (leak.revoked_at is not None, leak.next_ask_at) == (True, None)


def test_what_it_may_be_is_forgotten_after_a_day(leak: LeakedToken, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.revoke(leak)
    renew_sign_in.forget_old(now=renewing.now() + timedelta(hours=23))
    leak.refresh_from_db()
    assert leak.candidates
    renew_sign_in.forget_old(now=renewing.now() + timedelta(hours=25))
    leak.refresh_from_db()
    assert (leak.candidates, leak.candidates_read_at) == ([], None)


def test_nothing_is_kept_of_a_list_that_was_read_after_the_end(
    leak: LeakedToken, renewing: Renewing, sandbox: Sandbox
) -> None:
    address = revoke_leaked.begin(leak, "", person=renewing.user, now=renewing.now())
    LeakedToken.objects.update(ended_at=renewing.now(), next_ask_at=None)
    renewing.return_with(sent_back(address))
    leak.refresh_from_db()
    assert leak.candidates == []


def test_which_token_we_created_is_forgotten_when_nothing_is_done_about_the_leak_any_more(
    connection: Connection, renewing: Renewing, token_of: Callable[[str], str]
) -> None:
    renewing.renew(connection)
    connection.refresh_from_db()
    declare_leak.declare_stored_leaked(connection, by=renewing.by, now=renewing.now())
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
    rotate(connection, new, person=renewing.user, by=renewing.by, now=renewing.now())
    LeakedToken.objects.update(ended_at=renewing.now(), next_ask_at=None)
    renew_sign_in.forget_old(now=renewing.now())
    assert not KnownToken.objects.exists()


def test_what_is_no_candidate_is_refused(leak: LeakedToken, renewing: Renewing, sandbox: Sandbox) -> None:
    with pytest.raises(CannotRenew) as refused:
        renewing.revoke(leak, entry_of(sandbox, "full"))
    assert refused.value.code == "leak_no_candidate"


def test_another_person_who_signs_in_revokes_nothing(leak: LeakedToken, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.revoke(leak)
    with pytest.raises(CannotRenew) as refused:
        renewing.revoke(leak, entry_of(sandbox, "full"), upn="noor@example.com")
    assert refused.value.code == "another_person_signed_in"
    assert not is_revoked(sandbox)


def test_a_token_that_is_gone_counts_as_revoked(leak: LeakedToken, renewing: Renewing, sandbox: Sandbox) -> None:
    entry = entry_of(sandbox, "full")
    renewing.revoke(leak)
    token = sandbox.state.token_named("full")
    assert token is not None
    token.revoked_at = renewing.now()
    renewing.revoke(leak, entry)
    assert leak.revoked_at is not None


@pytest.mark.parametrize(
    "change",
    [
        {"identity_id": ""},
        {"kind": EntraClientSecret.kind},
        {"proved_at": datetime(2026, 11, 24, tzinfo=UTC)},
        {"ended_at": datetime(2026, 11, 24, tzinfo=UTC)},
        {"revoked_at": datetime(2026, 11, 24, tzinfo=UTC)},
    ],
)
def test_it_is_offered_only_where_it_can_be_done(
    leak: LeakedToken, renewing: Renewing, change: dict[str, object]
) -> None:
    assert revoke_leaked.is_possible(leak)
    LeakedToken.objects.update(**change)
    leak.refresh_from_db()
    assert not revoke_leaked.is_possible(leak)
    with pytest.raises(CannotRenew):
        renewing.revoke(leak)


def test_without_a_registered_application_it_is_not_offered(leak: LeakedToken, settings: Settings) -> None:
    settings.SANDBOX_TOKEN_RENEWAL = {}
    assert not revoke_leaked.is_possible(leak)
