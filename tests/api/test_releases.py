"""Release pipelines and releases by API, against the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User

from api import waiting
from connections.models import CapabilityState, Connection
from delivery.models import Pipeline, ReleasePipeline
from history.models import Event
from sandbox.server import Sandbox
from tests.api.calls import SITE, Program, pages_of, problem
from tests.api.conftest import EVERYTHING
from tests.delivery.aging import age_what_was_read

# Newest first: what waits for an approval of Production, and what went through.
WAITING, THROUGH = "Release-2", "Release-1"


@pytest.fixture
def deploy(ci: Pipeline) -> ReleasePipeline:
    """The release pipeline with the stages Test, Staging and Production."""
    return ReleasePipeline.objects.select_related("project__connection").get(name="Deploy Tailspin")


def releases(row: ReleasePipeline, release_id: int | None = None) -> str:
    path = f"/release-pipelines/{row.pk}/releases"
    return path if release_id is None else f"{path}/{release_id}"


def named(program: Program, row: ReleasePipeline, name: str) -> dict[str, Any]:
    found = (release for page in pages_of(program, releases(row)) for release in page["releases"])
    release_id = next(release["id"] for release in found if release["name"] == name)
    shown: dict[str, Any] = program.get(releases(row, release_id))
    return shown


def stage(release: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(stage for stage in release["stages"] if stage["name"] == name)
    return found


def path_of(row: ReleasePipeline, release: dict[str, Any], name: str, act: str) -> str:
    """The address of a change: `approve` and `reject` are about the stage's newest approval."""
    found = stage(release, name)
    if act in ("deploy", "cancel"):
        return f"{releases(row, release['id'])}/stages/{found['id']}/{act}"
    return f"{releases(row, release['id'])}/approvals/{found['approvals'][-1]['id']}/{act}"


def writes(sandbox: Sandbox) -> int:
    return sum(request.method in ("POST", "PATCH") for request in sandbox.requests)


@contextmanager
def time_passes(sandbox: Sandbox, seconds: float) -> Iterator[None]:
    """While a request waits, time passes in Azure DevOps, and the worker is late."""

    def pause(_seconds: float) -> bool:
        sandbox.state.advance(seconds)
        age_what_was_read()
        return False

    with patch.object(waiting, "pause", pause):
        yield


def settled_at(sandbox: Sandbox) -> Any:
    """The product's clock follows the sandbox's, which has moved on."""

    def now() -> datetime:
        return sandbox.state.now()

    return patch("api.v1.releases.timezone.now", now)


def test_release_pipelines_come_by_name_with_their_newest_release(program: Program, deploy: ReleasePipeline) -> None:
    pages = list(pages_of(program, "/release-pipelines?limit=1"))
    names = [row["name"] for page in pages for row in page["release_pipelines"]]
    assert names == sorted(names, key=str.lower)
    assert "Deploy Tailspin" in names
    (shown,) = program.get("/release-pipelines?q=deploy tailspin")["release_pipelines"]
    assert shown == program.get(f"/release-pipelines/{deploy.pk}")
    assert (shown["state"], shown["newest_release"]["name"], shown["pending_approvals"]) == ("waiting", WAITING, 1)
    assert [row["name"] for row in shown["newest_release"]["stages"]] == ["Test", "Staging", "Production"]


def test_filters_are_those_of_the_page(program: Program, deploy: ReleasePipeline) -> None:
    def names(query: str) -> list[str]:
        return [row["name"] for row in program.get(f"/release-pipelines?{query}")["release_pipelines"]]

    assert "Deploy Tailspin" in names("state=waiting")
    assert "Deploy Tailspin" in names(f"project={deploy.project_id}&connection={deploy.project.connection_id}")
    assert "Deploy Tailspin" not in names("state=none")
    assert names("project=999999") == []
    assert program.call("GET", "/release-pipelines?state=x").status_code == 422


def test_releases_come_newest_first_in_pages(
    program: Program, deploy: ReleasePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.live.items.RELEASES_PER_PAGE", 1)
    pages = list(pages_of(program, releases(deploy)))
    assert [release["name"] for page in pages for release in page["releases"]] == [WAITING, THROUGH]


def test_a_release_shows_its_stages_and_approvals(program: Program, deploy: ReleasePipeline) -> None:
    shown = named(program, deploy, WAITING)
    assert (shown["state"], shown["is_settled"]) == ("waiting", True)
    assert [(row["name"], row["state"]) for row in shown["stages"]][-1] == ("Production", "waiting")
    (approval,) = stage(shown, "Production")["approvals"]
    assert (approval["status"], approval["is_of_another"]) == ("pending", False)
    assert shown["artifacts"][0]["alias"] == "_drop"


def test_a_release_is_created_of_a_chosen_version_and_followed(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    choices = program.get(f"/release-pipelines/{deploy.pk}/choices")
    assert choices["stages"] == ["Test", "Staging", "Production"]
    (artifact,) = choices["artifacts"]
    version = artifact["versions"][0]
    body = {
        "versions": [{"alias": "_drop", "version": version["number"]}],
        "description": "By API",
        "manual_stages": ["Production"],
    }
    response = program.call("POST", releases(deploy), body)
    assert response.status_code == 202, response.content
    made = response.json()
    assert response.headers["Location"] == made["url"] == f"{SITE}{releases(deploy, made['id'])}"
    event = Event.objects.get(kind="create_release.done")
    assert (event.actor_name, event.detail["release_id"]) == ("maya, API token “token 0”", made["id"])
    with time_passes(sandbox, 60), settled_at(sandbox):
        shown = program.get(f"{releases(deploy, made['id'])}?wait=30")
    assert (shown["description"], shown["artifacts"][0]["version"]) == ("By API", version["number"])
    assert (stage(shown, "Test")["state"], shown["is_settled"]) == ("succeeded", True)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"versions": [{"alias": "_drop", "version": "4711"}]}, "artifact_unavailable", "versions"),
        ({"versions": [{"alias": "other", "version": "1"}]}, "artifact_unavailable", "versions"),
        ({"manual_stages": ["Nowhere"]}, "stage_unknown", "manual_stages"),
        ({"description": "x" * 2001}, "comment_too_long", None),
        ({"description": "x" * 5001}, "input_invalid", "description"),
        ({"versions": {}}, "input_invalid", "versions"),
        ({"surplus": 1}, "input_invalid", "surplus"),
    ],
)
def test_a_release_that_cannot_be_is_not_sent(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox, body: Any, code: str, field: str | None
) -> None:
    before, headers = writes(sandbox), {"Idempotency-Key": "once"}
    found = problem(program.call("POST", releases(deploy), body, headers=headers), 422, code)
    assert field is None or found["errors"][0]["field"] == field
    assert writes(sandbox) == before
    # A corrected request can use the key.
    program.post(releases(deploy), {}, headers=headers)


def test_versions_that_cannot_be_listed_are_not_exchanged_for_the_latest(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("status", status=500, path="/build/builds")
    before = writes(sandbox)
    problem(
        program.call("POST", releases(deploy), {"versions": [{"alias": "_drop", "version": "1"}]}), 503, "server_error"
    )
    (artifact,) = program.get(f"/release-pipelines/{deploy.pk}/choices")["artifacts"]
    assert (artifact["versions"], artifact["problem"]["code"]) == ([], "server_error")
    assert writes(sandbox) == before


def test_a_repeated_creation_with_a_key_creates_once(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    headers, before = {"Idempotency-Key": "once"}, writes(sandbox)
    first = program.post(releases(deploy), {}, headers=headers)
    assert program.post(releases(deploy), {}, headers=headers)["id"] == first["id"]
    assert writes(sandbox) == before + 1


@pytest.mark.parametrize(
    ("act", "status", "state"), [("approve", "approved", None), ("reject", "rejected", "rejected")]
)
def test_an_approval_is_decided_with_a_comment(
    program: Program, deploy: ReleasePipeline, act: str, status: str, state: str | None
) -> None:
    release = named(program, deploy, WAITING)
    path = path_of(deploy, release, "Production", act)
    response = program.call("POST", path, {"comment": "Reviewed"})
    assert response.status_code == 202, response.content
    assert response.json()["status"] == status
    assert response.headers["Location"] == f"{SITE}{releases(deploy, release['id'])}"
    event = Event.objects.get(kind=f"{act}_deployment.done")
    assert (event.detail["comment"], event.detail["stage"]) == ("Reviewed", "Production")
    shown = stage(named(program, deploy, WAITING), "Production")
    assert shown["state"] == (state or shown["state"]) != "waiting"
    problem(program.call("POST", path, {}), 409, "approval_decided")


def test_a_stage_is_deployed_and_its_deployment_cancelled(program: Program, deploy: ReleasePipeline) -> None:
    release = named(program, deploy, THROUGH)
    response = program.call("POST", path_of(deploy, release, "Test", "deploy"), {})
    assert response.status_code == 202, response.content
    assert len(response.json()["attempts"]) > len(stage(release, "Test")["attempts"])
    problem(program.call("POST", path_of(deploy, release, "Test", "deploy"), {}), 409, "stage_moved_on")
    cancelled = program.post(path_of(deploy, release, "Test", "cancel"), {"comment": "Not now"})
    assert cancelled["state"] in ("cancelling", "cancelled")
    assert Event.objects.filter(kind="cancel_deployment.done").exists()


@pytest.mark.parametrize("act", ["deploy", "cancel", "approve", "reject"])
def test_changes_are_refused_as_on_the_pages(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox, act: str
) -> None:
    path, before = path_of(deploy, named(program, deploy, WAITING), "Production", act), writes(sandbox)
    problem(program.call("POST", path, {"comment": "x" * 2001}), 422, "comment_too_long")
    problem(program.call("POST", path, {"surplus": 1}), 422, "input_invalid")
    nowhere = "/".join([*path.split("/")[:-2], "4711", act])
    problem(program.call("POST", nowhere, {}), 404, "address_unknown")
    CapabilityState.objects.filter(capability__startswith="release_").update(verdict="missing")
    problem(program.call("POST", path, {}), 422, "scope_missing")
    Connection.objects.update(disabled=True)
    problem(program.call("POST", path, {}), 409, "connection_disabled")
    assert writes(sandbox) == before


def test_an_unknown_outcome_is_kept(program: Program, deploy: ReleasePipeline, sandbox: Sandbox) -> None:
    path = path_of(deploy, named(program, deploy, WAITING), "Production", "approve")
    sandbox.behaviour.add("reset", method="PATCH")
    sandbox.behaviour.add("status", status=500, method="GET", path="/releases/", after=2)
    response = program.call("POST", path, {})
    problem(response, 409, "outcome_unknown")
    assert "Retry-After" not in response.headers
    assert Event.objects.get(kind="approve_deployment.failed").detail["problem"] == "outcome_unknown"


def test_a_release_of_another_pipeline_is_neither_shown_nor_changed(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    other = ReleasePipeline.objects.exclude(pk=deploy.pk).filter(project=deploy.project).first()
    assert other is not None
    release, before = named(program, deploy, WAITING), writes(sandbox)
    problem(program.call("GET", releases(other, release["id"])), 404, "not_found")
    for act in ("deploy", "approve"):
        problem(program.call("POST", path_of(other, release, "Production", act), {}), 404, "address_unknown")
    assert writes(sandbox) == before


def test_classic_releases_that_are_switched_off_are_a_problem(
    program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["fabrikam"].without_classic_releases = True
    problem(program.call("POST", releases(deploy), {}), 422, "releases_disabled")


def test_a_limited_token_reaches_only_the_releases_of_its_connections(
    maintainer: User, program_of: Callable[..., Program], program: Program, deploy: ReleasePipeline, sandbox: Sandbox
) -> None:
    release = named(program, deploy, WAITING)
    outside, before = program_of(maintainer, *EVERYTHING, connections=[]), len(sandbox.requests)
    assert outside.get("/release-pipelines")["release_pipelines"] == []
    for method, path in (
        ("GET", f"/release-pipelines/{deploy.pk}"),
        ("GET", f"/release-pipelines/{deploy.pk}/choices"),
        ("GET", releases(deploy)),
        ("POST", releases(deploy)),
        ("GET", releases(deploy, release["id"])),
        ("POST", path_of(deploy, release, "Production", "approve")),
        ("POST", path_of(deploy, release, "Production", "deploy")),
    ):
        problem(outside.call(method, path, {}), 404, "address_unknown")
    assert len(sandbox.requests) == before
