"""One token for several connections: tested once for each organization, swapped for each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.actions.bulk_rotate import bulk_rotate, verify_for_bulk
from connections.actions.enforce_policy import set_token_policy
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import Replacement
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory

ANN = Actor("ann")
BEFORE_GLOBAL_TOKENS_END = datetime(2026, 11, 30, tzinfo=UTC)
Connected = Callable[..., Connection]
Token = Callable[[str], str]


def replacement(secret: str, **more: object) -> Replacement:
    return Replacement(PersonalAccessToken(secret), timezone.localdate() + timedelta(days=60), "one", **more)  # type: ignore[arg-type]


def token_in(connection: Connection) -> str:
    return StoredCredential.objects.get(connection=connection).reveal().reveal()


def test_one_token_is_tested_once_for_each_organization_and_swapped_for_each(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token
) -> None:
    places = (("One", "acme"), ("Two", "acme"), ("Three", "fabrikam"))
    connections = [connected(name, organization=organization) for name, organization in places]
    sandbox.requests.clear()
    sandbox.state.now = lambda: BEFORE_GLOBAL_TOKENS_END
    new = replacement(token_of("global"))
    swapped = bulk_rotate(connections, new, person=maintainer, by=ANN, now=timezone.now())
    assert [one.refusal for one in swapped] == [None, None, None]
    assert {token_in(one) for one in connections} == {token_of("global")}
    asked = [one.path for one in sandbox.requests if one.path.endswith("connectionData")]
    assert sorted(asked) == ["/acme/_apis/connectionData", "/fabrikam/_apis/connectionData"]
    assert Event.objects.filter(kind="connection.rotated").count() == 3


def test_one_that_is_refused_keeps_its_token_and_leaves_the_others_right(
    connected: Connected, maintainer: User, token_of: Token
) -> None:
    here, elsewhere = connected("Here"), connected("Elsewhere", organization="fabrikam")
    new = replacement(token_of("full-again"))
    swapped = bulk_rotate([elsewhere, here], new, person=maintainer, by=ANN, now=timezone.now())
    assert [one.refusal.code if one.refusal else "" for one in swapped] == ["token_refused", ""]
    assert token_in(elsewhere) == token_of("full")
    assert token_in(here) == token_of("full-again")


def test_a_server_that_is_gone_stops_its_own_connection_only(
    connected: Connected, maintainer: User, token_of: Token
) -> None:
    here, gone = connected("Here"), ConnectionFactory.create(server="Gone")
    new = replacement(token_of("full-again"))
    swapped = bulk_rotate([gone, here], new, person=maintainer, by=ANN, now=timezone.now())
    assert [one.refusal.code if one.refusal else "" for one in swapped] == ["server_unknown", ""]


def test_a_test_in_hand_is_not_made_again(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token
) -> None:
    connections = [connected("One"), connected("Two", organization="fabrikam")]
    sandbox.state.now = lambda: BEFORE_GLOBAL_TOKENS_END
    token = PersonalAccessToken(token_of("global"))
    tested, verification_key = verify_for_bulk(connections, token, person=maintainer, now=timezone.now())
    assert all(one.comparison and one.comparison.same_person for one in tested)
    assert {token_in(one) for one in connections} == {token_of("full")}
    sandbox.requests.clear()
    new = replacement(token_of("global"), verification_key=verification_key)
    swapped = bulk_rotate(connections, new, person=maintainer, by=ANN, now=timezone.now())
    assert all(one.refusal is None for one in swapped)
    assert {token_in(one) for one in connections} == {token_of("global")}
    assert sandbox.requests == []


def test_the_token_policy_refuses_one_token_for_several_before_any_is_swapped(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token
) -> None:
    connections = [connected("One"), connected("Two")]
    set_token_policy(TokenPolicy(reuse=Rule.REFUSE), by=ANN, now=timezone.now())
    sandbox.requests.clear()
    new = replacement(token_of("full-again"))
    with pytest.raises(CannotRotate) as refused:
        bulk_rotate(connections, new, person=maintainer, by=ANN, now=timezone.now())
    assert refused.value.code == "token_reused"
    assert sandbox.requests == []
