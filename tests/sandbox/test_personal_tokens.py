"""The lifecycle of personal access tokens, for people who have signed in."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.ids import instant
from sandbox.personal_tokens import instant_of_database
from sandbox.server import Sandbox
from tests.needs import reference_folder
from tests.sandbox.conftest import NOON, Caller

PATS = "/acme/_apis/tokens/pats"
PROJECTS = "/acme/_apis/projects"
Ask = Callable[..., requests.Response]
LATER = instant(NOON + timedelta(days=20))


@pytest.fixture
def ask(call: Caller, sandbox: Sandbox) -> Ask:
    """Calls the API as somebody who has signed in, by default Maya with both scopes."""

    def asking(method: str, *, bearer: str = "", path: str = PATS, **more: Any) -> requests.Response:
        header = {"Authorization": f"Bearer {bearer or sandbox.entra.persons_token()}"}
        return call(method, path, token=None, headers=header, version="7.1-preview.1", **more)

    return asking


def made(ask: Ask, **fields: Any) -> dict[str, Any]:
    """The answer to the creation of a token."""
    usual = {"displayName": "made", "scope": "vso.code_write vso.build", "validTo": LATER, "allOrgs": False}
    answer: dict[str, Any] = ask("POST", json={**usual, **fields}).json()
    return answer


def opens(call: Caller, text: str) -> bool:
    header = "Basic " + base64.b64encode(f":{text}".encode()).decode()
    return call("GET", PROJECTS, token=None, headers={"Authorization": header}).status_code == 200


def test_a_token_is_made_used_and_revoked(ask: Ask, call: Caller, sandbox: Sandbox) -> None:
    answer = made(ask)
    token = answer["patToken"]
    assert answer["patTokenError"] == "none"
    assert (token["scope"], token["targetAccounts"]) == (
        "vso.code_write vso.build",
        [sandbox.state.organizations["acme"].id],
    )
    assert len(token["token"]) == 84
    assert not opens(call, "x" * 84)
    assert call("GET", "/acme/_apis/connectionData", version="7.1-preview").ok
    header = {"Authorization": "Basic " + base64.b64encode(f":{token['token']}".encode()).decode()}
    git = "/acme/Storefront/_apis/git/repositories"
    assert call("GET", git, token=None, headers=header).status_code == 200
    assert call("GET", "/acme/Storefront/_apis/release/definitions", token=None, headers=header).status_code == 401
    assert ask("DELETE", params={"authorizationId": token["authorizationId"]}).status_code == 204
    assert call("GET", git, token=None, headers=header).status_code == 401


def test_the_text_of_a_token_is_in_one_answer_only(ask: Ask) -> None:
    token = made(ask)["patToken"]
    again = ask("GET", params={"authorizationId": token["authorizationId"]}).json()
    assert again == {"patToken": {**token, "token": None}, "patTokenError": "none"}
    listed = ask("GET").json()["patTokens"]
    assert not any(pat["token"] for pat in listed)
    assert token["authorizationId"] in [pat["authorizationId"] for pat in listed]


def test_a_person_sees_only_their_own_tokens(ask: Ask, sandbox: Sandbox) -> None:
    mine = {pat["displayName"] for pat in ask("GET", params={"displayFilterOption": "all"}).json()["patTokens"]}
    assert {"full", "full-again", "expired", "revoked", "global"} <= mine
    assert "full-colleague" not in mine
    noor = sandbox.entra.persons_token("noor@example.com")
    assert [pat["displayName"] for pat in ask("GET", bearer=noor).json()["patTokens"]] == ["full-colleague"]


@pytest.mark.parametrize(("wanted", "names"), [("expired", ["expired"]), ("revoked", ["revoked"])])
def test_a_list_is_of_one_state(ask: Ask, wanted: str, names: list[str]) -> None:
    listed = ask("GET", params={"displayFilterOption": wanted}).json()["patTokens"]
    assert [pat["displayName"] for pat in listed] == names


def test_a_list_has_pages_whose_filters_stay_the_same(ask: Ask) -> None:
    seen: list[str] = []
    asked = {"$top": "2", "displayFilterOption": "all", "sortByOption": "displayName"}
    page = ask("GET", params=asked).json()
    first = page["continuationToken"]
    while page["continuationToken"]:
        seen += [pat["displayName"] for pat in page["patTokens"]]
        page = ask("GET", params={**asked, "continuationToken": page["continuationToken"]}).json()
    seen += [pat["displayName"] for pat in page["patTokens"]]
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) >= 9
    assert ask("GET", params={"$top": "2", "continuationToken": first}).status_code == 400
    assert ask("GET", params={"continuationToken": "no"}).status_code == 400


def test_a_life_that_is_too_long_is_shortened(ask: Ask, sandbox: Sandbox) -> None:
    sandbox.state.organizations["acme"].token_policy.longest_days = 10
    token = made(ask)["patToken"]
    assert token["validTo"] == instant(NOON + timedelta(days=10))
    sandbox.state.advance(timedelta(days=5).total_seconds())
    changed = ask("PUT", json={"authorizationId": token["authorizationId"], "validTo": LATER}).json()
    assert changed["patToken"]["validTo"] == token["validTo"]
    sandbox.state.organizations["acme"].token_policy.refuses_long_life = True
    assert made(ask) == {"patToken": None, "patTokenError": "patLifespanPolicyViolation"}


def test_a_token_is_extended_and_keeps_its_text(ask: Ask, call: Caller, sandbox: Sandbox) -> None:
    token = made(ask, scope="app_token")["patToken"]
    changes = {"authorizationId": token["authorizationId"], "validTo": instant(NOON + timedelta(days=40))}
    changed = ask("PUT", json=changes).json()["patToken"]
    assert (changed["validTo"], changed["token"]) == (changes["validTo"], None)
    sandbox.state.advance(timedelta(days=30).total_seconds())
    assert opens(call, token["token"])
    sandbox.state.advance(timedelta(days=11).total_seconds())
    assert not opens(call, token["token"])
    late = ask("PUT", json={**changes, "validTo": instant(NOON + timedelta(days=90))}).json()
    assert late["patTokenError"] == "expiredPatCannotBeExtended"


def test_a_token_may_have_every_scope_that_is_published(ask: Ask) -> None:
    published = json.loads((reference_folder("openapi") / "scopes.json").read_text())
    for scope in sorted({scope for wanted in published.values() for scope in wanted}):
        assert made(ask, scope=scope)["patTokenError"] == "none", scope


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"displayName": ""}, "displayNameRequired"),
        ({"displayName": "x" * 256}, "invalidDisplayName"),
        ({"scope": ""}, "invalidScope"),
        ({"scope": "vso.everything"}, "invalidScope"),
        ({"validTo": "soon"}, "invalidValidTo"),
        ({"validTo": "2020-01-01"}, "invalidValidTo"),
    ],
)
def test_what_is_wrong_with_a_new_token_is_said(ask: Ask, fields: dict[str, Any], error: str) -> None:
    assert made(ask, **fields) == {"patToken": None, "patTokenError": error}


@pytest.mark.parametrize(
    ("policy", "fields", "error"),
    [
        ("restricts_creation", {}, "disablePatCreationPolicyViolation"),
        ("forbids_full_scope", {"scope": "app_token"}, "fullScopePatPolicyViolation"),
        ("forbids_global", {"allOrgs": True}, "globalPatPolicyViolation"),
    ],
)
def test_a_policy_is_named(ask: Ask, sandbox: Sandbox, policy: str, fields: dict[str, Any], error: str) -> None:
    setattr(sandbox.state.organizations["acme"].token_policy, policy, True)
    assert made(ask, **fields)["patTokenError"] == error


def test_a_token_for_all_organizations_is_made_until_december(ask: Ask, sandbox: Sandbox) -> None:
    assert made(ask, allOrgs=True)["patToken"]["targetAccounts"] is None
    sandbox.state.advance(timedelta(days=10).total_seconds())
    assert made(ask, allOrgs=True)["patTokenError"] == "globalPATCreationBlocked"


@pytest.mark.parametrize(
    ("wanted", "error"),
    [("nonsense", "invalidAuthorizationId"), ("00000000-1111-4222-8333-444444444444", "authorizationNotFound")],
)
def test_what_does_not_exist_is_said_to_readers_and_revokers(ask: Ask, wanted: str, error: str) -> None:
    for method in ("GET", "DELETE"):
        assert ask(method, params={"authorizationId": wanted}).json()["patTokenError"] == error
    assert ask("PUT", json={"authorizationId": wanted}).json()["patTokenError"] == error


def test_a_revocation_may_be_answered_with_200_and_take_effect_late(ask: Ask, call: Caller, sandbox: Sandbox) -> None:
    policy = sandbox.state.organizations["acme"].token_policy
    policy.revoke_status, policy.revoked_after = 200, 3600
    token = made(ask, scope="app_token")["patToken"]
    asked = {"authorizationId": token["authorizationId"]}
    assert ask("DELETE", params=asked).status_code == 200
    assert opens(call, token["token"])
    assert ask("DELETE", params=asked).json()["patTokenError"] == "authorizationNotFound"
    assert ask("PUT", json=asked).json()["patTokenError"] == "invalidToken"
    sandbox.state.advance(3600)
    assert not opens(call, token["token"])


def test_the_answer_to_a_creation_may_be_lost(ask: Ask, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("close", method="POST", path="/tokens/pats", carried_out=True, times=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        made(ask, displayName="marker 1234")
    assert "marker 1234" in [pat["displayName"] for pat in ask("GET").json()["patTokens"]]


def test_the_policy_is_set_from_outside(ask: Ask, sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/_sandbox/organizations/acme"
    said = requests.post(url, json={"token_policy": {"restricts_creation": True}}, timeout=10).json()
    assert said["token_policy"]["restricts_creation"] is True
    assert made(ask)["patTokenError"] == "disablePatCreationPolicyViolation"
    assert requests.post(url, json={"token_policy": {"colour": "red"}}, timeout=10).status_code == 400
    assert requests.post(f"{url}x", json={"token_policy": {}}, timeout=10).status_code == 404


def _every_error() -> list[str]:
    file = Path(__file__).resolve().parents[2] / "sandbox" / "enumerations.toml"
    words = file.read_text(encoding="utf-8").partition("[enumerations.SessionTokenError]\n")[2]
    return [line.partition(" ")[0] for line in words.splitlines() if " = " in line][1:]


@pytest.mark.parametrize("error", [*_every_error(), "somethingNew"])
def test_every_error_and_an_unknown_one_come_on_demand(ask: Ask, sandbox: Sandbox, error: str) -> None:
    sandbox.behaviour.add("pat_error", code=error)
    assert made(ask) == {"patToken": None, "patTokenError": error}


def test_the_errors_are_the_published_ones() -> None:
    file = json.loads((reference_folder("openapi") / "tokens-7.2.json").read_text(encoding="utf-8-sig"))
    published = file["definitions"]["PatTokenResult"]["properties"]["patTokenError"]["enum"]
    assert _every_error() == published[1:]


def test_only_people_who_signed_in_are_let_in(ask: Ask, call: Caller, sandbox: Sandbox) -> None:
    by_token = call("GET", PATS, version="7.1-preview.1")
    assert (by_token.status_code, by_token.json()["message"]) == (401, "The requested operation is not allowed.")
    by_principal = ask("GET", bearer=sandbox.entra.access_token("full"))
    assert by_principal.json()["message"] == "Service principals are not allowed to perform this action."
    assert by_principal.json()["typeKey"] == "InvalidAccessException"


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [("vso.pats", "GET", 200), ("vso.pats", "POST", 401), ("vso.pats_manage", "GET", 401), ("vso.code", "GET", 401)],
)
def test_both_scopes_are_needed(ask: Ask, sandbox: Sandbox, scope: str, method: str, status: int) -> None:
    bearer = sandbox.entra.persons_token("maya@example.com", scope)
    assert ask(method, bearer=bearer, json={}).status_code == status


def test_times_are_those_of_a_database() -> None:
    shown = [instant_of_database(NOON.replace(microsecond=micro)) for micro in (0, 319_000, 523_333, 999_999)]
    seconds = ["12:00:00Z", "12:00:00.32Z", "12:00:00.5233333Z", "12:00:01Z"]
    assert shown == [f"2026-11-25T{second}" for second in seconds]
