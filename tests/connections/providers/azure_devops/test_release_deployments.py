"""Approvals, read page by page."""

import pytest

from connections.providers.azure_devops import release
from connections.providers.azure_devops.release_models import ApprovalStatus
from connections.providers.organization import Identity
from tests.connections.providers.azure_devops.conftest import Asking
from tests.connections.providers.azure_devops.loopback import json_answer, listing
from tests.connections.providers.azure_devops.releases import APPROVAL, NEXT, P


@pytest.mark.parametrize("status", ["somethingNew", None, 3])
def test_a_state_of_an_approval_that_is_not_known_is_unknown(asking: Asking, status: object) -> None:
    _, transport = asking(json_answer(listing({"id": 1, "status": status})))
    assert release.approvals_page(transport, P).items[0].status is ApprovalStatus.UNKNOWN


def test_pending_approvals_are_read_page_by_page(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(APPROVAL), (NEXT, "5")), json_answer(listing({"id": 5})))
    assert [one.id for page in release.approvals(transport, P) for one in page.items] == [3577, 5]
    assert server.seen[0].query == "top=100&statusFilter=pending&queryOrder=descending&api-version=7.1"
    assert "continuationToken=5&" in server.seen[1].query


def test_the_approvals_of_some_releases_are_asked_for_by_their_numbers(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    release.approvals_page(transport, P, status=ApprovalStatus.REJECTED, release_ids=[1, 2])
    assert "statusFilter=rejected&" in server.seen[0].query
    assert "releaseIdsFilter=1%2C2&" in server.seen[0].query


def test_a_group_that_is_asked_is_told_from_a_person(asking: Asking) -> None:
    crew = {"id": "g-1", "displayName": "Release crew", "isContainer": True}
    _, transport = asking(json_answer(listing(APPROVAL | {"approver": crew})))
    (found,) = release.approvals_page(transport, P).items
    assert found.approver == Identity("g-1", "Release crew", is_group=True)
