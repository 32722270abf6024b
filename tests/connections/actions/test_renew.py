"""A token is renewed: its owner signs in at Microsoft, and the connection uses a new token that was tested."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from connections.actions import enforce_policy
from connections.actions.refusals import CannotRenew
from connections.actions.renew_sign_in import forget_old
from connections.domain.problems import renewal as words
from connections.domain.renewal import State
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, KnownToken, Renewal, RenewalSignIn, StoredCredential
from history.models import Event
from history.record import Actor
from sandbox.entra.issuer import Issuer
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, late_in_the_evening_before_summer_time, sent_back

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


def test_a_new_token_is_made_tested_and_used(connection: Connection, renewing: Renewing) -> None:
    before = connection.token_set_at
    renewal = renewing.renew(connection, days=60)
    connection.refresh_from_db()
    (made,) = renewing.made(renewal)
    assert renewal.state == State.SWAPPED
    assert connection.stored_credential.reveal().reveal() == made.secret
    assert connection.token_set_at > before
    assert connection.expires_on == timezone.localdate() + timedelta(days=60)
    assert connection.token_reach == "one"
    assert connection.health == "healthy"


def test_it_has_exactly_the_scopes_and_the_organization_that_are_needed(
    connection: Connection, renewing: Renewing
) -> None:
    renewal = renewing.renew(connection, scopes=("vso.code_manage", "vso.build_execute", "vso.release_manage"))
    (made,) = renewing.made(renewal)
    assert set(made.scopes) == {"vso.code_manage", "vso.build_execute", "vso.release_manage"}
    assert made.organization == "acme"


def test_the_history_has_each_step(connection: Connection, renewing: Renewing) -> None:
    renewing.renew(connection)
    kinds = set(Event.objects.filter(subject_id=connection.pk).values_list("kind", flat=True))
    assert {"connection.renewal_started", "connection.token_created", "connection.rotated"} <= kinds


def test_what_azure_devops_shortened_is_what_we_remember(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["acme"].token_policy.longest_days = 10
    renewal = renewing.renew(connection, days=60)
    connection.refresh_from_db()
    assert connection.expires_on == timezone.localdate() + timedelta(days=10)
    assert KnownToken.objects.get().valid_to == renewal.valid_to


def test_only_the_permissions_for_personal_access_tokens_are_requested(
    connection: Connection, renewing: Renewing
) -> None:
    address = renewing.begin(connection)
    assert "vso.pats+" in address
    assert "vso.pats_manage&" in address
    assert "offline_access" not in address
    assert "openid" not in address
    assert "code_challenge_method=S256" in address


def test_the_access_token_is_gone_after_the_request(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewing.renew(connection)
    rows = [repr(vars(row)) for model in (Renewal, RenewalSignIn, KnownToken) for row in model.objects.all()]
    assert not any(token in row for token in sandbox.state.access_tokens for row in rows)
    assert RenewalSignIn.objects.count() == 0


def test_another_person_who_signs_in_changes_nothing(connection: Connection, renewing: Renewing) -> None:
    with pytest.raises(CannotRenew) as refused:
        renewing.renew(connection, upn="noor@example.com")
    assert refused.value.code == "another_person_signed_in"
    assert Renewal.objects.count() == 0


def test_the_address_works_once(connection: Connection, renewing: Renewing) -> None:
    parameters = sent_back(renewing.begin(connection))
    renewing.return_with(parameters)
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "sign_in_too_late"
    assert Renewal.objects.count() == 1


def test_the_address_works_only_for_the_person_who_began(
    connection: Connection, renewing: Renewing, person: Callable[..., User]
) -> None:
    parameters = sent_back(renewing.begin(connection))
    renewing.user = person("someone", "connections.rotate_connection")
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "sign_in_too_late"


def test_the_address_works_for_fifteen_minutes(connection: Connection, renewing: Renewing) -> None:
    parameters = sent_back(renewing.begin(connection))
    renewing.ahead = timedelta(minutes=16)
    with pytest.raises(CannotRenew):
        renewing.return_with(parameters)
    forget_old(now=renewing.now())
    assert RenewalSignIn.objects.count() == 0


def test_a_code_without_our_state_is_useless(connection: Connection, renewing: Renewing) -> None:
    parameters = sent_back(renewing.begin(connection))
    other = sent_back(renewing.begin(connection))
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with({"state": parameters["state"], "code": other["code"]})
    assert refused.value.code == "sign_in_too_late"


@pytest.mark.parametrize("missing", ["vso.pats", "vso.pats_manage"])
def test_fewer_permissions_than_needed_are_named(connection: Connection, renewing: Renewing, missing: str) -> None:
    parameters = sent_back(renewing.begin(connection), **{f"without-{missing}": "1"})
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "sign_in_scopes_missing"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (65001, "sign_in_not_consented"),
        (50011, "sign_in_address_unknown"),
        (54005, "sign_in_too_late"),
        (50076, "sign_in_needs_proof"),
        (50020, "sign_in_of_another_tenant"),
        (53003, "sign_in_blocked"),
        (7000215, "sign_in_misconfigured"),
        (999999, "sign_in_refused"),
    ],
)
def test_each_refusal_of_microsoft_has_its_words(
    connection: Connection, renewing: Renewing, entra: Issuer, number: int, code: str
) -> None:
    parameters = sent_back(renewing.begin(connection))
    entra.behaviour.add("entra_error", code=number)
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == code
    assert f"AADSTS{number}" in refused.value.message


def test_an_outage_of_microsoft_is_no_refusal(connection: Connection, renewing: Renewing, entra: Issuer) -> None:
    parameters = sent_back(renewing.begin(connection))
    entra.behaviour.add("status", status=503)
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "entra_busy"


@pytest.mark.parametrize("word", [*words.CODES, "somethingNew"])
def test_each_refusal_of_azure_devops_has_its_words(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, word: str
) -> None:
    sandbox.behaviour.add("pat_error", method="POST", code=word)
    renewal = renewing.renew(connection)
    assert (renewal.state, renewal.problem, renewal.problem_word) == (State.FAILED, words.code_of(word), word)
    connection.refresh_from_db()
    assert connection.stored_credential.fingerprint == renewal.old_fingerprint


def test_another_token_than_the_one_asked_for_is_revoked(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    other = {"authorizationId": "x", "scope": "app_token", "targetAccounts": None}
    sandbox.behaviour.add(
        "status",
        method="GET",
        path="/tokens/pats",
        query="authorizationId",
        status=200,
        body=json.dumps({"patToken": other, "patTokenError": "none"}),
        headers={"Content-Type": "application/json"},
    )
    renewal = renewing.renew(connection)
    assert (renewal.state, renewal.problem) == (State.FAILED, "renewal_other_token")
    (made,) = renewing.made(renewal)
    assert made.revoked_at is not None
    assert bytes(renewal.sealed) == b""


def test_days_are_limited_by_the_token_policy(connection: Connection, renewing: Renewing) -> None:
    policy = TokenPolicy(longest_life_days=30, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with pytest.raises(CannotRenew) as refused:
        renewing.begin(connection, days=31)
    assert refused.value.code == "renewal_days"
    assert renewing.renew(connection, days=30).state == State.SWAPPED


def test_without_a_registered_application_nothing_is_offered(
    connection: Connection, renewing: Renewing, settings: Settings
) -> None:
    settings.SANDBOX_TOKEN_RENEWAL = {}
    with pytest.raises(CannotRenew) as refused:
        renewing.begin(connection)
    assert refused.value.code == "renewal_not_offered"


def test_one_renewal_of_a_connection_at_a_time(connection: Connection, renewing: Renewing) -> None:
    first = renewing.renew(connection)
    Renewal.objects.filter(pk=first.pk).update(state=State.CREATED)
    with pytest.raises(CannotRenew) as refused:
        renewing.begin(connection)
    assert refused.value.code == "renewal_running"


def test_of_two_sign_ins_for_one_connection_the_second_makes_no_token(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    parameters = sent_back(renewing.begin(connection))
    first = renewing.renew(connection)
    Renewal.objects.filter(pk=first.pk).update(state=State.CREATED)
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "renewal_running"
    assert len([token for token in sandbox.state.tokens.values() if "(renewal " in token.name]) == 1


def test_what_is_no_token_any_more_is_not_renewed(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    parameters = sent_back(renewing.begin(connection))
    StoredCredential.objects.update(kind="azure-devops-client-secret")
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "renewal_only_of_tokens"
    assert [token for token in sandbox.state.tokens.values() if "(renewal " in token.name] == []


def test_a_new_token_of_another_person_than_the_old_one_is_not_used(connection: Connection, renewing: Renewing) -> None:
    parameters = sent_back(renewing.begin(connection))
    Connection.objects.filter(pk=connection.pk).update(identity_id="00000000-0000-4000-8000-000000000000")
    renewal = renewing.return_with(parameters)
    assert isinstance(renewal, Renewal)
    renewal.refresh_from_db()
    assert (renewal.state, renewal.problem) == (State.CREATED, "another_person_signed_in")


def test_a_token_for_as_long_as_the_policy_allows_is_used_when_summer_time_begins_meanwhile(
    connection: Connection, renewing: Renewing
) -> None:
    policy = TokenPolicy(longest_life_days=60, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with timezone.override(late_in_the_evening_before_summer_time()):
        renewal = renewing.renew(connection, days=60)
        connection.refresh_from_db()
        assert (renewal.state, renewal.problem) == (State.SWAPPED, "")
        assert connection.expires_on == timezone.localdate() + timedelta(days=60)


def test_nothing_is_created_if_the_policy_became_stricter_during_the_sign_in(
    connection: Connection, renewing: Renewing
) -> None:
    parameters = sent_back(renewing.begin(connection, days=60))
    policy = TokenPolicy(longest_life_days=30, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "renewal_policy_changed"
    assert (refused.value.back, Renewal.objects.count()) == (connection.get_absolute_url(), 0)
