"""The query parameters of every operation: known as published, and never ignored."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import parameters
from sandbox.parameters import Operation
from sandbox.routes import ROUTES
from sandbox.routing import Route
from tests.sandbox.conftest import Caller
from tests.sandbox.published import Published, key

BUILDS = "/acme/Storefront/_apis/build/builds"
COMMITS = "/acme/Storefront/_apis/git/repositories/Storefront/commits"


def published_parameters(published: Published, route: Route) -> set[str]:
    """The names of the query parameters in Microsoft's files, but for api-version."""
    return {
        parameter["name"]
        for _, operation in published.operations(route)
        for parameter in operation["parameters"]
        if parameter.get("in") == "query"
    }


def test_the_list_names_exactly_the_published_parameters(published: Published) -> None:
    differing = {
        key(route): published_parameters(published, route) ^ parameters.operation_of(route).published
        for route in ROUTES
        if published_parameters(published, route) != parameters.operation_of(route).published
    }
    assert differing == {}


def test_no_published_parameter_is_called_unpublished(published: Published) -> None:
    wrong = {
        key(route): published_parameters(published, route) & set(parameters.operation_of(route).unpublished)
        for route in ROUTES
    }
    assert {address: names for address, names in wrong.items() if names} == {}


def test_every_operation_of_the_list_is_served() -> None:
    served = {key(route) for route in ROUTES}
    assert set(parameters.operations()) <= served


def test_no_parameter_stands_in_the_list_twice() -> None:
    for address, operation in parameters.operations().items():
        names = [*operation.supported, *operation.without_effect, *operation.unsupported, *operation.unpublished]
        assert len(names) == len(set(names)), address


def _not_played() -> Iterator[tuple[str, str]]:
    for address, operation in parameters.operations().items():
        yield from ((address, name) for name in operation.unsupported)


# Segments of addresses filled with what exists; numbers need not exist, for parameters are judged before look-ups.
FILLED = {"project": "Storefront", "repository": "Storefront", "commit": "0" * 40, "sha": "0" * 40, "timeline": "x"}


def _filled(address: str) -> tuple[str, str]:
    method, _, template = address.partition(" ")
    parts = [FILLED.get(part[1:-1], "1") if part.startswith("{") else part for part in template.split("/")]
    return method, "/acme/" + "/".join(parts)


@pytest.mark.parametrize(("address", "name"), list(_not_played()))
def test_what_is_not_played_answers_501_and_is_named(call: Caller, address: str, name: str) -> None:
    token = call.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("app_token",)
    method, path = _filled(address)
    answer = call(method, path, params={name: "something else"}, version="7.1-preview", json={})
    assert answer.status_code == 501
    assert answer.json()["typeKey"] == "NotImplementedException"
    assert f"'{name}=something else'" in answer.json()["message"]


@pytest.mark.parametrize("value", ["", "false", "False"])
def test_what_asks_for_the_usual_answer_gets_it(call: Caller, value: str) -> None:
    usual = call("GET", "/acme/_apis/projects").json()
    assert call("GET", "/acme/_apis/projects", params={"getDefaultTeamImageUrl": value}).json() == usual


def test_what_no_published_file_knows_is_ignored(call: Caller) -> None:
    usual = call("GET", BUILDS).json()
    assert call("GET", BUILDS, params={"colour": "red", "$skip": "3"}).json() == usual


def test_a_missing_scope_and_a_wrong_version_are_told_before_what_is_not_played(call: Caller) -> None:
    asked: dict[str, Any] = {"params": {"getDefaultTeamImageUrl": "true"}}
    assert call("GET", "/acme/_apis/projects", version="9.9", **asked).status_code == 400
    token = call.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.packaging_write",)
    assert call("GET", "/acme/_apis/projects", **asked).status_code == 401


def test_the_case_of_a_name_does_not_matter(call: Caller) -> None:
    assert len(call("GET", BUILDS, params={"$TOP": "2"}).json()["value"]) == 2
    assert call("GET", "/acme/_apis/projects", params={"GETDEFAULTTEAMIMAGEURL": "true"}).status_code == 501


def test_some_prefixes_may_be_left_out(call: Caller) -> None:
    assert len(call("GET", COMMITS, params={"$top": "3"}).json()["value"]) == 3
    answer = call("GET", COMMITS, params={"itemVersion.version": "nothing"})
    assert answer.json()["typeKey"] == "GitUnresolvableToCommitException"


@pytest.mark.parametrize(
    "query",
    [
        {"ids": "a,b"},
        {"IDS[0]": "a", "ids[1]": "b"},
        {"ids.0": "a", "ids.1": "b"},
    ],
)
def test_a_list_is_read_however_a_client_writes_it(query: dict[str, str]) -> None:
    assert Operation(supported=("ids",)).canonical(query) == {"ids": "a,b"}


def test_a_parameter_that_is_given_twice_is_a_list(call: Caller) -> None:
    answer = call("GET", f"{BUILDS}?definitions=1&definitions=2")
    assert {build["definition"]["id"] for build in answer.json()["value"]} == {1, 2}


def test_the_requests_that_were_seen_are_as_they_were_sent(call: Caller) -> None:
    call("GET", BUILDS, params={"$TOP": "2"})
    assert call.sandbox.requests[-1].query == "$TOP=2&api-version=7.1"
