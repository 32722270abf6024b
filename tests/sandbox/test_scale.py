"""Many organizations, made when somebody asks for them."""

import pytest

from sandbox.samples import build_state, secret
from sandbox.scale import Scale, add_benchmark, bench_name
from sandbox.server import Sandbox
from sandbox.state import State
from tests.sandbox.conftest import Caller


@pytest.fixture
def large() -> State:
    state = build_state()
    add_benchmark(state, Scale(organizations=200, projects=100, repositories=100))
    return state


def test_a_large_sandbox_is_made_of_names_only(large: State) -> None:
    assert not any(name.startswith("bench-") for name in large.organizations)
    assert large.organization("BENCH-199") is not None
    assert large.organization("bench-200") is None
    assert large.organization("bench-1") is None


def test_a_project_is_filled_when_somebody_looks_into_it(large: State) -> None:
    with Sandbox(state=large) as sandbox:
        call = Caller(sandbox)
        listed = call("GET", "/bench-007/_apis/projects").json()
        assert listed["count"] == 100
        organization = large.organization("bench-007")
        assert organization is not None
        assert all(project.repositories == [] for project in organization.projects)
        there = f"/bench-007/{listed['value'][3]['id']}/_apis/git/repositories"
        assert call("GET", there).json()["count"] == 100
        assert [len(project.repositories) for project in organization.projects[2:5]] == [0, 100, 0]
        assert call("GET", f"{there}/Repository 0042/commits").json()["count"] == 3
        assert call("GET", "/bench-007/_apis/git/repositories").json()["count"] == 10_000


@pytest.mark.parametrize("token", ["full", "full-again", "read-only", bench_name(7)])
def test_the_sample_tokens_and_one_of_its_own_open_it(large: State, token: str) -> None:
    with Sandbox(state=large) as sandbox:
        assert Caller(sandbox)("GET", "/bench-007/_apis/projects", token=token).status_code == 200


def test_the_token_of_one_organization_does_not_open_another(large: State) -> None:
    with Sandbox(state=large) as sandbox:
        assert Caller(sandbox)("GET", "/bench-008/_apis/projects", token=bench_name(7)).status_code == 401


def test_what_changes_in_one_repository_is_not_in_the_next(large: State) -> None:
    with Sandbox(state=large) as sandbox:
        call = Caller(sandbox)
        there = "/bench-000/Project 0000/_apis/git/repositories"
        main = call("GET", f"{there}/Repository 0000/refs", params={"filter": "heads/main"}).json()["value"][0][
            "objectId"
        ]
        wish = [{"name": "refs/heads/made", "oldObjectId": "0" * 40, "newObjectId": main}]
        assert call("POST", f"{there}/Repository 0000/refs", json=wish).json()["value"][0]["success"]
        assert call("GET", f"{there}/Repository 0000/refs").json()["count"] == 3
        assert call("GET", f"{there}/Repository 0001/refs").json()["count"] == 2
        assert secret(bench_name(0)) != secret(bench_name(1))
