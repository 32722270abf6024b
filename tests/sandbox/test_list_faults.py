"""Lists that go wrong, and areas that are switched off."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

PROJECTS = "/acme/_apis/projects"
TOKEN = "x-ms-continuationtoken"
STORE = "/acme/Storefront/_apis"


def pages(call: Caller, path: str, most: int = 5, **params: Any) -> list[list[dict[str, Any]]]:
    """The items of each page, as a client reads them that follows the tokens."""
    found: list[list[dict[str, Any]]] = []
    token: str | None = None
    while len(found) < most:
        answer = call("GET", path, params={**params, **({"continuationToken": token} if token else {})})
        assert answer.json()["count"] == len(answer.json()["value"])
        found.append(answer.json()["value"])
        token = answer.headers.get(TOKEN)
        if token is None:
            break
    return found


@pytest.mark.parametrize("path", [PROJECTS, f"{STORE}/build/definitions", f"{STORE}/release/releases"])
def test_a_list_may_never_end(call: Caller, sandbox: Sandbox, path: str) -> None:
    sandbox.behaviour.add("endless_list")
    read = pages(call, path, most=5)
    assert len(read) == 5
    ids = [item["id"] for page in read for item in page]
    assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize(("variant", "different", "size"), [("same", 100, 100), ("empty", 0, 0)])
def test_a_list_that_never_ends_may_have_nothing_new(
    call: Caller, sandbox: Sandbox, variant: str, different: int, size: int
) -> None:
    sandbox.behaviour.add("endless_list", variant=variant)
    read = pages(call, PROJECTS, most=4)
    assert [len(page) for page in read] == [size] * 4
    assert len({item["id"] for page in read for item in page}) == different


def test_the_token_of_a_list_that_never_ends_is_always_another(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("endless_list", variant="empty")
    tokens, token = set(), None
    for _ in range(20):
        token = call("GET", PROJECTS, params={"continuationToken": token} if token else {}).headers[TOKEN]
        tokens.add(token)
    assert len(tokens) == 20


def test_a_list_that_is_paged_by_counting_may_never_end_either(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("endless_list")
    path, name = f"{STORE}/git/repositories/Storefront/commits", "searchCriteria.$skip"
    first, later = (call("GET", path, params={name: str(skip)}).json()["value"] for skip in (0, 3000))
    assert len(first) == len(later) > 0
    assert not {one["commitId"] for one in first} & {one["commitId"] for one in later}


def test_an_error_is_no_list_even_where_lists_never_end(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("endless_list")
    answer = call("GET", PROJECTS, params={"stateFilter": "sideways"})
    assert (answer.status_code, TOKEN in answer.headers) == (400, False)


def test_the_same_item_may_be_on_two_pages(call: Caller, sandbox: Sandbox) -> None:
    usual = [item["id"] for page in pages(call, PROJECTS) for item in page]
    sandbox.behaviour.add("repeated_items")
    read = pages(call, PROJECTS)
    assert len(read) == 2
    assert read[0][-1]["id"] == read[1][0]["id"]
    assert [item["id"] for page in read for item in page] == [*usual[:100], *usual[100:101], *usual[100:]]


def test_items_may_repeat_in_refs_and_builds_too(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("repeated_items")
    refs = pages(call, f"{STORE}/git/repositories/web%20client/refs", most=9, **{"$top": "100"})
    assert refs[0][-1]["name"] == refs[1][0]["name"]
    builds = pages(call, f"{STORE}/build/builds", most=9, **{"$top": "3"})
    assert builds[0][-1]["id"] == builds[1][0]["id"]


def test_a_page_may_fail_in_the_shape_of_a_list(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("list_error", query="continuationToken")
    assert call("GET", PROJECTS).status_code == 200
    answer = call("GET", PROJECTS, params={"continuationToken": "100"})
    assert (answer.status_code, answer.json()) == (400, {"count": 1, "value": {"Message": "Something is wrong."}})
    assert answer.headers["X-VSS-UserData"].endswith(":maya@example.com")


@pytest.mark.parametrize("status", [200, 404, 405, 500])
def test_an_error_in_the_shape_of_a_list_may_have_any_status(call: Caller, sandbox: Sandbox, status: int) -> None:
    sandbox.behaviour.add("list_error", status=status)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.json()["value"]) == (status, {"Message": "Something is wrong."})


def test_items_may_lack_what_they_usually_have(call: Caller, sandbox: Sandbox) -> None:
    usual = call("GET", PROJECTS).json()
    sandbox.behaviour.add("omit_fields", path=r"projects\Z")
    lacking = call("GET", PROJECTS).json()
    assert lacking["count"] == usual["count"]
    assert set(usual["value"][0]) - set(lacking["value"][0]) == {"state"}
    assert "state" in call("GET", f"{PROJECTS}/Storefront").json()


def test_a_single_thing_may_lack_something_too(call: Caller) -> None:
    rule = {"kind": "omit_fields", "path": "connectionData", "fields": ["authenticatedUser", "instanceId"]}
    assert call("POST", "/_sandbox/behaviour", json=rule).status_code == 201
    body = call("GET", "/acme/_apis/connectionData", version="7.1-preview").json()
    assert "authorizedUser" in body
    assert not {"authenticatedUser", "instanceId"} & set(body)


def test_classic_releases_may_be_switched_off_altogether(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("releases_off")
    for method, path in [
        ("GET", "release/definitions"),
        ("GET", "release/releases"),
        ("PATCH", "release/approvals/1"),
        ("POST", "release/releases"),
    ]:
        answer = call(method, f"{STORE}/{path}", json={})
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "Page not found." in answer.text
    assert call("GET", f"{STORE}/build/definitions").status_code == 200
    assert call("GET", PROJECTS).status_code == 200


@pytest.mark.parametrize(
    ("organization", "path", "status"),
    [
        ("pipelines-only", "Main/_apis/release/definitions", 404),
        ("listless", "_apis/projects", 400),
        ("unlisted", "_apis/projects", 401),
    ],
)
def test_sample_organizations_show_it_to_people(call: Caller, organization: str, path: str, status: int) -> None:
    assert call("GET", f"/{organization}/{path}").status_code == status
    assert call("GET", f"/{organization}/Main/_apis/build/definitions").json()["count"] > 0


def test_the_stateless_organization_tells_no_state_in_its_list(call: Caller) -> None:
    assert [set(item) & {"state", "name"} for item in pages(call, "/stateless/_apis/projects")[0]] == [{"name"}]


def test_the_endless_organization_has_ever_more_projects(call: Caller) -> None:
    read = pages(call, "/endless/_apis/projects", most=7)
    assert len({item["id"] for page in read for item in page}) == 7
    assert call("GET", "/endless/Main/_apis/git/repositories").json()["count"] == 1


def test_the_doubled_organization_has_one_project_twice(call: Caller) -> None:
    names = [item["name"] for page in pages(call, "/doubled/_apis/projects") for item in page]
    assert (len(names), len(set(names))) == (111, 110)
