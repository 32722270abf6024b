"""A stored token is extended: the same token, a later date, as Azure DevOps made it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.actions import enforce_policy, import_tokens, renew_sign_in
from connections.actions.declare_leak import declare_stored_leaked
from connections.actions.refusals import CannotRenew
from connections.domain.problems import renewal as words
from connections.domain.token_entries import Pick
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, KnownToken, TokenExtension
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.token_import_reads import imports_of
from history.models import Event
from history.record import Actor
from sandbox.people import Token
from sandbox.server import Sandbox
from tests.connections.actions.test_renew_interrupted import Died, die_in
from tests.connections.renewals import Renewing, entry_of, late_in_the_evening_before_summer_time, sent_back
from tests.factories import make_extension

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db
EXTEND = "connections.providers.azure_devops.personal_tokens.extend"


@pytest.fixture
def token(sandbox: Sandbox) -> Token:
    """The stored token in Azure DevOps, which is valid for another 20 days."""
    found = sandbox.state.token_named("full")
    assert found is not None
    found.created_at = timezone.now() - timedelta(days=10)
    found.expires_at = timezone.now() + timedelta(days=20)
    return found


@pytest.fixture
def connection(token: Token, connected: Connected, renewing: Renewing, sandbox: Sandbox) -> Connection:
    """A connection of whose token it is known which entry in Azure DevOps it is."""
    found = connected()
    renewing.read_tokens()
    imports = imports_of(renewing.user, now=renewing.now())
    import_tokens.use_picks([Pick(found.pk, entry_of(sandbox, "full"))], imports, by=renewing.by, now=renewing.now())
    found.refresh_from_db()
    return found


def begin(renewing: Renewing, connection: Connection, days: int) -> dict[str, str]:
    address = renew_sign_in.begin_extension(connection, days, person=renewing.user, now=renewing.now())
    return sent_back(address)


def extend(renewing: Renewing, connection: Connection, days: int = 60) -> Connection:
    renewing.return_with(begin(renewing, connection, days))
    connection.refresh_from_db()
    return connection


def refused(renewing: Renewing, connection: Connection, days: int = 60) -> CannotRenew:
    parameters = begin(renewing, connection, days)
    with pytest.raises(CannotRenew) as found:
        renewing.return_with(parameters)
    connection.refresh_from_db()
    return found.value


def in_days(days: int) -> object:
    return timezone.localdate() + timedelta(days=days)


def test_the_same_token_gets_a_later_date(connection: Connection, token: Token, renewing: Renewing) -> None:
    before = connection.stored_credential.fingerprint
    extend(renewing, connection, 60)
    connection.stored_credential.refresh_from_db()
    assert token.expires_at is not None
    assert timezone.localdate(token.expires_at) == in_days(60)
    assert (connection.expires_on, connection.is_date_read) == (in_days(60), True)
    assert connection.stored_credential.fingerprint == before
    assert TokenExtension.objects.count() == 0


def test_the_history_has_what_was_asked_and_what_was_done(connection: Connection, renewing: Renewing) -> None:
    extend(renewing, connection)
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"connection.extension_started", "connection.token_extended"} <= kinds
    assert "connection.rotated" not in kinds


def test_the_next_audit_is_due_at_once(connection: Connection, renewing: Renewing) -> None:
    extend(renewing, connection)
    assert connection.next_check_at <= renewing.now()


def test_what_azure_devops_shortened_is_what_is_stored(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["acme"].token_policy.longest_days = 40
    extend(renewing, connection, 60)
    assert connection.expires_on == in_days(30)
    assert timezone.localdate(KnownToken.objects.get().valid_to) == in_days(30)


def test_a_date_that_was_left_as_it_was_is_no_success(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["acme"].token_policy.longest_days = 30
    assert refused(renewing, connection).code == "extend_left_as_it_was"
    assert connection.expires_on == in_days(20)


def test_a_token_that_is_valid_longer_already_is_not_shortened(
    connection: Connection, token: Token, renewing: Renewing
) -> None:
    token.expires_at = timezone.now() + timedelta(days=90)
    assert refused(renewing, connection, 60).code == "extend_not_later"
    assert connection.expires_on == in_days(90)


def test_every_connection_with_the_token_gets_the_date(
    connection: Connection, connected: Connected, renewing: Renewing
) -> None:
    other = connected("Acme releases")
    extend(renewing, connection)
    other.refresh_from_db()
    assert other.expires_on == in_days(60)


def test_a_token_that_was_created_here_can_be_extended(connected: Connected, renewing: Renewing) -> None:
    connection = connected()
    renewing.renew(connection, days=30)
    assert extend(renewing, connection, 60).expires_on == in_days(60)


def test_nothing_is_extended_on_a_proposal(connected: Connected, renewing: Renewing) -> None:
    connection = connected()
    renewing.read_tokens()
    with pytest.raises(CannotRenew) as found:
        begin(renewing, connection, 60)
    assert found.value.code == "extend_unknown_token"


def test_another_person_who_signs_in_changes_nothing(connection: Connection, renewing: Renewing) -> None:
    address = renew_sign_in.begin_extension(connection, 60, person=renewing.user, now=renewing.now())
    with pytest.raises(CannotRenew) as found:
        renewing.return_with(sent_back(address, "noor@example.com"))
    assert found.value.code == "another_person_signed_in"
    assert TokenExtension.objects.count() == 0


def test_a_leaked_token_is_not_extended(connection: Connection, renewing: Renewing) -> None:
    parameters = begin(renewing, connection, 60)
    declare_stored_leaked(connection, by=Actor("ann"), now=renewing.now())
    with pytest.raises(CannotRenew) as found:
        renewing.return_with(parameters)
    assert found.value.code == "leaked"


def test_an_expired_token_is_not_extended(connection: Connection, token: Token, renewing: Renewing) -> None:
    token.expires_at = timezone.now() - timedelta(days=1)
    assert refused(renewing, connection).code == "pat_expired"


def test_days_are_limited_by_the_token_policy(connection: Connection, renewing: Renewing) -> None:
    policy = TokenPolicy(longest_life_days=30, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with pytest.raises(CannotRenew) as found:
        begin(renewing, connection, 31)
    assert found.value.code == "renewal_days"


def test_nothing_is_extended_if_the_policy_became_stricter_during_the_sign_in(
    connection: Connection, renewing: Renewing
) -> None:
    parameters = begin(renewing, connection, 60)
    policy = TokenPolicy(longest_life_days=30, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with pytest.raises(CannotRenew) as found:
        renewing.return_with(parameters)
    connection.refresh_from_db()
    assert (found.value.code, connection.expires_on) == ("renewal_policy_changed", in_days(20))


def test_a_date_is_never_later_than_asked_for_when_summer_time_begins_meanwhile(
    connection: Connection, renewing: Renewing
) -> None:
    with timezone.override(late_in_the_evening_before_summer_time()):
        assert extend(renewing, connection).expires_on == in_days(60)


def test_a_connection_that_is_disconnected_meanwhile_is_no_error_page(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = personal_tokens.extend

    def disconnected(*args: Any) -> TokenEntry:
        Connection.objects.get(pk=connection.pk).delete()
        return answered(*args)

    monkeypatch.setattr(EXTEND, disconnected)
    with pytest.raises(CannotRenew) as found:
        renewing.return_with(begin(renewing, connection, 60))
    assert found.value.code == "connection_gone"


@pytest.mark.parametrize("word", [*words.CODES, "somethingNew"])
def test_each_refusal_of_azure_devops_has_its_words(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, word: str
) -> None:
    sandbox.behaviour.add("pat_error", method="PUT", code=word)
    found = refused(renewing, connection)
    assert (found.code, f"Azure DevOps said: {word}" in found.message) == (words.code_of(word), True)
    assert (connection.expires_on, TokenExtension.objects.count()) == (in_days(20), 0)


def test_after_a_lost_answer_the_date_is_read(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("close", method="PUT", path="/tokens/pats", carried_out=True)
    assert extend(renewing, connection).expires_on == in_days(60)
    assert TokenExtension.objects.count() == 0


def test_without_any_answer_it_stays_pending(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("close", method="PUT", path="/tokens/pats", carried_out=True)
    sandbox.behaviour.add("status", method="GET", path="/tokens/pats", query="authorizationId", status=503, after=1)
    assert refused(renewing, connection).code == "extension_lost"
    assert (connection.expires_on, TokenExtension.objects.count()) == (in_days(20), 1)
    sandbox.behaviour.clear()
    renewing.read_tokens()
    connection.refresh_from_db()
    assert (connection.expires_on, TokenExtension.objects.count()) == (in_days(60), 0)


@pytest.mark.parametrize(("before", "days"), [(True, 20), (False, 60)])
def test_who_is_killed_at_the_call_reads_the_true_date_at_the_next_sign_in(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch, before: bool, days: int
) -> None:
    die_in(monkeypatch, EXTEND, before=before)
    parameters = begin(renewing, connection, 60)
    with pytest.raises(Died):
        renewing.return_with(parameters)
    assert TokenExtension.objects.count() == 1
    renewing.read_tokens()
    connection.refresh_from_db()
    assert (connection.expires_on, TokenExtension.objects.count()) == (in_days(days), 0)


def test_an_extension_that_was_not_answered_is_finished_before_the_next(
    connection: Connection, renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, EXTEND, before=True)
    parameters = begin(renewing, connection, 60)
    with pytest.raises(Died):
        renewing.return_with(parameters)
    assert extend(renewing, connection, 70).expires_on == in_days(70)


@pytest.fixture
def seen_by_another(renewing: Renewing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A second sign-in of the owner while Azure DevOps is asked; how many extensions it left pending."""
    extend_for_real, left = personal_tokens.extend, []

    def overtaken(*args: Any) -> TokenEntry:
        renewing.read_tokens()
        left.append(TokenExtension.objects.count())
        return extend_for_real(*args)

    monkeypatch.setattr(EXTEND, overtaken)
    return left


def test_a_second_sign_in_leaves_a_running_extension_alone(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, seen_by_another: list[int]
) -> None:
    sandbox.behaviour.add("close", method="PUT", path="/tokens/pats", carried_out=True)
    assert extend(renewing, connection).expires_on == in_days(60)
    assert (seen_by_another, TokenExtension.objects.count()) == ([1], 0)


def test_a_running_extension_whose_token_seems_gone_is_not_dropped_by_a_second_sign_in(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, seen_by_another: list[int]
) -> None:
    sandbox.behaviour.add("pat_error", method="GET", query="authorizationId", code="authorizationNotFound", after=1)
    assert extend(renewing, connection).expires_on == in_days(60)
    assert seen_by_another == [1]


def test_another_extension_waits_until_the_lease_has_expired(connection: Connection, renewing: Renewing) -> None:
    lease = {"lease": "of a request that was killed", "leased_until": timezone.now() + timedelta(seconds=60)}
    make_extension(connection, **lease)
    with pytest.raises(CannotRenew) as found:
        begin(renewing, connection, 60)
    assert found.value.code == "extend_running"
    renewing.ahead += timedelta(seconds=61)
    assert extend(renewing, connection, 60).expires_on == in_days(60)


def test_a_token_that_is_gone_is_no_longer_pending(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in(monkeypatch, EXTEND, before=True)
    parameters = begin(renewing, connection, 60)
    with pytest.raises(Died):
        renewing.return_with(parameters)
    sandbox.behaviour.add("pat_error", method="GET", query="authorizationId", code="authorizationNotFound")
    renewing.read_tokens()
    assert TokenExtension.objects.count() == 0
