"""Lists of builds and definitions: what their parameters find, and in which order."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

B = "/acme/Storefront/_apis/build"


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = call("GET", f"{B}/{path}", params=params).json()["value"]
    return listed


def ids(call: Caller, path: str, /, **params: str) -> list[int]:
    return [item["id"] for item in values(call, path, **params)]


def repository_id(sandbox: Sandbox, number: int = 0) -> str:
    return sandbox.state.organizations["acme"].projects[0].repositories[number].id


def test_builds_are_found_by_their_tags_which_they_all_must_have(call: Caller) -> None:
    assert sorted(ids(call, "builds", tagFilters="release")) == [1, 2]
    assert ids(call, "builds", tagFilters="V1.0,release") == [1]
    assert ids(call, "builds", tagFilters="v1.0,other") == []


def test_builds_are_found_by_the_queue_they_ran_in(call: Caller) -> None:
    waiting = values(call, "builds", queues="8")
    assert [build["definition"]["name"] for build in waiting] == ["Storefront Mac build"]
    assert waiting[0]["queue"]["name"] == "Own machines"
    assert len(ids(call, "builds", queues="7,8")) == len(ids(call, "builds"))
    assert ids(call, "builds", queues="99") == []


def test_builds_are_found_by_their_repository(call: Caller, sandbox: Sandbox) -> None:
    own = ids(call, "builds", repositoryId=repository_id(sandbox), repositoryType="TfsGit")
    assert own == ids(call, "builds")
    assert ids(call, "builds", repositoryId=repository_id(sandbox, 1), repositoryType="tfsgit") == []
    assert ids(call, "builds", repositoryId="acme/storefront", repositoryType="GitHub") == []


@pytest.mark.parametrize("params", [{"repositoryId": "x"}, {"repositoryType": "TfsGit"}])
def test_half_of_a_repository_is_400(call: Caller, params: dict[str, str]) -> None:
    assert call("GET", f"{B}/builds", params=params).status_code == 400


@pytest.mark.parametrize("path", ["builds", "definitions"])
def test_the_name_of_a_repository_is_not_its_id(call: Caller, path: str) -> None:
    params = {"repositoryId": "Storefront", "repositoryType": "TfsGit"}
    answer = call("GET", f"{B}/{path}", params=params)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Repository ID for a tfsgit repository should be a GUID."


def test_a_deleted_build_is_listed_only_when_asked_for(call: Caller) -> None:
    before = ids(call, "builds")
    answer = call("DELETE", f"{B}/builds/7")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ids(call, "builds") == [id_ for id_ in before if id_ != 7]
    assert ids(call, "builds", deletedFilter="includeDeleted") == before
    (deleted,) = values(call, "builds", deletedFilter="OnlyDeleted")
    assert (deleted["id"], deleted["deleted"]) == (7, True)
    assert deleted["deletedBy"]["uniqueName"] == "maya@example.com"


def test_a_deleted_build_is_no_latest_build(call: Caller) -> None:
    newest = call("GET", f"{B}/latest/1", version="7.1-preview").json()["id"]
    call("DELETE", f"{B}/builds/{newest}")
    assert call("GET", f"{B}/latest/1", version="7.1-preview").json()["id"] < newest


def test_who_may_not_delete_builds_is_told_so(call: Caller) -> None:
    answer = call("DELETE", f"{B}/builds/7", token="no-rights")
    assert answer.status_code == 403
    assert "needs Delete builds permissions" in answer.json()["message"]
    assert call("DELETE", f"{B}/builds/7", token="read-only").content == b""
    assert 7 in ids(call, "builds")


@pytest.mark.parametrize("time", ["queueTime", "startTime", "finishTime"])
def test_which_time_is_limited_depends_on_the_order(call: Caller, time: str) -> None:
    order = f"{time}Ascending"
    builds = values(call, "builds", queryOrder=order)
    pivot = next(build[time] for build in builds[10:])
    later = ids(call, "builds", queryOrder=order, minTime=pivot)
    earlier = ids(call, "builds", queryOrder=order, maxTime=pivot)
    assert later == [build["id"] for build in builds if build.get(time, "later") >= pivot]
    assert earlier == [build["id"] for build in builds if build.get(time, "later") <= pivot]


@pytest.mark.parametrize("order", ["definitionName", "lastModified"])
def test_definitions_come_in_the_asked_order_and_in_pages(call: Caller, sandbox: Sandbox, order: str) -> None:
    project = sandbox.state.organizations["acme"].projects[0]
    project.definitions[3].name = "A comma, first % and last"
    for direction in ("Ascending", "Descending"):
        params = {"queryOrder": order + direction}
        whole = values(call, "definitions", **params)
        key = "name" if order == "definitionName" else "createdDate"
        keys = [definition[key].casefold() for definition in whole]
        assert keys == sorted(keys, reverse=direction == "Descending")
        paged: list[int] = []
        token: str | None = ""
        while token is not None:
            page = call("GET", f"{B}/definitions", params={**params, "$top": "2", "continuationToken": token})
            paged += [definition["id"] for definition in page.json()["value"]]
            token = page.headers.get("x-ms-continuationtoken")
        assert paged == [definition["id"] for definition in whole]


def test_an_order_of_definitions_that_there_is_not_is_400(call: Caller) -> None:
    assert call("GET", f"{B}/definitions", params={"queryOrder": "byColour"}).status_code == 400


def test_definitions_are_found_by_when_they_were_last_built(call: Caller) -> None:
    # The newest builds: CI at 05:00, Nightly at 02:00, Integration at 03:00, Device tests at 06:00, Mac build at 07:00.
    assert ids(call, "definitions", builtAfter="2026-11-02T04:00:00Z") == [1, 4, 5]
    assert ids(call, "definitions", notBuiltAfter="2026-11-02T04:00:00Z") == [2, 3, 6]


def test_definitions_can_be_listed_whole(call: Caller) -> None:
    (listed,) = values(call, "definitions", definitionIds="2", includeAllProperties="true")
    assert listed == call("GET", f"{B}/definitions/2").json()


def test_definitions_are_found_by_process_and_file(call: Caller) -> None:
    assert len(ids(call, "definitions", processType="2", yamlFilename="/Azure-Pipelines.yml")) == 6
    assert ids(call, "definitions", processType="1") == []
    assert ids(call, "definitions", yamlFilename="build.yml") == []


def test_a_build_is_queued_by_the_query_alone_but_the_body_goes_first(call: Caller) -> None:
    assert call("POST", f"{B}/builds", params={"definitionId": "2"}).json()["definition"]["id"] == 2
    body = {"definition": {"id": 3}}
    assert call("POST", f"{B}/builds", params={"definitionId": "2"}, json=body).json()["definition"]["id"] == 3
    assert call("POST", f"{B}/builds", params={"definitionId": "77"}).status_code == 404


def test_a_timeline_of_another_plan_is_not_found(call: Caller) -> None:
    plan = call("GET", f"{B}/builds/1").json()["orchestrationPlan"]["planId"]
    assert call("GET", f"{B}/builds/1/timeline", params={"planId": plan}).status_code == 200
    answer = call("GET", f"{B}/builds/1/timeline", params={"planId": "00000000-0000-4000-8000-000000000000"})
    assert answer.json()["typeKey"] == "TimelineNotFoundException"
