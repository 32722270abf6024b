"""Every answer of every route against Microsoft's published files; see `published`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from sandbox.repositories import NOTHING
from sandbox.routes import ROUTES
from sandbox.routing import Route
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller
from tests.sandbox.published import NOT_PLAYED, NOT_PUBLISHED, Published, key, route_of

P = "/acme/Storefront/_apis"
G = f"{P}/git/repositories/Storefront"


@pytest.fixture
def everything(sandbox: Sandbox) -> None:
    """A token that opens all there is, so that scopes do not matter here."""
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("app_token",)


@dataclass(frozen=True)
class Example:
    """One call that succeeds, and what it is made with."""

    method: str
    path: str
    more: dict[str, Any] = field(default_factory=dict)
    version: str = "7.1"


def _get(path: str, version: str = "7.1", /, **params: str) -> Example:
    return Example("GET", path, {"params": params}, version)


def _examples(call: Caller, sandbox: Sandbox) -> Iterator[Example]:
    """At least one successful call for each route, with every option that changes the form of the answer."""
    storefront = sandbox.state.organizations["acme"].projects[0]
    repository = storefront.repositories[0]
    head = repository.refs["refs/heads/main"]
    any_git = f"/acme/_apis/git/repositories/{repository.id}"
    yield _get("/acme/_apis/projects", stateFilter="all")
    yield _get("/acme/_apis/projects/Storefront", includeCapabilities="true")
    yield _get("/acme/_apis/git/repositories", includeLinks="true")
    for where in (any_git, G):
        yield _get(where)
        yield _get(f"{where}/refs", includeLinks="true")
        yield _get(f"{where}/commits", **{"$top": "40"})
        yield _get(f"{where}/commits", includeLinks="true", includePushData="true", includeUserImageUrl="true")
        yield _get(f"{where}/items", scopePath="/", recursionLevel="full", includeContentMetadata="true")
        yield _get(f"{where}/items", path="/assets/dot.png", includeContent="true", latestProcessedChange="true")
    yield _get(f"{P}/git/repositories")
    yield _get(f"{G}/commits/{head}", changeCount="10")
    yield _get(f"{G}/commits/{head}/changes")
    yield Example("POST", f"{G}/blobs", {"json": []})
    yield _get(f"{G}/blobs/{call('GET', f'{G}/items', params={'path': '/README.md'}).json()['objectId']}")
    yield _get(f"{G}/trees/{call('GET', f'{G}/commits/{head}').json()['treeId']}", recursive="true")
    yield _get(f"{G}/pushes", includeRefUpdates="true", includeLinks="true")
    yield _get(f"{G}/pushes/3", includeRefUpdates="true", includeCommits="5")
    yield _get(f"{P}/git/repositories/web client/stats/branches")
    yield _get(f"{G}/stats/branches", name="main")
    yield Example("POST", f"{P}/git/repositories", {"json": {"name": "New one"}})
    yield Example("PATCH", f"{P}/git/repositories/New one", {"json": {"name": "Renamed"}})
    yield Example("POST", f"{G}/refs", {"json": [_ref("refs/heads/new", NOTHING, head), _ref("no ref", "", "")]})
    yield Example("POST", f"{G}/pushes", {"json": _push(head)})
    yield from _build_examples(call)
    yield from _pipeline_examples(call)
    yield from _release_examples(call, sandbox)
    yield from _security_examples(storefront.id)
    yield from _token_examples(sandbox)


def _ref(name: str, old: str, new: str) -> dict[str, str]:
    return {"name": name, "oldObjectId": old, "newObjectId": new}


def _push(head: str) -> dict[str, Any]:
    change = {
        "changeType": "add",
        "item": {"path": "/new.txt"},
        "newContent": {"content": "new", "contentType": "rawText"},
    }
    return {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": head}],
        "commits": [{"comment": "Add a file", "changes": [change]}],
    }


def _build_examples(call: Caller) -> Iterator[Example]:
    yield _get(f"{P}/build/definitions", includeLatestBuilds="true", includeAllProperties="true")
    yield _get(f"{P}/build/definitions/1")
    yield _get(f"{P}/build/latest/1", "7.1-preview.1")
    yield _get(f"{P}/build/generalsettings")
    yield _get(f"{P}/build/builds")
    yield Example("POST", f"{P}/build/builds", {"json": {"definition": {"id": 2}}})
    newest = call("GET", f"{P}/build/builds", params={"queryOrder": "queueTimeDescending"}).json()["value"][0]
    one = f"{P}/build/builds/{newest['id']}"
    yield _get(one)
    for seconds in (0, 10, 12, 60):
        call.sandbox.state.advance(seconds)
        yield _get(f"{one}/timeline")
    yield _get(f"{one}/timeline/{call('GET', f'{one}/timeline').json()['id']}")
    yield _get(f"{one}/logs")
    yield _get(f"{one}/logs/2")
    yield _get(f"{one}/workitems")
    yield Example("POST", f"{one}/workitems", {"json": []})
    yield _get(f"{P}/build/builds/1/artifacts")
    yield _get(f"{P}/build/builds/1/artifacts", artifactName="drop")
    yield _get(f"{P}/build/builds/1/changes")
    yield _get(f"{P}/build/changes", fromBuildId="1", toBuildId="2")
    yield Example("PUT", f"{one}/tags/first")
    yield Example("POST", f"{one}/tags", {"json": ["second", "third"]})
    yield Example("PATCH", f"{one}/tags", {"json": {"tagsToAdd": ["fourth"], "tagsToRemove": ["second"]}})
    yield _get(f"{one}/tags")
    yield _get(f"{P}/build/tags")
    yield Example("DELETE", f"{one}/tags/first")
    yield Example("PATCH", one, {"json": {"status": "cancelling"}})
    yield Example("DELETE", one)
    yield _get(f"{P}/build/builds", deletedFilter="includeDeleted")


def _pipeline_examples(call: Caller) -> Iterator[Example]:
    pipelines = f"{P}/pipelines"
    yield _get(pipelines)
    yield _get(f"{pipelines}/1")
    for number in range(1, 6):
        yield _get(f"{pipelines}/{number}/runs")
    yield Example("POST", f"{pipelines}/1/runs", {"json": {}})
    newest = f"{pipelines}/1/runs/{call('GET', f'{pipelines}/1/runs').json()['value'][0]['id']}"
    yield _get(newest)
    call.sandbox.state.advance(60)
    yield _get(newest)
    yield _get(f"{newest}/artifacts", artifactName="drop")
    yield _get(f"{newest}/logs")
    yield _get(f"{newest}/logs/2")


def _token_examples(sandbox: Sandbox) -> Iterator[Example]:
    pats = "/acme/_apis/tokens/pats"
    signed_in = {"token": None, "headers": {"Authorization": f"Bearer {sandbox.entra.persons_token()}"}}
    made = {"displayName": "new", "scope": "vso.code", "validTo": "2026-12-20T00:00:00.319Z", "allOrgs": False}
    yield Example("POST", pats, {"json": made, **signed_in}, "7.1-preview.1")
    own = next(token for token in sandbox.state.tokens.values() if token.name == "new").authorization_id
    yield Example("GET", pats, {"params": {"displayFilterOption": "all", "$top": "5"}, **signed_in}, "7.1-preview.1")
    yield Example("GET", pats, {"params": {"authorizationId": own}, **signed_in}, "7.1-preview.1")
    changed = {"authorizationId": own, "validTo": "2026-12-21"}
    yield Example("PUT", pats, {"json": changed, **signed_in}, "7.1-preview.1")
    yield Example("DELETE", pats, {"params": {"authorizationId": own}, **signed_in}, "7.1-preview.1")


def _security_examples(project: str) -> Iterator[Example]:
    git = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
    yield _get("/acme/_apis/securitynamespaces")
    yield _get(f"/acme/_apis/securitynamespaces/{git}")
    yield _get(f"/acme/_apis/permissions/{git}/1", tokens=f"repoV2/{project},repoV2/x")
    asked = {"securityNamespaceId": git, "token": f"repoV2/{project}", "permissions": 4}
    batch = {"alwaysAllowAdministrators": False, "evaluations": [asked]}
    yield Example("POST", "/acme/_apis/security/permissionevaluationbatch", {"json": batch})


def _release_examples(call: Caller, sandbox: Sandbox) -> Iterator[Example]:
    everything = "environments,artifacts,triggers,variables,tags,lastRelease"
    yield _get(f"{P}/release/definitions", **{"$expand": everything})
    yield _get(f"{P}/release/definitions/1")
    yield _get(f"{P}/release/releases", **{"$expand": "environments,artifacts"})
    yield _get("/acme/_apis/release/releases", **{"$expand": "environments,artifacts,approvals"})
    yield Example("POST", f"{P}/release/releases", {"json": {"definitionId": 1, "description": "Try"}})
    newest = call("GET", f"{P}/release/releases").json()["value"][0]
    one = f"{P}/release/releases/{newest['id']}"
    sandbox.state.advance(60)
    yield _get(one)
    yield _get(one, approvalFilters="manualApprovals")
    stages = call("GET", one).json()["environments"]
    yield _get(f"{one}/environments/{stages[0]['id']}")
    yield Example("PATCH", f"{one}/environments/{stages[0]['id']}", {"json": {"status": "inProgress"}})
    phase = stages[0]["deploySteps"][0]["releaseDeployPhases"][0]["phaseId"]
    yield _get(f"{one}/environments/{stages[0]['id']}/deployPhases/{phase}/tasks/1/logs")
    yield _get(f"{one}/logs")
    yield _get(f"{P}/release/deployments")
    yield _get(f"{P}/release/approvals", statusFilter="undefined")
    pending = call("GET", f"{P}/release/approvals").json()["value"][0]
    yield Example("PATCH", f"{P}/release/approvals/{pending['id']}", {"json": {"status": "approved"}})
    failed = call("GET", f"{P}/release/releases", params={"definitionId": "2"}).json()["value"][0]
    yield Example("PATCH", f"{P}/release/releases/{failed['id']}", {"json": {"status": "abandoned"}})


@pytest.mark.usefixtures("everything")
def test_every_answer_of_every_route_is_as_published(call: Caller, sandbox: Sandbox, published: Published) -> None:
    # The caller compares each answer itself; here it only has to see every route.
    seen: set[Route] = set()
    for example in _examples(call, sandbox):
        answer = call(example.method, example.path, version=example.version, **example.more)
        assert answer.ok, (example.path, answer.text)
        route = route_of(example.method, example.path)
        assert route is not None, example.path
        seen.add(route)
    unseen = {key(one) for one in ROUTES if one not in seen and published.operations(one)}
    assert unseen == set(NOT_PLAYED)


def test_every_route_is_published_or_named_with_its_reason(published: Published) -> None:
    missing = {key(route) for route in ROUTES if not published.operations(route)}
    assert missing == {name for name, (_, stand_in) in NOT_PUBLISHED.items() if stand_in is None}
    assert set(NOT_PUBLISHED) <= {key(route) for route in ROUTES}


def test_the_scopes_of_every_route_are_the_published_ones(published: Published) -> None:
    differing = {
        key(route): (set(route.scopes), published.scopes(route))
        for route in ROUTES
        if published.operations(route) and published.scopes(route) != set(route.scopes)
    }
    assert differing == {}


def test_a_route_is_a_preview_exactly_when_it_is_published_as_one(published: Published) -> None:
    differing = [
        key(route)
        for route in ROUTES
        if published.operations(route) and published.is_preview(route) != (route.released is None)
    ]
    assert differing == []


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda build: build.update(colour="red"),
        lambda build: build.update(status="almost"),
        lambda build: build.update(queueTime="yesterday"),
        lambda build: build.update(id=None),
        lambda build: build["definition"].update(revision="one"),
        lambda build: build["project"].update(id="no-uuid"),
        lambda build: build["_links"].update(web="https://x"),
    ],
)
def test_an_answer_that_differs_is_noticed(
    call: Caller, published: Published, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call("GET", f"{P}/build/builds/1")
    body = answer.json()
    change(body)
    monkeypatch.setattr(requests.Response, "json", lambda _self: body)
    route = route_of("GET", f"{P}/build/builds/1")
    assert route is not None
    assert published.complaints(route, answer) != []
