"""In which order the service decides: when two things are wrong, the earlier one is told."""

import uuid
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

# What is asked, what is wrong with it besides, and what is told.
TWO_WRONGS = [
    ("organization before identity", "/nowhere/_apis/projects", {"token": "expired"}, 404, None),
    ("organization before identity, stopped", "/stopped/_apis/projects", {"token": "revoked"}, 503, None),
    ("identity before policy", "/fenced/_apis/projects", {"token": "revoked"}, 401, "UnauthorizedRequestException"),
    ("policy before membership", "/fenced/_apis/projects", {"token": "no-rights"}, 403, "VssServiceException"),
    ("membership before scope", "/fabrikam/x/_apis/build/builds", {"token": "no-rights"}, 401, "UnauthorizedRequest"),
    ("scope before version", "/acme/x/_apis/build/builds", {"token": "code-only", "version": "9.9"}, 401, ""),
    ("scope before look-up", "/acme/No such/_apis/build/builds", {"token": "code-only"}, 401, ""),
    ("throttle before address", "/throttled/_apis/nothing/here", {}, 429, "RequestBlockedException"),
    ("address before version", "/acme/_apis/nothing/here", {"version": "9.9"}, 404, None),
    ("version before look-up", "/acme/No such/_apis/build/builds", {"version": "9.9"}, 400, "VssVersionOutOfRange"),
]


@pytest.mark.parametrize(
    ("path", "more", "status", "type_key"), [row[1:] for row in TWO_WRONGS], ids=[str(row[0]) for row in TWO_WRONGS]
)
def test_the_earlier_of_two_wrongs_is_told(
    call: Caller, path: str, more: dict[str, Any], status: int, type_key: str | None
) -> None:
    answer = call("GET", path, **more)
    assert answer.status_code == status
    if type_key == "":
        assert answer.content == b""
    elif type_key:
        assert answer.json()["typeKey"].startswith(type_key)


def test_scope_comes_before_throttling(call: Caller, sandbox: Sandbox) -> None:
    sandbox.state.organizations["acme"].throttled = 5.0
    assert call("GET", "/acme/Storefront/_apis/build/builds", token="code-only").status_code == 401
    assert call("GET", "/acme/Storefront/_apis/build/builds", token="no-release").status_code == 429


def test_the_body_is_read_before_anything_is_looked_up(call: Caller) -> None:
    answer = call("POST", f"/acme/Storefront/_apis/git/repositories/{uuid.uuid4()}/pushes", data=b"{")
    assert (answer.status_code, answer.json()["count"]) == (400, 1)


@pytest.mark.parametrize("token", ["full", "no-rights"])
def test_look_up_comes_before_permission(call: Caller, token: str) -> None:
    answer = call("POST", f"/acme/Storefront/_apis/git/repositories/{uuid.uuid4()}/pushes", token=token, json={})
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitRepositoryNotFoundException")


def test_a_guarded_organization_asks_for_the_right_first(call: Caller) -> None:
    answer = call("POST", f"/guarded/Main/_apis/git/repositories/{uuid.uuid4()}/pushes", token="no-rights", json={})
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "GitNeedsPermissionException")


def test_permission_comes_before_the_action(call: Caller, sandbox: Sandbox) -> None:
    before = repr(sandbox.state.organizations["acme"].projects[0])
    call("PATCH", "/acme/Storefront/_apis/git/repositories/Storefront", token="no-rights", json={"name": "Mine"})
    assert repr(sandbox.state.organizations["acme"].projects[0]) == before
