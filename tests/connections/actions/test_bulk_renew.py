"""Several connections are renewed in one sign-in, each for itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.actions import bulk_renew, enforce_policy
from connections.actions.refusals import CannotRenew
from connections.actions.renew import renew
from connections.actions.renew_sign_in import forget_old
from connections.actions.signed_in import Owner, SignedIn
from connections.bulk_renewal_reads import items_of, unfinished, waiting
from connections.domain.renewal import State
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import BulkRenewal, Connection, Renewal
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, sent_back

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


class _Died(BaseException):
    """The process ended here."""


@pytest.fixture
def several(connected: Connected) -> list[Connection]:
    """Two connections of one organization and one of another, by tokens of one person."""
    return [
        connected("Acme main"),
        connected("Acme releases", token="full-again"),
        connected("Fabrikam", token="other-organization", organization="fabrikam"),
    ]


def outcome(bulk: BulkRenewal) -> dict[str, str]:
    """The state of each connection, or why it could not start; empty for what was not started."""
    return {item.connection_name: item.renewal.state if item.renewal else item.problem for item in items_of(bulk)}


def test_one_sign_in_renews_each_connection(several: list[Connection], renewing: Renewing, sandbox: Sandbox) -> None:
    bulk = renewing.renew_bulk(*several)
    assert set(outcome(bulk).values()) == {State.SWAPPED}
    secrets = set()
    for item in items_of(bulk):
        assert item.renewal is not None
        (made,) = renewing.made(item.renewal)
        assert item.connection is not None
        assert made.organization == item.connection.organization
        assert item.connection.stored_credential.reveal().reveal() == made.secret
        assert item.connection.expires_on == timezone.localdate() + timedelta(days=60)
        secrets.add(made.secret)
    assert len(secrets) == 3
    assert len(sandbox.entra.codes) == 1


def test_the_tokens_are_listed_once_in_each_organization(
    several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    address = sent_back(renewing.begin_bulk(*several))
    before = len(sandbox.requests)
    renewing.return_with(address)
    lists = [request.path for request in sandbox.requests[before:] if "displayFilterOption" in request.query]
    assert lists == ["/acme/_apis/tokens/pats", "/fabrikam/_apis/tokens/pats"]


def test_no_token_that_was_made_in_the_same_sign_in_may_be_an_old_one(
    several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    bulk = renewing.renew_bulk(*several)
    renewals = [item.renewal for item in items_of(bulk) if item.renewal]
    made = {renewal.authorization_id for renewal in renewals}
    assert not [entry for renewal in renewals for entry in renewal.candidates if entry["id"] in made]


def test_one_that_azure_devops_refuses_does_not_stop_the_others(
    several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("pat_error", method="POST", code="invalidScope", times=1)
    bulk = renewing.renew_bulk(*several)
    assert outcome(bulk) == {
        "Acme main": State.FAILED,
        "Acme releases": State.SWAPPED,
        "Fabrikam": State.SWAPPED,
    }


def test_an_organization_that_does_not_answer_does_not_stop_the_others(
    several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("status", path="/acme/_apis/connectionData", status=503)
    bulk = renewing.renew_bulk(*several)
    assert outcome(bulk) == {
        "Acme main": "server_error",
        "Acme releases": "server_error",
        "Fabrikam": State.SWAPPED,
    }


def test_one_that_breaks_does_not_stop_the_others(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(9))

    def breaking(*args: Any, **kwargs: Any) -> Renewal:
        if next(calls) == 0:
            raise ValueError("a mistake of ours")
        return renew(*args, **kwargs)

    monkeypatch.setattr("connections.actions.bulk_renew.renew", breaking)
    bulk = renewing.renew_bulk(*several)
    assert outcome(bulk) == {"Acme main": "renewal_broken", "Acme releases": State.SWAPPED, "Fabrikam": State.SWAPPED}
    renewing.return_with(sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())))
    assert set(outcome(bulk).values()) == {State.SWAPPED}


def test_an_organization_in_which_something_breaks_does_not_stop_the_others(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(owner: Owner, signed_in: SignedIn) -> None:
        if owner.organization == "acme":
            raise ValueError("a mistake of ours")

    monkeypatch.setattr("connections.actions.bulk_renew.settle_extensions", breaking)
    bulk = renewing.renew_bulk(*several)
    assert outcome(bulk) == {
        "Acme main": "renewal_broken",
        "Acme releases": "renewal_broken",
        "Fabrikam": State.SWAPPED,
    }


def test_a_later_sign_in_says_why_it_failed_itself(
    several: list[Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    bulk = renewing.renew_bulk(*several, upn="noor@example.com")
    sandbox.behaviour.add("status", path="/_apis/connectionData", status=503)
    renewing.return_with(sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())))
    assert set(outcome(bulk).values()) == {"server_error"}


def test_a_connection_of_someone_else_is_left_alone(several: list[Connection], renewing: Renewing) -> None:
    address = renewing.begin_bulk(*several)
    # It was updated with the token of a colleague meanwhile.
    other = Connection.objects.filter(pk=several[2].pk)
    other.update(identity_id="00000000-0000-4000-8000-000000000000")
    bulk = renewing.return_with(sent_back(address))
    assert isinstance(bulk, BulkRenewal)
    assert outcome(bulk) == {
        "Acme main": State.SWAPPED,
        "Acme releases": State.SWAPPED,
        "Fabrikam": "another_person_signed_in",
    }


def test_another_person_who_signs_in_changes_nothing(several: list[Connection], renewing: Renewing) -> None:
    bulk = renewing.renew_bulk(*several, upn="noor@example.com")
    assert "swapped" not in outcome(bulk).values()
    assert Renewal.objects.count() == 0


def test_after_a_sign_in_of_another_person_the_right_one_renews_them(
    several: list[Connection], renewing: Renewing
) -> None:
    bulk = renewing.renew_bulk(*several, upn="noor@example.com")
    address = bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())
    assert renewing.return_with(sent_back(address)) == bulk
    assert set(outcome(bulk).values()) == {State.SWAPPED}
    assert not waiting(bulk).exists()


def test_one_that_was_disconnected_meanwhile_does_not_stop_the_others(
    several: list[Connection], renewing: Renewing
) -> None:
    address = renewing.begin_bulk(*several)
    several[0].delete()
    bulk = renewing.return_with(sent_back(address))
    assert isinstance(bulk, BulkRenewal)
    assert outcome(bulk) == {
        "Acme main": "connection_gone",
        "Acme releases": State.SWAPPED,
        "Fabrikam": State.SWAPPED,
    }


def test_one_that_is_being_renewed_already_is_left_alone(several: list[Connection], renewing: Renewing) -> None:
    first = renewing.renew(several[0])
    parameters = sent_back(renewing.begin_bulk(*several))
    Renewal.objects.filter(pk=first.pk).update(state=State.CREATED)
    bulk = renewing.return_with(parameters)
    assert isinstance(bulk, BulkRenewal)
    assert outcome(bulk)["Acme main"] == "renewal_running"
    assert outcome(bulk)["Acme releases"] == State.SWAPPED


def test_tokens_of_several_people_need_several_sign_ins(connected: Connected, renewing: Renewing) -> None:
    mixed = [connected(), connected("Of a colleague", token="full-colleague")]
    with pytest.raises(CannotRenew) as refused:
        renewing.begin_bulk(*mixed)
    assert refused.value.code == "renewal_of_several_people"
    assert not BulkRenewal.objects.exists()


def test_what_the_page_does_not_offer_is_refused_before_the_sign_in(
    several: list[Connection], renewing: Renewing
) -> None:
    first = renewing.renew(several[0])
    Renewal.objects.filter(pk=first.pk).update(state=State.CREATED)
    with pytest.raises(CannotRenew) as refused:
        renewing.begin_bulk(*several)
    assert (refused.value.code, refused.value.message[:10]) == ("renewal_running", "Acme main:")
    assert not BulkRenewal.objects.exists()


def test_days_are_limited(several: list[Connection], renewing: Renewing) -> None:
    with pytest.raises(CannotRenew) as refused:
        renewing.begin_bulk(*several, days=366)
    assert refused.value.code == "renewal_days"


def test_what_there_is_no_time_for_is_renewed_in_the_next_sign_in(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_renew, "_SECONDS", 0.0)
    bulk = renewing.renew_bulk(*several)
    assert outcome(bulk) == {"Acme main": State.SWAPPED, "Acme releases": "", "Fabrikam": ""}
    assert [bulk_renewal.pk for bulk_renewal in unfinished()] == [bulk.pk]
    monkeypatch.setattr(bulk_renew, "_SECONDS", 60.0)
    renewing.return_with(sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())))
    assert set(outcome(bulk).values()) == {State.SWAPPED}
    assert unfinished() == []
    assert Renewal.objects.count() == 3


def test_what_was_left_is_not_renewed_for_more_days_than_the_policy_allows_by_then(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_renew, "_SECONDS", 0.0)
    bulk = renewing.renew_bulk(*several)
    parameters = sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now()))
    policy = TokenPolicy(longest_life_days=30, longest_life=Rule.REFUSE)
    enforce_policy.set_token_policy(policy, by=Actor("ann"), now=timezone.now())
    with pytest.raises(CannotRenew) as during:
        renewing.return_with(parameters)
    with pytest.raises(CannotRenew) as before:
        bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())
    assert during.value.code == before.value.code == "renewal_policy_changed"
    assert Renewal.objects.count() == 1


def test_after_the_process_died_the_next_sign_in_goes_on(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(9))

    def dying(*args: Any, **kwargs: Any) -> Renewal:
        if next(calls) == 1:
            raise _Died
        return renew(*args, **kwargs)

    monkeypatch.setattr("connections.actions.bulk_renew.renew", dying)
    with pytest.raises(_Died):
        renewing.renew_bulk(*several)
    bulk = BulkRenewal.objects.get()
    assert outcome(bulk) == {"Acme main": State.SWAPPED, "Acme releases": "", "Fabrikam": ""}
    renewing.return_with(sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now())))
    assert set(outcome(bulk).values()) == {State.SWAPPED}
    assert Renewal.objects.count() == 3


def test_two_sign_ins_for_the_same_connections_renew_each_once(
    several: list[Connection], renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = renewing.begin_bulk(*several)
    bulk = BulkRenewal.objects.get()
    second = sent_back(bulk_renew.resume(bulk, person=renewing.user, now=renewing.now()))
    calls = iter(range(9))

    def overtaken(*args: Any, **kwargs: Any) -> Renewal:
        if next(calls) == 0:
            renewing.return_with(second)
        return renew(*args, **kwargs)

    monkeypatch.setattr("connections.actions.bulk_renew.renew", overtaken)
    renewing.return_with(sent_back(address))
    assert set(outcome(bulk).values()) == {State.SWAPPED}
    assert Renewal.objects.count() == 3


def test_old_ones_are_forgotten_and_their_renewals_kept(several: list[Connection], renewing: Renewing) -> None:
    renewing.renew_bulk(*several)
    forget_old(now=timezone.now() + timedelta(days=31))
    assert not BulkRenewal.objects.exists()
    assert Renewal.objects.count() == 3
