"""Enumerations as words and as numbers, and times in several forms, wherever they are read."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import parameters, typed_values
from sandbox.enumerations import enumeration
from sandbox.ids import moment
from sandbox.repositories import NOTHING
from sandbox.routes import ROUTES
from sandbox.routing import Route
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller
from tests.sandbox.published import Published, key

GIT = "/acme/Storefront/_apis/git/repositories/Storefront"
BUILD = "/acme/Storefront/_apis/build"
RELEASE = "/acme/Storefront/_apis/release"
DEPLOY_STOREFRONT = 1


def published_enumerations(published: Published, route: Route) -> dict[str, tuple[str, list[str]]]:
    """The enumerated query parameters in Microsoft's files: the enumeration and its words."""
    return {
        parameter["name"]: (enumerated["name"], [value["value"] for value in enumerated["values"]])
        for _, operation in published.operations(route)
        for parameter in operation["parameters"]
        if parameter.get("in") == "query"
        and (enumerated := parameter.get("x-ms-enum") or parameter.get("items", {}).get("x-ms-enum"))
    }


def test_every_published_enumeration_of_a_query_is_known(published: Published) -> None:
    for route in ROUTES:
        listed = {name: of for name, of in typed_values.parameter_types(route).items() if of != "time"}
        found = published_enumerations(published, route)
        assert {name: of for name, (of, _) in found.items()} == listed, key(route)


def test_the_words_are_the_published_ones(published: Published) -> None:
    without_a_word = {"BuildStatus": {"abandoned"}}
    for route in ROUTES:
        for name, words in published_enumerations(published, route).values():
            extra = set(enumeration(name).members) - set(words)
            assert set(words) <= set(enumeration(name).members), name
            assert extra == without_a_word.get(name, set()), name


def test_every_published_time_of_a_query_is_known(published: Published) -> None:
    for route in ROUTES:
        found = {
            parameter["name"]
            for _, operation in published.operations(route)
            for parameter in operation["parameters"]
            if parameter.get("format") == "date-time" and parameter.get("in") == "query"
        }
        listed = {name for name, of in typed_values.parameter_types(route).items() if of == "time"}
        # Those of commits are published as strings, in whose description a date stands.
        described = listed if route.address.endswith("/commits") else set()
        assert found == listed - described, key(route)


def test_every_listed_enumeration_of_a_body_is_published(published: Published) -> None:
    listed = [(route, path, name) for route in ROUTES for path, name in typed_values.body_types(route).items()]
    assert len(listed) >= 8
    for route, path, name in listed:
        assert name in set(_published_in_body(published, route, path.replace("[]", "").split("."))), (key(route), path)


def _published_in_body(published: Published, route: Route, path: list[str]) -> Iterator[str]:
    for area, operation in published.operations(route):
        definitions = published._definitions(area)
        for parameter in operation["parameters"]:
            if parameter.get("in") == "body":
                schema = parameter["schema"]
                for part in path:
                    schema = schema.get("items", schema)
                    schema = definitions[schema["$ref"].rsplit("/", 1)[1]]["properties"][part]
                yield schema["x-ms-enum"]["name"]


def test_every_type_is_of_a_parameter_that_is_known() -> None:
    for route in ROUTES:
        operation = parameters.operation_of(route)
        assert set(typed_values.parameter_types(route)) <= operation.published, key(route)


def test_what_is_accepted_although_not_played_is_written_as_words() -> None:
    for route in ROUTES:
        for name, of in typed_values.parameter_types(route).items():
            for value in parameters.operation_of(route).unsupported.get(name, []):
                assert enumeration(of).read(value) == value, (key(route), name)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("BuildStatus", "4", "cancelling"),
        ("BuildStatus", "CANCELLING", "cancelling"),
        ("BuildStatus", "47", "all"),
        ("BuildStatus", "33", "inProgress,notStarted"),
        ("BuildStatus", "63", "inProgress,completed,cancelling,postponed,abandoned,notStarted"),
        ("BuildStatus", "1, notstarted", "inProgress,notStarted"),
        ("BuildStatus", "64", None),
        ("BuildStatus", "running", None),
        ("ProjectState", "-1", "all"),
        ("ApprovalStatus", "3", None),  # no sum, for it has no flags
        ("ApprovalStatus", "pending,approved", None),
        ("VersionControlRecursionType", "120", "full"),
        ("GitVersionType", "", None),
        ("GitVersionType", "0x1", None),
        ("GitVersionType", "\u0661", None),
    ],
)
def test_a_value_is_read_as_word_number_or_sum(name: str, value: str, read: str | None) -> None:
    assert enumeration(name).read(value) == read


def _every_member() -> Iterator[Any]:
    for route in ROUTES:
        for name, of in typed_values.parameter_types(route).items():
            is_without_project = "{project}" not in route.address and key(route) not in parameters.operations()
            if of != "time" and not is_without_project:
                yield pytest.param(route, name, of, id=f"{key(route)} {name}")


NUMBERED = ("definition", "pipeline", "run", "log", "release", "environment")
FILLED = {"project": "Storefront", "repository": "Storefront", **dict.fromkeys(NUMBERED, "1")}


@pytest.mark.parametrize(("route", "name", "of"), list(_every_member()))
def test_a_number_asks_for_what_its_word_asks_for(call: Caller, route: Route, name: str, of: str) -> None:
    path = "/acme/" + "/".join(FILLED[part[1:-1]] if part[0] == "{" else part for part in route.address.split("/"))
    for word, number in enumeration(of).members.items():
        by_word, by_number = (call("GET", path, params={name: value}) for value in (word, str(number)))
        assert (by_word.status_code, by_word.json()) == (by_number.status_code, by_number.json()), word


@pytest.mark.parametrize(
    ("path", "params", "words"),
    [
        (f"{GIT}/items", {"path": "/README.md", "versionType": "0", "version": "main"}, {"versionType": "branch"}),
        (f"{GIT}/items", {"scopePath": "/", "recursionLevel": "120"}, {"recursionLevel": "full"}),
        (f"{BUILD}/builds", {"resultFilter": "8"}, {"resultFilter": "failed"}),
        (f"{BUILD}/builds", {"resultFilter": "10"}, {"resultFilter": "succeeded,failed"}),
        (f"{BUILD}/builds", {"reasonFilter": "1"}, {"reasonFilter": "manual"}),
        (f"{BUILD}/builds", {"statusFilter": "2"}, {"statusFilter": "completed"}),
        (f"{BUILD}/builds", {"queryOrder": "4"}, {"queryOrder": "queueTimeDescending"}),
        (f"{RELEASE}/releases", {"$expand": "6"}, {"$expand": "environments,artifacts"}),
        (f"{RELEASE}/releases", {"queryOrder": "1"}, {"queryOrder": "ascending"}),
        (f"{RELEASE}/approvals", {"statusFilter": "1"}, {"statusFilter": "pending"}),
        (f"{RELEASE}/deployments", {"deploymentStatus": "20"}, {"deploymentStatus": "succeeded,failed"}),
    ],
)
def test_what_the_official_client_sends_is_understood(
    call: Caller, path: str, params: dict[str, str], words: dict[str, str]
) -> None:
    asked = call("GET", path, params=params)
    assert asked.status_code == 200
    assert asked.json() == call("GET", path, params={**params, **words}).json()


@pytest.mark.parametrize(
    ("params", "of", "members"),
    [
        ({"statusFilter": "33"}, "status", {"inProgress", "notStarted"}),
        ({"statusFilter": "inProgress,notStarted"}, "status", {"inProgress", "notStarted"}),
        ({"resultFilter": "36"}, "result", {"partiallySucceeded", "canceled"}),
        ({"reasonFilter": "9"}, "reason", {"manual", "schedule"}),
        ({"reasonFilter": "triggered"}, "reason", {"individualCI", "schedule", "manual"}),
    ],
)
def test_several_members_of_flags_let_each_of_them_through(
    call: Caller, params: dict[str, str], of: str, members: set[str]
) -> None:
    builds = call("GET", f"{BUILD}/builds", params=params).json()["value"]
    assert {build[of] for build in builds} == members


@pytest.mark.parametrize("value", ["9999999", "bogus", "2,bogus", "-3", "1.5", "true"])
def test_a_value_that_is_no_member_is_400(call: Caller, value: str) -> None:
    for path, name in ((f"{BUILD}/builds", "resultFilter"), (f"{RELEASE}/deployments", "operationStatus")):
        answer = call("GET", path, params={name: value})
        assert answer.status_code == 400
        assert answer.json()["value"]["Message"] == f"The value '{value}' is not valid for {name}."


def test_a_build_is_queued_for_a_reason_and_canceled_by_number(call: Caller) -> None:
    queued = call("POST", f"{BUILD}/builds", json={"definition": {"id": 1}, "reason": 256}).json()
    assert queued["reason"] == "pullRequest"
    assert call("POST", f"{BUILD}/builds", json={"definition": {"id": 1}, "reason": 1}).json()["reason"] == "manual"
    canceled = call("PATCH", f"{BUILD}/builds/{queued['id']}", json={"status": 4}).json()
    assert canceled["status"] in ("cancelling", "completed")


@pytest.mark.parametrize("reason", [2031, 99, "bogus", 1.5, True, {}, []])
def test_a_build_is_not_queued_for_what_is_no_single_reason(call: Caller, reason: object) -> None:
    answer = call("POST", f"{BUILD}/builds", json={"definition": {"id": 1}, "reason": reason})
    assert answer.status_code == 400


@pytest.mark.parametrize("number_as", [int, str])
def test_files_are_pushed_by_number(call: Caller, number_as: type) -> None:
    def push(old: str, change: dict[str, Any]) -> Any:
        update = {"name": "refs/heads/main", "oldObjectId": old}
        commits = [{"comment": "Change", "changes": [change]}]
        return call("POST", f"{GIT}/pushes", json={"refUpdates": [update], "commits": commits})

    def text() -> str:
        return call("GET", f"{GIT}/items", params={"path": "/y.txt"}, accept="text/plain").text

    refs = call("GET", f"{GIT}/refs", params={"filter": "heads/main"}).json()["value"]
    new = {"content": "SGVsbG8=", "contentType": number_as(1)}
    added = push(refs[0]["objectId"], {"changeType": number_as(1), "item": {"path": "/x.txt"}, "newContent": new})
    assert added.status_code == 201
    plain = {"content": "Bye", "contentType": number_as(0)}
    change = {"sourceServerItem": "/x.txt", "item": {"path": "/y.txt"}, "newContent": plain}
    head = added.json()["refUpdates"][0]["newObjectId"]
    moved = push(head, {**change, "changeType": number_as(10)})
    assert moved.status_code == 201
    assert text() == "Bye"
    assert added.json()["refUpdates"][0]["oldObjectId"] != NOTHING


def test_releases_are_made_deployed_approved_and_abandoned_by_number(call: Caller, sandbox: Sandbox) -> None:
    made = call("POST", f"{RELEASE}/releases", json={"definitionId": DEPLOY_STOREFRONT, "reason": 3}).json()
    assert made["reason"] == "schedule"
    sandbox.state.advance(120)
    pending = call("GET", f"{RELEASE}/approvals", params={"releaseIdsFilter": made["id"], "statusFilter": 1}).json()
    approval = pending["value"][0]["id"]
    approved = call("PATCH", f"{RELEASE}/approvals/{approval}", json={"status": 2, "comments": "Yes"}).json()
    assert approved["status"] == "approved"
    sandbox.state.advance(120)
    stage = made["environments"][0]["id"]
    address = f"{RELEASE}/releases/{made['id']}/environments/{stage}"
    assert call("PATCH", address, json={"status": 2}, version="7.1-preview").json()["status"] == "queued"
    assert call("PATCH", address, json={"status": 8}, version="7.1-preview").json()["status"] == "canceled"
    assert call("PATCH", f"{RELEASE}/releases/{made['id']}", json={"status": 4}).json()["status"] == "abandoned"


def test_an_approval_is_rejected_by_number(call: Caller) -> None:
    approval = call("GET", f"{RELEASE}/approvals").json()["value"][0]["id"]
    assert call("PATCH", f"{RELEASE}/approvals/{approval}", json={"status": 4}).json()["status"] == "rejected"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Sat, 28 Nov 2026 01:02:03 GMT", "2026-11-28T01:02:03+00:00"),
        ("1/1/2021 12:00:00 AM", "2021-01-01T00:00:00+00:00"),
        ("6/14/2018 1:05:09 pm", "2018-06-14T13:05:09+00:00"),
        ("06/14/2018 13:05", "2018-06-14T13:05:00+00:00"),
        ("6/14/2018", "2018-06-14T00:00:00+00:00"),
        ("2026-11-28T01:02:03.1234567Z", "2026-11-28T01:02:03.123456+00:00"),
        ("2026-11-28", "2026-11-28T00:00:00+00:00"),
        ("2026-11-28T02:00:00+02:00", "2026-11-28T02:00:00+02:00"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_in_each_form(text: str, iso: str) -> None:
    read = moment(text)
    assert read is not None
    assert read.isoformat() == iso


@pytest.mark.parametrize(
    "text", ["", "yesterday", "14/6/2018", "1/1/2021 13:00:00 PM", "Sat, 31 Feb 2026 01:02:03 GMT", "Sat, nonsense"]
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert moment(text) is None


NOON = ["2026-11-25T12:00:00Z", "Wed, 25 Nov 2026 12:00:00 GMT", "11/25/2026 12:00:00 PM", "2026-11-25T13:00:00+01:00"]


@pytest.mark.parametrize("noon", NOON)
@pytest.mark.parametrize(
    ("path", "since", "until"),
    [
        (f"{BUILD}/builds?queryOrder=queueTimeAscending", "minTime", "maxTime"),
        (f"{GIT}/commits", "searchCriteria.fromDate", "searchCriteria.toDate"),
        (f"{GIT}/commits", "fromDate", "toDate"),
        (f"{BUILD}/definitions", "builtAfter", "notBuiltAfter"),
        (f"{RELEASE}/releases", "minCreatedTime", "maxCreatedTime"),
    ],
)
def test_times_of_a_query_are_read_in_each_form(call: Caller, path: str, since: str, until: str, noon: str) -> None:
    everything = call("GET", path).json()["count"]
    assert call("GET", path, params={since: noon}).json()["count"] == 0
    assert call("GET", path, params={until: noon}).json()["count"] == everything > 0


@pytest.mark.parametrize(("path", "name"), [(f"{BUILD}/builds", "minTime"), (f"{GIT}/commits", "fromDate")])
def test_what_is_no_time_is_400(call: Caller, path: str, name: str) -> None:
    assert call("GET", path, params={name: "yesterday"}).status_code == 400
