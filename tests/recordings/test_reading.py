"""Real answers of Azure DevOps, read over a socket by the client itself."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.transport import Transport
from tests.connections.providers.azure_devops.conftest import MakeTransport
from tests.connections.providers.azure_devops.loopback import Loopback, always
from tests.recordings.calls import call_of, facts, read
from tests.recordings.exchanges import Exchange
from tests.recordings.expected import EXPECTED

Exchanges = dict[str, Exchange]

# What is no plain success, by the id of the exchange: the code of the error that it means.
TROUBLES = {
    "core-projects-get-401-b98d41b7": "not_a_member",
    "distributedtask-pools-queues-agents-get-401-d2f4c9cd": "scope_missing",
    # An empty 200, of a call that the client never makes.
    "git-pullrequests-delete-200-7c43ec2e": "unexpected_answer",
    "memberentitlement-patch-401-f8252f39": "scope_missing",
    "settings-delete-401-65dd18c5": "scope_missing",
    "wiki-get-404-f43652fa": "not_found",
    "workitems-delete-404-5fd5ab6e": "no_such_address",
    "workitems-get-404-1622d6d3": "not_found",
    "workitems-get-404-7ccb54c5": "not_found",
    "workitems-patch-400-368617e0": "rejected",
    "workitems-patch-400-da7daecf": "rejected",
    "workitems-post-400-f7f3176b": "rejected",
    "workitems-post-404-cf17c0f5": "project_not_found",
}


ClientOf = Callable[[Exchange], Transport]


@pytest.fixture
def client_of(transport: MakeTransport) -> Iterator[ClientOf]:
    """Serves an exchange and makes a transport to it."""
    with contextlib.ExitStack() as running:

        def make(exchange: Exchange) -> Transport:
            return transport(running.enter_context(Loopback(exchange.script())).url)

        yield make


def test_every_exchange_of_a_call_that_the_client_makes_is_expected(exchanges: Exchanges) -> None:
    assert {one.id for one in exchanges.values() if call_of(one) is not None} == set(EXPECTED)


def test_every_family_that_the_client_speaks_has_recordings() -> None:
    families = {id_.rsplit("-", 3)[0] for id_ in EXPECTED}
    assert families >= {
        "location-connectiondata",
        "core-projects",
        "git-repositories",
        "git-refs",
        "git-commits",
        "git-items",
        "git-pushes",
        "build-definitions",
        "build-builds",
        "build-build-children",
        "release-definitions",
        "release-releases",
        "release-approvals",
    }


@pytest.mark.parametrize("id_", EXPECTED)
def test_the_client_reads_what_the_recording_says(exchanges: Exchanges, client_of: ClientOf, id_: str) -> None:
    exchange = exchanges[id_]
    assert facts(read(exchange, client_of(exchange))) == EXPECTED[id_]


def is_list(expected: object) -> bool:
    """Whether these are the facts of a list or of a page of one."""
    if isinstance(expected, tuple) and len(expected) == 2:
        return is_list(expected[1])
    return isinstance(expected, tuple) and len(expected) == 3 and isinstance(expected[1], tuple)


def names_of(items: Any) -> list[str]:
    """What names each thing of a list: of a raw one as of one that was read."""
    keys = ("id", "path", "commitId", "name")
    found = []
    for item in items:
        known = [item.get(key) if isinstance(item, dict) else getattr(item, key, None) for key in keys]
        found.append(str(next(one for one in known if one is not None)).removeprefix("refs/heads/"))
    return found


@pytest.mark.parametrize("id_", [id_ for id_, expected in EXPECTED.items() if is_list(expected)])
def test_no_thing_of_a_recorded_list_is_lost(exchanges: Exchanges, client_of: ClientOf, id_: str) -> None:
    exchange = exchanges[id_]
    found = read(exchange, client_of(exchange))
    raw = exchange.body["records"] if "records" in exchange.body else exchange.body["value"]
    # A folder lists itself too, which the client leaves out; and it is sorted anew.
    is_folder = "gitObjectType" in raw[0]
    names = names_of(found.items if isinstance(found, Page) else found)
    assert (sorted(names) if is_folder else names) == (sorted(names_of(raw)[1:]) if is_folder else names_of(raw))


def test_every_recorded_answer_is_told_a_success_or_the_trouble_it_is(
    exchanges: Exchanges, transport: MakeTransport
) -> None:
    told = {}
    with Loopback(always(*(one.on_the_wire for one in exchanges.values()))) as server:
        asking = transport(server.url)
        for one in exchanges.values():
            answer = asking.ask("GET", ("_apis", "anything"))
            assert answer.status == one.status
            trouble = classify(answer)
            if trouble is not None:
                told[one.id] = trouble.code
    assert told == TROUBLES
