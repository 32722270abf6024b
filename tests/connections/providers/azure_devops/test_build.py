"""Pipelines and builds over a socket: lists, states in every spelling, running and cancelling."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.providers.azure_devops import build, errors
from connections.providers.azure_devops.build import Build, Definition, Result, Status
from connections.providers.azure_devops.paging import Listed
from connections.providers.azure_devops.transport import Transport
from connections.providers.organization import Identity
from tests.connections.providers.azure_devops.conftest import Asking, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import answer, json_answer, listing

P = "Web Shop"
HERE = "/acme/Web%20Shop/_apis/build"
NEXT = "x-ms-continuationtoken"
MAYA = {"id": "u-1", "displayName": "Maya Sample", "uniqueName": "maya@example.com"}
BUILD: dict[str, Any] = {
    "id": 637,
    "buildNumber": "20260401.3",
    "status": "completed",
    "result": "succeeded",
    "reason": "manual",
    "definition": {"id": 178, "name": "shop-ci"},
    "sourceBranch": "refs/heads/main",
    "sourceVersion": "a" * 40,
    "repository": {"id": "r-1", "type": "TfsGit"},
    "queueTime": "2026-04-01T10:46:36.7230431Z",
    "startTime": "2026-04-01T10:46:40Z",
    "finishTime": "2026-04-01T10:50:00.5Z",
    "requestedFor": MAYA,
    "validationResults": [],
    "_links": {"web": {"href": "https://dev.azure.com/acme/x/_build/results?buildId=637"}},
}
DEFINITION: dict[str, Any] = {
    "id": 178,
    "name": "shop-ci",
    "path": "\\Shop",
    "queueStatus": "paused",
    "repository": {"id": "r-1", "defaultBranch": "refs/heads/main"},
    "_links": {"web": {"href": "https://dev.azure.com/acme/x/_build/definition?definitionId=178"}},
}


def at(hour: int, minute: int, second: int, micro: int = 0) -> datetime:
    return datetime(2026, 4, 1, hour, minute, second, micro, tzinfo=UTC)


WHOLE = Build(
    id=637,
    number="20260401.3",
    status=Status.COMPLETED,
    definition_id=178,
    definition_name="shop-ci",
    result=Result.SUCCEEDED,
    reason="manual",
    branch="refs/heads/main",
    commit="a" * 40,
    queued_at=at(10, 46, 36, 723043),
    started_at=at(10, 46, 40),
    finished_at=at(10, 50, 0, 500000),
    requested_for=Identity("u-1", "Maya Sample", "maya@example.com"),
    web_url="https://dev.azure.com/acme/x/_build/results?buildId=637",
)


def test_a_build_is_read_whole(asking: Asking) -> None:
    server, transport = asking(json_answer(BUILD))
    assert build.build(transport, P, 637) == WHOLE
    assert server.seen[0].path == f"{HERE}/builds/637"


def test_a_build_that_was_just_queued_has_no_times_and_no_result(asking: Asking) -> None:
    _, transport = asking(json_answer({"id": 7, "status": "notStarted", "definition": {"id": 1, "name": "ci"}}))
    found = build.build(transport, P, 7)
    assert found == Build(7, "7", Status.NOT_STARTED, 1, "ci")
    assert not found.is_over


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("notStarted", Status.NOT_STARTED),
        ("inProgress", Status.IN_PROGRESS),
        ("InProgress", Status.IN_PROGRESS),
        ("cancelling", Status.CANCELLING),
        ("canceling", Status.CANCELLING),
        ("postponed", Status.POSTPONED),
        ("completed", Status.COMPLETED),
        ("none", Status.NONE),
        ("somethingNew", Status.UNKNOWN),
        ("", Status.UNKNOWN),
        (None, Status.UNKNOWN),
        (3, Status.UNKNOWN),
    ],
)
def test_every_status_is_known_or_unknown(asking: Asking, status: object, meaning: Status) -> None:
    _, transport = asking(json_answer(BUILD | {"status": status}))
    assert build.build(transport, P, 637).status is meaning


@pytest.mark.parametrize(
    ("result", "meaning"),
    [
        ("succeeded", Result.SUCCEEDED),
        ("partiallySucceeded", Result.PARTIALLY_SUCCEEDED),
        ("failed", Result.FAILED),
        ("canceled", Result.CANCELED),
        ("cancelled", Result.CANCELED),
        ("none", Result.NONE),
        ("somethingNew", Result.UNKNOWN),
        (None, Result.UNKNOWN),
    ],
)
def test_every_result_is_known_or_unknown(asking: Asking, result: object, meaning: Result) -> None:
    _, transport = asking(json_answer(BUILD | {"result": result}))
    assert build.build(transport, P, 637).result is meaning


@pytest.mark.parametrize("status", ["notStarted", "inProgress", "cancelling", "postponed"])
def test_a_result_before_the_end_is_none(asking: Asking, status: str) -> None:
    _, transport = asking(json_answer(BUILD | {"status": status, "result": "failed"}))
    found = build.build(transport, P, 637)
    assert found.result is None
    assert not found.is_over


@pytest.mark.parametrize("broken", [{}, {"id": "7"}, {"id": None}, {"id": True}])
def test_a_build_without_a_number_is_no_build(asking: Asking, broken: dict[str, object]) -> None:
    _, transport = asking(json_answer(listing(broken)))
    with pytest.raises(errors.UnexpectedAnswer):
        build.builds_page(transport, P)


def test_builds_are_asked_for_by_what_is_wanted(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(BUILD), (NEXT, "2026-04-01T10:00:00Z")))
    found = build.builds_page(
        transport,
        P,
        definitions=[1, 178],
        branch="refs/heads/topic/ü",
        status=Status.COMPLETED,
        results=[Result.FAILED, Result.PARTIALLY_SUCCEEDED],
        each=5,
        continuation="2026-05-01T00:00:00Z",
        top=20,
    )
    assert (found.items, found.continuation) == ((WHOLE,), "2026-04-01T10:00:00Z")
    assert server.seen[0].query == (
        "$top=20&queryOrder=queueTimeDescending&definitions=1%2C178&branchName=refs%2Fheads%2Ftopic%2F%C3%BC"
        "&statusFilter=completed&resultFilter=failed%2CpartiallySucceeded&maxBuildsPerDefinition=5"
        "&continuationToken=2026-05-01T00%3A00%3A00Z&api-version=7.1"
    )


def test_builds_without_wishes_are_all_builds(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    assert build.builds_page(transport, P).items == ()
    assert server.seen[0].query == "$top=200&queryOrder=queueTimeDescending&api-version=7.1"


def test_the_last_builds_of_many_pipelines_take_a_few_calls_and_every_page(asking: Asking) -> None:
    pages = (
        json_answer(listing(BUILD | {"id": 5}), (NEXT, "1")),
        json_answer(listing(BUILD | {"id": 9})),
        json_answer(listing(BUILD | {"id": 7})),
    )
    server, transport = asking(*pages)
    found = build.latest_builds(transport, P, range(1, 151), each=1).items
    assert [one.id for one in found] == [9, 7, 5]
    assert len(server.seen) == 3
    assert "definitions=1%2C2%2C" in server.seen[0].query
    assert "definitions=101%2C102%2C" in server.seen[2].query
    assert all("maxBuildsPerDefinition=1&" in seen.query for seen in server.seen)


def test_no_pipelines_have_no_builds(asking: Asking) -> None:
    server, transport = asking(answer(500))
    assert build.latest_builds(transport, P, []) == Listed(())
    assert server.seen == []


def test_pipelines_are_read_page_by_page(asking: Asking) -> None:
    pages = (json_answer(listing(DEFINITION), (NEXT, "abc")), json_answer(listing({"id": 2, "name": "old"})))
    server, transport = asking(*pages)
    found = [one for page in build.definitions(transport, P) for one in page.items]
    assert found == [
        Definition(
            id=178,
            name="shop-ci",
            path="\\Shop",
            queue_status="paused",
            repository_id="r-1",
            default_branch="refs/heads/main",
            web_url="https://dev.azure.com/acme/x/_build/definition?definitionId=178",
        ),
        Definition(id=2, name="old"),
    ]
    assert server.seen[0].query == "$top=500&api-version=7.1"
    assert server.seen[1].query == "$top=500&continuationToken=abc&api-version=7.1"


def test_pipelines_may_bring_their_last_build(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(DEFINITION | {"latestBuild": BUILD})))
    (page,) = build.definitions(transport, P, with_latest=True)
    assert page.items[0].latest == WHOLE
    assert "includeLatestBuilds=true" in server.seen[0].query


def test_pipelines_are_found_by_name(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(DEFINITION)))
    assert build.definitions_page(transport, P, name="shop *").items[0].name == "shop-ci"
    assert "name=shop%20%2A&" in server.seen[0].query


def test_one_pipeline_is_asked_for_by_its_number(asking: Asking) -> None:
    server, transport = asking(json_answer(DEFINITION))
    assert build.definition(transport, P, 178).default_branch == "refs/heads/main"
    assert server.seen[0].path == f"{HERE}/definitions/178"


def test_a_pipeline_is_run_on_a_branch(asking: Asking) -> None:
    server, transport = asking(json_answer(BUILD | {"status": "notStarted", "result": None}))
    assert build.queue(transport, P, 178, branch="refs/heads/main").status is Status.NOT_STARTED
    assert (server.seen[0].method, server.seen[0].path) == ("POST", f"{HERE}/builds")
    assert server.seen[0].json() == {"definition": {"id": 178}, "sourceBranch": "refs/heads/main"}


def test_a_run_may_come_with_warnings(asking: Asking) -> None:
    results = [{"result": "warning", "message": "No agent"}, {"result": "ok", "message": "fine"}, {"result": "error"}]
    _, transport = asking(json_answer(BUILD | {"validationResults": results}))
    assert build.queue(transport, P, 178, branch="refs/heads/main").warnings == ("No agent",)


INVALID = {
    "message": "Could not queue the build because there were validation errors or warnings.",
    "typeKey": "BuildRequestValidationFailedException",
}
RESULTS = [{"result": "error", "message": "No such branch."}, {"result": "warning", "message": "Ask maya@example.com"}]


@pytest.mark.parametrize(
    "where", [{"customProperties": {"ValidationResults": RESULTS}}, {"ValidationResults": RESULTS}]
)
def test_a_pipeline_that_cannot_run_says_why(asking: Asking, where: dict[str, object]) -> None:
    _, transport = asking(json_answer(INVALID | where, ("ActivityId", "5f1c2d3e-0000"), status=400))
    with pytest.raises(errors.BuildNotQueued) as raised:
        build.queue(transport, P, 178, branch="refs/heads/x")
    assert raised.value.problems == ("No such branch.", "Ask …")
    assert raised.value.activity_id == "5f1c2d3e-0000"
    assert str(raised.value) == "build_not_queued"


@pytest.mark.parametrize("odd", [{}, {"customProperties": None}, {"customProperties": {"ValidationResults": "x"}}])
def test_a_pipeline_that_cannot_run_may_say_no_more(asking: Asking, odd: dict[str, object]) -> None:
    _, transport = asking(json_answer(INVALID | odd, status=400))
    with pytest.raises(errors.BuildNotQueued) as raised:
        build.queue(transport, P, 178, branch="refs/heads/x")
    assert raised.value.problems == ()
    assert raised.value.said.startswith("Could not queue")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (json_answer({"message": "TF215106:", "typeKey": "AccessDeniedException"}, status=403), errors.AccessDenied),
        (json_answer({"message": "x", "typeKey": "DefinitionNotFoundException"}, status=404), errors.NotFound),
        (json_answer({"message": "x", "typeKey": "ArgumentException"}, status=400), errors.Rejected),
        (answer(401, b"", ("WWW-Authenticate", "Basic realm=x")), errors.EmptyRefusal),
        (answer(429, b"", ("Retry-After", "9")), errors.Throttled),
    ],
)
def test_a_refused_run_says_why(asking: Asking, said: bytes, kind: type[errors.AzureDevOpsError]) -> None:
    server, transport = asking(said)
    with pytest.raises(errors.AzureDevOpsError) as raised:
        build.queue(transport, P, 178, branch="refs/heads/main")
    assert type(raised.value) is kind
    assert len(server.seen) == 1


Change = Callable[[Transport], object]


def run(transport: Transport) -> object:
    return build.queue(transport, P, 178, branch="refs/heads/main")


def stop(transport: Transport) -> object:
    return build.cancel(transport, P, 637)


@pytest.mark.parametrize("change", [run, stop])
def test_no_change_is_repeated_when_the_connection_breaks_or_the_time_is_over(
    serve: Serve, transport: MakeTransport, change: Change
) -> None:
    broken, silent = serve(lambda _seen, wire: wire.reset()), serve(lambda _seen, wire: wire.hang())
    with pytest.raises(errors.ConnectionFailed):
        change(transport(broken.url))
    with pytest.raises(errors.TimedOut):
        change(transport(silent.url, deadline=0.25))
    assert (len(broken.seen), len(silent.seen)) == (1, 1)


def test_a_build_is_asked_to_stop(asking: Asking) -> None:
    server, transport = asking(json_answer(BUILD | {"status": "cancelling"}))
    assert build.cancel(transport, P, 637).status is Status.CANCELLING
    assert (server.seen[0].method, server.seen[0].path) == ("PATCH", f"{HERE}/builds/637")
    assert server.seen[0].json() == {"status": "cancelling"}
