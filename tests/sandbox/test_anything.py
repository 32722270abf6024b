"""Whatever is sent to it, the sandbox answers; only its own mistakes are 500."""

import base64
import copy
import json
import string
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import gate
from sandbox.repositories import NOTHING
from sandbox.routes import ROUTES
from sandbox.samples import build_world, secret
from sandbox.wire import Request
from sandbox.world import World
from tests.sandbox.conftest import NOON

BASIC = "Basic " + base64.b64encode(f":{secret('full')}".encode()).decode()


def _world() -> World:
    world = build_world()
    token = world.token_named("full")
    assert token is not None
    token.scopes = ("app_token",)
    world.now = lambda: NOON
    return world


WORLD = _world()
STOREFRONT = WORLD.organizations["acme"].projects[0]
HEAD = STOREFRONT.repositories[0].refs["refs/heads/main"]
NUMBERS = ["1", "2", "3", *(str(one.id) for one in STOREFRONT.releases)]
# What the parts of a path are filled with: mostly what exists, so that what lies behind it is reached.
FILLED = {
    "project": ["Storefront", STOREFRONT.id, "\x00é"],
    "repository": ["Storefront", "Empty", "web client", STOREFRONT.repositories[0].id, ".."],
    "commit": [HEAD, "x"],
    "sha": [HEAD, "x"],
    "environment": [str(one.id) for one in STOREFRONT.releases[0].environments],
    "release": [str(one.id) for one in STOREFRONT.releases],
    "approval": [*NUMBERS, str(STOREFRONT.releases[0].environments[0].attempts[0].approvals[0].id)],
}
# What a sensible body looks like. One of its parts is replaced by something senseless.
SENSIBLE: list[Any] = [
    {"name": "New", "defaultBranch": "refs/heads/main", "isDisabled": False},
    [{"name": "refs/heads/x", "oldObjectId": NOTHING, "newObjectId": HEAD}],
    {
        "refUpdates": [{"name": "refs/heads/topic", "oldObjectId": HEAD}],
        "commits": [
            {
                "comment": "Change",
                "changes": [
                    {
                        "changeType": "add",
                        "item": {"path": "/x"},
                        "sourceServerItem": "/README.md",
                        "newContent": {"content": "eA==", "contentType": "base64Encoded"},
                    }
                ],
            }
        ],
    },
    {"definition": {"id": 1}, "sourceBranch": "refs/heads/main", "sourceVersion": HEAD},
    {
        "definitionId": 1,
        "description": "Try",
        "reason": "manual",
        "isDraft": False,
        "manualEnvironments": ["Test"],
        "artifacts": [{"alias": "_drop", "instanceReference": {"id": "1", "name": "x"}}],
    },
    {"status": "inProgress"},
    {"status": "approved", "comments": "Yes"},
    ["first tag", "second tag"],
    {"tagsToAdd": ["first tag"], "tagsToRemove": ["second tag"]},
]
QUERIES = (
    *("$top", "$skip", "$expand", "$format", "top", "continuationToken", "queryOrder", "statusFilter", "resultFilter"),
    *("minTime", "maxTime", "definitions", "stateFilter", "filter", "filterContains", "name", "path", "scopePath"),
    *("recursionLevel", "versionDescriptor.version", "versionDescriptor.versionType", "includeContent", "startLine"),
    *("searchCriteria.itemPath", "searchCriteria.fromDate", "searchCriteria.$top", "endLine", "definitionId"),
    *("artifactName", "fromBuildId", "toBuildId", "tagFilters", "repositoryId", "repositoryType", "deletedFilter"),
    *("maxBuildsPerDefinition", "releaseIdsFilter", "changeCount", "includeLatestBuilds", "includeContentMetadata"),
)
senseless = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.just("\ud800"),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), min_size=1, max_size=2),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside a value, with each of its keys."""
    for name in value if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    body = copy.deepcopy(draw(st.sampled_from(SENSIBLE)))
    for _ in range(draw(st.integers(0, 2))):
        places = list(_places(body))
        if places:
            inside, name = draw(st.sampled_from(places))
            inside[name] = draw(senseless)
    return json.dumps(body).encode()


@st.composite
def requests(draw: st.DrawFn) -> Request:
    route = draw(st.sampled_from(ROUTES))
    path = [
        draw(st.sampled_from(FILLED.get(part[1:-1].partition(":")[0], NUMBERS))) if part.startswith("{") else part
        for part in route.template
    ]
    values = st.one_of(
        st.text(max_size=12), st.integers().map(str), st.sampled_from(["full", "2026-11-02T05:00:29Z,3"])
    )
    query = draw(st.dictionaries(st.sampled_from(QUERIES), values, max_size=3))
    headers = {"authorization": BASIC, "accept": draw(st.sampled_from(["application/json", "*/*"]))}
    body = draw(st.one_of(bodies(), st.binary(max_size=20)))
    return Request(route.method, ["acme", *path], query | {"api-version": "7.1-preview"}, headers, body, "http://x")


@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(requests())
def test_any_request_has_an_answer(request: Request) -> None:
    answer = gate.decide(WORLD, request)
    assert answer.status in {200, 201, 204, 400, 404, 409, 501}
    for name, value in answer.headers:
        assert set(name) <= set(string.ascii_letters + string.digits + "-")
        assert not {"\r", "\n"} & set(value)
