"""Many clients at the same time: whatever they do, each change happens once and whole."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.conftest import Caller

CLIENTS = 16
P = "/acme/Storefront/_apis"
G = f"{P}/git/repositories/Storefront"


@pytest.fixture
def at_once(call: Caller) -> Callable[[Callable[[Caller, int], Any]], list[Any]]:
    """Does something from many clients at once."""

    def run(act: Callable[[Caller, int], Any]) -> list[Any]:
        def alone(number: int) -> Any:
            own = Caller(call.sandbox)
            with own.session:
                return act(own, number)

        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(alone, range(CLIENTS)))

    return run


AtOnce = Callable[[Callable[[Caller, int], Any]], list[Any]]


def test_of_many_who_push_to_one_branch_one_wins(call: Caller, at_once: AtOnce) -> None:
    head = call("GET", f"{G}/refs", params={"filter": "heads/main"}).json()["value"][0]["objectId"]

    def push(own: Caller, number: int) -> int:
        change = {"changeType": "add", "item": {"path": f"/{number}.txt"}, "newContent": {"content": "x"}}
        body = {
            "refUpdates": [{"name": "refs/heads/main", "oldObjectId": head}],
            "commits": [{"comment": f"From {number}", "changes": [change]}],
        }
        return own("POST", f"{G}/pushes", json=body).status_code

    assert sorted(at_once(push)) == [201] + [409] * (CLIENTS - 1)


def test_of_many_who_make_one_repository_one_wins(at_once: AtOnce) -> None:
    made = at_once(lambda own, _: own("POST", f"{P}/git/repositories", json={"name": "New"}).status_code)
    assert sorted(made) == [201] + [409] * (CLIENTS - 1)


def test_each_of_many_builds_has_a_number_of_its_own(at_once: AtOnce) -> None:
    queued = at_once(lambda own, _: own("POST", f"{P}/build/builds", json={"definition": {"id": 1}}).json())
    assert len({one["id"] for one in queued}) == len({one["buildNumber"] for one in queued}) == CLIENTS


def test_of_many_who_approve_one_wins(call: Caller, at_once: AtOnce) -> None:
    approval = call("GET", f"{P}/release/approvals").json()["value"][0]["id"]
    path = f"{P}/release/approvals/{approval}"
    assert sorted(at_once(lambda own, _: own("PATCH", path, json={"status": "approved"}).status_code)) == [
        200,
        *[400] * (CLIENTS - 1),
    ]
