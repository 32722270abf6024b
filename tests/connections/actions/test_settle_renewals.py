"""The old token of a renewal is revoked when no one uses it any more, and Azure DevOps is asked until it rejects it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from connections.actions import prove_renewal, renewal_swap
from connections.actions.ask_about_token import Answer
from connections.actions.refusals import CannotRenew
from connections.domain.renewal import State
from connections.models import Connection, Renewal
from history.models import Event
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


@pytest.fixture
def renewal(connection: Connection, renewing: Renewing) -> Renewal:
    return renewing.renew(connection)


def pick(renewal: Renewal, renewing: Renewing, sandbox: Sandbox, name: str = "full") -> None:
    renewal_swap.pick_old_token(renewal, entry_of(sandbox, name), by=renewing.by, now=renewing.now())


def is_revoked(sandbox: Sandbox, name: str = "full") -> bool:
    token = sandbox.state.token_named(name)
    return token is not None and token.revoked_at is not None


def test_nothing_is_revoked_on_a_proposal(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    assert entry_of(sandbox, "full") in [candidate["id"] for candidate in renewal.candidates]
    renewing.wait_for_the_longest_request()
    assert renewing.settle(renewal).state == State.SWAPPED
    assert not is_revoked(sandbox)


def test_what_the_person_picked_is_revoked_and_proved_dead(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    assert renewing.settle(renewal).state == State.REVOKED
    assert is_revoked(sandbox)
    assert renewing.prove(renewal).state == State.PROVED
    assert bytes(renewal.sealed) == b""
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"connection.old_token_picked", "connection.old_token_revoked", "connection.old_token_proved"} <= kinds


def test_what_is_no_candidate_can_not_be_picked(renewal: Renewal, renewing: Renewing) -> None:
    with pytest.raises(CannotRenew) as refused:
        renewal_swap.pick_old_token(renewal, renewal.authorization_id, by=renewing.by, now=renewing.now())
    assert refused.value.code == "renewal_no_candidate"


def test_requests_that_began_with_the_old_token_may_end(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    pick(renewal, renewing, sandbox)
    renewing.ahead = timedelta(seconds=290)
    assert renewing.settle(renewal).state == State.SWAPPED
    assert not is_revoked(sandbox)


def test_it_is_not_revoked_while_another_connection_uses_it(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox, connected: Connected
) -> None:
    pick(renewal, renewing, sandbox)
    other = connected("Acme releases")
    renewing.wait_for_the_longest_request()
    assert renewing.settle(renewal).state == State.SWAPPED
    assert not is_revoked(sandbox)
    other.delete()
    assert renewing.settle(renewal).state == State.REVOKED


def test_a_token_that_we_created_is_found_by_its_id(
    connection: Connection, renewal: Renewal, renewing: Renewing
) -> None:
    again = renewing.renew(connection)
    assert again.old_authorization_id == renewal.authorization_id
    renewing.wait_for_the_longest_request()
    assert renewing.settle(again).state == State.REVOKED
    assert renewing.made(renewal)[0].revoked_at is not None


def test_the_next_renewal_revokes_a_token_that_we_created(
    connection: Connection, renewal: Renewal, renewing: Renewing
) -> None:
    again = renewing.renew(connection)
    renewing.wait_for_the_longest_request()
    renewing.renew(connection)
    again.refresh_from_db()
    assert again.state == State.REVOKED


def test_what_a_person_picked_is_revoked_only_in_a_sign_in_for_that_renewal(
    connection: Connection, renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    again = renewing.renew(connection)
    renewing.settle(again)
    renewal.refresh_from_db()
    assert (renewal.state, is_revoked(sandbox)) == (State.SWAPPED, False)
    assert renewing.settle(renewal).state == State.REVOKED


def test_another_entry_can_be_picked_until_it_is_revoked(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox, "read-only")
    assert renewal.picked_name == "read-only"
    pick(renewal, renewing, sandbox, "full")
    assert renewal.picked_name == "full"


def test_a_token_that_we_created_is_not_picked(
    connection: Connection, renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    again = renewing.renew(connection)
    with pytest.raises(CannotRenew) as refused:
        pick(again, renewing, sandbox)
    assert refused.value.code == "renewal_no_candidate"


def test_the_names_of_the_tokens_are_forgotten_when_the_renewal_ends(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    renewing.prove(renewal)
    assert (renewal.state, renewal.candidates) == (State.PROVED, [])


@pytest.mark.parametrize("word", ["tokenNotFound", "authorizationNotFound", "hostAuthorizationNotFound"])
def test_a_token_that_is_gone_counts_as_revoked(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox, word: str
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    sandbox.behaviour.add("pat_error", method="DELETE", code=word)
    assert renewing.settle(renewal).state == State.REVOKED


@pytest.mark.parametrize(("word", "problem"), [("accessDenied", "pat_access_denied"), ("invalidToken", "pat_gone")])
def test_a_refused_revocation_stays_pending_with_its_reason(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox, word: str, problem: str
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    sandbox.behaviour.add("pat_error", method="DELETE", code=word, times=1)
    renewing.settle(renewal)
    assert (renewal.state, renewal.problem) == (State.SWAPPED, problem)
    assert renewing.settle(renewal).state == State.REVOKED


def test_a_revocation_whose_answer_is_lost_is_proved_anyway(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    sandbox.behaviour.add("close", method="DELETE", path="/tokens/pats", carried_out=True)
    assert renewing.settle(renewal).state == State.SWAPPED
    assert renewing.prove(renewal).state == State.PROVED


def test_a_late_revocation_is_asked_about_until_it_takes_effect(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["acme"].token_policy.revoked_after = 3600
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    renewing.prove(renewal)
    assert (renewal.state, renewal.last_answer, renewal.asks) == (State.REVOKED, "", 1)
    sandbox.state.advance(3600)
    assert renewing.prove(renewal, seconds=3600).state == State.PROVED


def test_after_two_hours_it_is_not_proved(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    sandbox.state.organizations["acme"].token_policy.revoked_after = 10_000
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    assert renewing.prove(renewal, seconds=7201).state == State.NOT_PROVED
    assert Event.objects.filter(kind="connection.old_token_not_proved").exists()


def test_an_outage_proves_nothing(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    sandbox.behaviour.add("status", status=503)
    assert renewing.prove(renewal).state == State.REVOKED


def test_azure_devops_is_not_asked_again_before_it_wants_to_be(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    renewing.settle(renewal)
    sandbox.behaviour.add("throttle", path="/_apis/connectionData", retry_after=1000)
    renewing.prove(renewal)
    assert renewal.last_answer == "throttled"
    assert renewal.next_ask_at is not None
    assert renewal.next_ask_at >= renewing.now() + timedelta(seconds=990)


def test_a_question_is_asked_once_for_each_claim(renewal: Renewal, renewing: Renewing) -> None:
    renewal_swap.ask_now(renewal, now=renewing.now())
    ((renewal_id, lease),) = prove_renewal.claim_due(now=renewing.now())
    assert prove_renewal.claim_due(now=renewing.now()) == []
    assert prove_renewal.ask_claimed(renewal_id, lease=lease, clock=renewing.now)
    assert not prove_renewal.ask_claimed(renewal_id, lease=lease, clock=renewing.now)


def test_one_sign_in_lists_the_tokens_once_for_all_that_is_lost(
    connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("close", method="POST", path="/tokens/pats", times=2)
    lost = [renewing.renew(connected(name)) for name in ("Acme main", "Acme releases")]
    assert [renewal.state for renewal in lost] == [State.LOST, State.LOST]
    renewing.ahead += timedelta(minutes=11)
    seen = len(sandbox.requests)
    renewing.settle(lost[0])
    lists = [request for request in sandbox.requests[seen:] if "displayFilterOption" in request.query]
    assert len(lists) == 1
    assert set(Renewal.objects.values_list("state", flat=True)) == {State.FAILED}


def test_a_person_who_revoked_it_there_lets_us_check(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    renewal_swap.ask_now(renewal, now=renewing.now())
    renewing.prove(renewal)
    assert (renewal.state, renewal.asks, renewal.next_ask_at) == (State.SWAPPED, 1, None)
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    renewal_swap.ask_now(renewal, now=renewing.now())
    assert renewing.prove(renewal).state == State.PROVED


def test_an_answer_changes_nothing_when_the_person_decided_meanwhile(
    renewal: Renewal, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewal_swap.ask_now(renewal, now=renewing.now())
    # What the worker reads, before the person decides.
    asked = Renewal.objects.get(pk=renewal.pk)
    lease = Renewal.objects.filter(pk=renewal.pk).claim(now=renewing.now())
    renewal_swap.keep_old_token(renewal, by=renewing.by, now=renewing.now())
    prove_renewal.write(asked, lease, Answer("token_refused", is_proof=True), now=renewing.now())
    renewal.refresh_from_db()
    assert (renewal.state, renewal.asks, renewal.lease) == (State.KEPT, 0, "")
    assert not Event.objects.filter(kind="connection.old_token_proved").exists()


def test_a_refusal_is_forgotten_with_the_step(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    pick(renewal, renewing, sandbox)
    renewing.wait_for_the_longest_request()
    sandbox.behaviour.add("pat_error", method="DELETE", code="accessDenied", times=1)
    renewing.settle(renewal)
    renewal_swap.keep_old_token(renewal, by=renewing.by, now=renewing.now())
    renewal.refresh_from_db()
    assert (renewal.problem, renewal.problem_word) == ("", "")


def test_the_old_token_can_be_left_valid(renewal: Renewal, renewing: Renewing, sandbox: Sandbox) -> None:
    renewal_swap.keep_old_token(renewal, by=renewing.by, now=renewing.now())
    renewal.refresh_from_db()
    assert (renewal.state, bytes(renewal.sealed), renewal.candidates) == (State.KEPT, b"", [])
    renewing.wait_for_the_longest_request()
    assert renewing.settle(renewal).state == State.KEPT
    assert not is_revoked(sandbox)
