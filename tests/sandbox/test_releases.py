"""Classic releases: they move through their environments by the clock, and wait for those who must approve."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.sample_code import MAYA, NOOR
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

R = "/acme/Storefront/_apis/release"
DEPLOY, CANARY, MAC = 1, 2, 3


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", path, params=params).json()["value"]
    return found


def make(call: Caller, definition: int = DEPLOY, **more: Any) -> str:
    """The address of a release that was just made."""
    answer = call("POST", f"{R}/releases", json={"definitionId": definition, **more})
    assert answer.status_code == 200, answer.text
    return f"{R}/releases/{answer.json()['id']}"


def stages(call: Caller, release: str) -> dict[str, str]:
    return {one["name"]: one["status"] for one in call("GET", release).json()["environments"]}


def stage(call: Caller, release: str, name: str) -> str:
    found = next(one for one in call("GET", release).json()["environments"] if one["name"] == name)
    return f"{release}/environments/{found['id']}"


def pending(call: Caller, release: str) -> str:
    """The address of the one approval that a release waits for."""
    number = release.rsplit("/", 1)[1]
    (found,) = values(call, f"{R}/approvals", releaseIdsFilter=number)
    return f"{R}/approvals/{found['id']}"


def decide(call: Caller, approval: str, status: str, comments: str = "", *, token: str = "full") -> Any:
    return call("PATCH", approval, json={"status": status, "comments": comments}, token=token)


def test_a_release_goes_through_its_environments_and_waits_for_approval(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    assert stages(call, release) == {"Test": "queued", "Staging": "notStarted", "Production": "notStarted"}
    sandbox.state.advance(5)
    assert stages(call, release)["Test"] == "inProgress"
    sandbox.state.advance(15)
    assert stages(call, release)["Test"] == "succeeded"
    assert stages(call, release)["Staging"] == "inProgress"
    sandbox.state.advance(3600)
    assert stages(call, release) == {"Test": "succeeded", "Staging": "succeeded", "Production": "inProgress"}
    decide(call, pending(call, release), "approved", "Looks good")
    assert stages(call, release)["Production"] == "queued"
    sandbox.state.advance(20)
    assert stages(call, release)["Production"] == "succeeded"


def test_what_was_approved_says_by_whom_and_why(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(60)
    body = decide(call, pending(call, release), "approved", "Looks good").json()
    assert (body["status"], body["comments"], body["approvedBy"]["uniqueName"]) == (
        "approved",
        "Looks good",
        "maya@example.com",
    )
    production = call("GET", stage(call, release, "Production")).json()
    assert [one["status"] for one in production["preDeployApprovals"]] == ["approved"]


def test_a_rejected_environment_is_not_deployed(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(60)
    decide(call, pending(call, release), "rejected", "Not today")
    sandbox.state.advance(3600)
    assert stages(call, release)["Production"] == "rejected"
    newest = values(call, f"{R}/deployments")[0]
    assert (newest["deploymentStatus"], newest["operationStatus"]) == ("notDeployed", "Rejected")


def test_an_approval_is_given_once(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(60)
    approval = pending(call, release)
    decide(call, approval, "approved")
    assert decide(call, approval, "rejected").status_code == 400


def _ask_two(sandbox: Sandbox) -> None:
    """Let Maya and Noor be asked before the first environment."""
    definition = sandbox.state.organizations["acme"].projects[0].release_definitions[0]
    definition.environments = (replace(definition.environments[0], approvers=(MAYA, NOOR)),)


def test_each_of_several_approvers_is_asked(call: Caller, sandbox: Sandbox) -> None:
    _ask_two(sandbox)
    release = make(call)
    number = release.rsplit("/", 1)[1]
    noors, mayas = values(call, f"{R}/approvals", releaseIdsFilter=number)
    decide(call, f"{R}/approvals/{mayas['id']}", "approved")
    assert stages(call, release)["Test"] == "inProgress"
    decide(call, f"{R}/approvals/{noors['id']}", "approved", token="full-colleague")
    assert stages(call, release)["Test"] == "queued"


def test_nobody_decides_for_somebody_else(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(60)
    answer = decide(call, pending(call, release), "approved", token="full-colleague")
    assert answer.status_code == 403
    assert "Noor Sample is not an approver" in answer.json()["message"]
    assert values(call, f"{R}/approvals", releaseIdsFilter=release.rsplit("/", 1)[1])[0]["status"] == "pending"


def test_one_rejection_ends_it_for_all_approvers(call: Caller, sandbox: Sandbox) -> None:
    _ask_two(sandbox)
    release = make(call)
    number = release.rsplit("/", 1)[1]
    mayas = values(call, f"{R}/approvals", releaseIdsFilter=number)[1]
    decide(call, f"{R}/approvals/{mayas['id']}", "rejected")
    states = {
        one["status"] for one in values(call, f"{R}/approvals", releaseIdsFilter=number, statusFilter="undefined")
    }
    assert states == {"rejected", "skipped"}


def test_an_environment_is_deployed_by_hand_and_again(call: Caller, sandbox: Sandbox) -> None:
    release = make(call, CANARY)
    assert stages(call, release) == {"Canary": "notStarted", "Everywhere": "notStarted"}
    canary = stage(call, release, "Canary")
    assert call("PATCH", canary, json={"status": "inProgress", "comment": "Try"}).json()["status"] == "queued"
    sandbox.state.advance(60)
    assert stages(call, release) == {"Canary": "rejected", "Everywhere": "notStarted"}
    call("PATCH", canary, json={"status": "inProgress"})
    assert [one["attempt"] for one in call("GET", canary).json()["deploySteps"]] == [1, 2]
    number = release.rsplit("/", 1)[1]
    latest = [
        one
        for one in values(call, f"{R}/deployments", latestAttemptsOnly="true")
        if str(one["release"]["id"]) == number
    ]
    assert [one["attempt"] for one in latest] == [2]


def test_a_failed_deployment_is_called_rejected_here_and_failed_there(call: Caller) -> None:
    failed = values(call, f"{R}/deployments", deploymentStatus="failed")[0]
    assert failed["operationStatus"] == "PhaseFailed"
    release = call("GET", f"{R}/releases/{failed['release']['id']}").json()
    assert release["environments"][0]["status"] == "rejected"


def test_a_running_deployment_is_canceled(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(5)
    assert call("PATCH", stage(call, release, "Test"), json={"status": "canceled"}).json()["status"] == "canceled"
    sandbox.state.advance(3600)
    assert stages(call, release) == {"Test": "canceled", "Staging": "notStarted", "Production": "notStarted"}


def test_canceling_a_deployment_withdraws_its_approval(call: Caller, sandbox: Sandbox) -> None:
    release = make(call)
    sandbox.state.advance(60)
    approval = pending(call, release).rsplit("/", 1)[1]
    call("PATCH", stage(call, release, "Production"), json={"status": "canceled"})
    found = next(one for one in values(call, f"{R}/approvals", statusFilter="canceled") if str(one["id"]) == approval)
    assert found["status"] == "canceled"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("inProgress", "VS402964: Transitioning of stage from state 'Queued' to state 'InProgress' is not allowed."),
        ("sideways", "is not valid"),
    ],
)
def test_a_stage_cannot_go_from_everywhere_to_everywhere(call: Caller, status: str, words: str) -> None:
    answer = call("PATCH", stage(call, make(call), "Test"), json={"status": status})
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_what_does_not_run_cannot_be_canceled(call: Caller) -> None:
    answer = call("PATCH", stage(call, make(call), "Production"), json={"status": "canceled"})
    assert answer.json()["message"].startswith("VS402964")


def test_a_draft_begins_when_it_is_started(call: Caller, sandbox: Sandbox) -> None:
    release = make(call, isDraft=True)
    sandbox.state.advance(60)
    assert call("GET", release).json()["status"] == "draft"
    assert set(stages(call, release).values()) == {"notStarted"}
    call("PATCH", release, json={"status": "active"})
    assert stages(call, release)["Test"] != "notStarted"


def test_environments_can_be_left_to_be_deployed_by_hand(call: Caller, sandbox: Sandbox) -> None:
    release = make(call, manualEnvironments=["Staging"])
    sandbox.state.advance(3600)
    assert stages(call, release) == {"Test": "succeeded", "Staging": "notStarted", "Production": "notStarted"}


def test_a_release_takes_the_build_that_was_chosen_or_the_newest_good_one(call: Caller) -> None:
    chosen = {"alias": "_drop", "instanceReference": {"id": "1", "name": "20261025.1"}}
    for artifacts, build in (([chosen], "1"), ([], "28")):
        artifact = call("GET", make(call, artifacts=artifacts)).json()["artifacts"][0]
        assert artifact["alias"] == "_drop"
        assert artifact["definitionReference"]["version"]["id"] == build


@pytest.mark.parametrize(
    ("definition", "artifacts"),
    [(MAC, []), (DEPLOY, [{"alias": "_drop", "instanceReference": {"id": "77"}}])],
)
def test_without_a_version_there_is_no_release(call: Caller, definition: int, artifacts: list[object]) -> None:
    answer = call("POST", f"{R}/releases", json={"definitionId": definition, "artifacts": artifacts})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "ArtifactVersionUnavailableException")


@pytest.mark.parametrize(
    ("body", "status", "type_key"),
    [({}, 400, "ArgumentNullException"), ({"definitionId": 77}, 404, "ReleaseDefinitionNotFoundException")],
)
def test_what_cannot_be_released_says_why(call: Caller, body: object, status: int, type_key: str) -> None:
    answer = call("POST", f"{R}/releases", json=body)
    assert (answer.status_code, answer.json()["typeKey"]) == (status, type_key)


def test_a_release_is_abandoned_unless_it_is_just_being_deployed(call: Caller, sandbox: Sandbox) -> None:
    release = make(call, CANARY)
    call("PATCH", stage(call, release, "Canary"), json={"status": "inProgress"})
    assert call("PATCH", release, json={"status": "abandoned"}).status_code == 400
    sandbox.state.advance(60)
    assert call("PATCH", release, json={"status": "abandoned"}).json()["status"] == "abandoned"
    assert call("PATCH", stage(call, release, "Canary"), json={"status": "inProgress"}).status_code == 400
    assert call("PATCH", release, json={"status": "sideways"}).status_code == 400


def test_releases_come_newest_first_and_in_pages(call: Caller) -> None:
    for _ in range(4):
        make(call, CANARY)
    whole = [one["id"] for one in values(call, f"{R}/releases")]
    assert whole == sorted(whole, reverse=True)
    found: list[int] = []
    token: str | None = ""
    while token is not None:
        params = {"$top": "3", **({"continuationToken": token} if token else {})}
        page = call("GET", f"{R}/releases", params=params)
        found += [one["id"] for one in page.json()["value"]]
        token = page.headers.get("x-ms-continuationtoken")
    assert found == whole
    assert [one["id"] for one in values(call, f"{R}/releases", queryOrder="ascending")] == whole[::-1]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"definitionId": "1"}, 2),
        ({"searchText": "release-2"}, 1),
        ({"statusFilter": "abandoned"}, 0),
        ({"minCreatedTime": "2026-11-04T00:00:00Z"}, 2),
        ({"maxCreatedTime": "2026-11-04T00:00:00Z"}, 1),
    ],
)
def test_releases_are_filtered(call: Caller, params: dict[str, str], count: int) -> None:
    assert len(values(call, f"{R}/releases", **params)) == count


def test_a_list_brings_environments_and_artifacts_only_when_asked(call: Caller) -> None:
    assert not {"environments", "artifacts"} & set(values(call, f"{R}/releases")[0])
    expanded = values(call, f"{R}/releases", **{"$expand": "environments, artifacts"})[0]
    assert expanded["environments"]
    assert expanded["artifacts"]


def test_definitions_say_who_approves_and_what_comes_after_what(call: Caller) -> None:
    assert [one["name"] for one in values(call, f"{R}/definitions", searchText="deploy")] == ["Deploy Storefront"]
    assert values(call, f"{R}/definitions", searchText="deploy", isExactNameMatch="true") == []
    body = call("GET", f"{R}/definitions/{DEPLOY}").json()
    test, _, production = body["environments"]
    assert test["conditions"][0]["name"] == "ReleaseStarted"
    assert production["conditions"][0]["name"] == "Staging"
    approver = production["preDeployApprovals"]["approvals"][0]
    assert (approver["isAutomated"], approver["approver"]["uniqueName"]) == (False, "maya@example.com")
    assert test["preDeployApprovals"]["approvals"][0]["isAutomated"] is True
    assert body["artifacts"][0]["definitionReference"]["definition"]["id"] == "1"


def test_approvals_are_filtered_and_come_in_pages(call: Caller, sandbox: Sandbox) -> None:
    make(call)
    sandbox.state.advance(60)
    assert len(values(call, f"{R}/approvals", assignedToFilter="maya@example.com")) == 2
    assert values(call, f"{R}/approvals", assignedToFilter="noor@example.com") == []
    first = call("GET", f"{R}/approvals", params={"top": "1"})
    params = {"top": "1", "continuationToken": first.headers["x-ms-continuationtoken"]}
    second = call("GET", f"{R}/approvals", params=params)
    assert first.json()["value"] != second.json()["value"]


def test_deployments_are_filtered(call: Caller) -> None:
    production = values(call, f"{R}/deployments", definitionEnvironmentId="3")
    assert {one["releaseEnvironment"]["name"] for one in production} == {"Production"}
    waiting = values(call, f"{R}/deployments", operationStatus="pending")
    assert [one["deploymentStatus"] for one in waiting] == ["notDeployed"]
    assert values(call, f"{R}/deployments", definitionId="77") == []


def test_a_deployment_has_a_log(call: Caller) -> None:
    release = call("GET", f"{R}/releases", params={"$expand": "environments"}).json()["value"][0]
    step = release["environments"][0]["deploySteps"][0]
    task = step["releaseDeployPhases"][0]["deploymentJobs"][0]["tasks"][2]
    path = task["logUrl"].removeprefix(call.sandbox.url)
    assert "Starting: Deploy" in call("GET", path).text
    assert call("GET", path.replace("/tasks/3/", "/tasks/9/")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "right"),
    [
        ("releases", {"definitionId": 1}, "create releases"),
        ("releases/{release}", {"status": "abandoned"}, "manage releases"),
        ("releases/{release}/environments/{stage}", {"status": "inProgress"}, "manage deployments"),
        ("approvals/{approval}", {"status": "approved"}, "manage release approvers"),
    ],
)
def test_each_change_names_the_right_that_the_person_lacks(call: Caller, path: str, body: object, right: str) -> None:
    approval = values(call, f"{R}/approvals")[0]
    filled = path.format(
        release=approval["release"]["id"], stage=approval["releaseEnvironment"]["id"], approval=approval["id"]
    )
    answer = call("PATCH" if "/" in path else "POST", f"{R}/{filled}", token="no-rights", json=body)
    assert answer.status_code == 403
    assert answer.json()["message"].startswith(f"VS402904: Access denied: User Gale Sample does not have {right}")


@pytest.mark.parametrize(
    ("path", "type_key"),
    [
        ("approvals/2147483647", "ReleaseManagementObjectNotFoundException"),
        ("releases/2147483647", "ReleaseNotFoundException"),
        ("releases/{release}/environments/2147483647", "ReleaseManagementObjectNotFoundException"),
    ],
)
def test_what_is_not_there_cannot_be_changed(call: Caller, path: str, type_key: str) -> None:
    release = values(call, f"{R}/releases")[0]["id"]
    answer = call("PATCH", f"{R}/{path.format(release=release)}", json={"status": "approved"})
    assert (answer.status_code, answer.json()["typeKey"]) == (404, type_key)


def test_where_classic_releases_are_switched_off_lists_are_empty_and_none_can_be_made(call: Caller) -> None:
    there = "/modern/Main/_apis/release"
    assert values(call, f"{there}/definitions") == values(call, f"{there}/releases") == []
    answer = call("POST", f"{there}/releases", json={"definitionId": 1})
    assert answer.status_code == 403
    assert "classic release pipelines is disabled" in answer.json()["message"]
