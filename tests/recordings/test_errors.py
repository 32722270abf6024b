"""Every error that is known from the real service, through the classifier, over a socket."""

import json
from typing import Any

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import classify
from tests.connections.providers.azure_devops.conftest import MakeTransport
from tests.connections.providers.azure_devops.loopback import Loopback, always
from tests.needs import reference_folder
from tests.recordings.exchanges import wire_answer

# Recorded with their headers, by the id of the first exchange: the problem code.
RECORDED = {
    "core-projects-get-401-b98d41b7": "not_a_member",
    "distributedtask-pools-queues-agents-get-401-d2f4c9cd": "scope_missing",
    "memberentitlement-patch-401-f8252f39": "scope_missing",
    "wiki-get-404-f43652fa": "not_found",
    "workitems-patch-400-da7daecf": "rejected",
    "workitems-patch-400-368617e0": "rejected",
    "workitems-post-400-f7f3176b": "rejected",
    "workitems-delete-404-5fd5ab6e": "no_such_address",
    "workitems-get-404-7ccb54c5": "not_found",
    "workitems-post-404-cf17c0f5": "project_not_found",
}

# Quoted by people, by their kind: the status, ours where theirs is not known, and the problem code.
QUOTED = {
    "expired-pat": (401, "token_expired"),
    "expired-pat-header": (401, "token_expired"),
    "expired-bearer-by-method": (401, "token_refused"),
    "release-permission": (403, "access_denied"),
    "build-permission": (403, "access_denied"),
    "build-service-connection-permission": (403, "access_denied"),
    "conditional-access": (403, "conditional_access"),
    "git-repo-not-found": (404, "not_found"),
    "git-bad-version-type": (400, "rejected"),
    "project-id-not-found": (404, "project_not_found"),
    "release-not-found": (404, "not_found"),
    "release-wrong-host": (404, "unexpected_answer"),
    "api-version-missing": (400, "rejected"),
    "api-version-preview": (400, "rejected"),
    "api-version-out-of-range": (400, "rejected"),
    "release-artifact-unavailable": (400, "rejected"),
    "variable-group-invalid": (400, "rejected"),
    "headers-too-long": (400, "unexpected_answer"),
    "service-unavailable-circuit-breaker": (503, "server_error"),
    "service-unavailable-html": (503, "server_error"),
    "rate-limit-anonymous": (429, "throttled"),
    "rate-limit-user": (429, "throttled"),
    "rate-limit-user-cpu": (429, "throttled"),
    "rate-limit-headers-measured": (429, "throttled"),
    "rate-limit-documented-text": (429, "throttled"),
}
# Those of which it is known that they came as a page.
PAGES = ("release-wrong-host", "headers-too-long", "service-unavailable-html")

Catalogue = dict[str, list[dict[str, Any]]]


@pytest.fixture
def catalogue() -> Catalogue:
    """Every known error: those recorded, and those that people quoted."""
    found: Catalogue = json.loads((reference_folder("recordings") / "error_catalog.json").read_text())
    return found


def code_of(transport: MakeTransport, said: bytes) -> str | None:
    with Loopback(always(said)) as server:
        trouble = classify(transport(server.url).ask("PATCH", ("_apis", "x"), json={}))
    return trouble.code if trouble else None


def test_every_error_of_the_catalogue_is_expected(catalogue: Catalogue) -> None:
    assert {one["exchanges"][0] for one in catalogue["recorded"]} == set(RECORDED)
    assert {one["kind"] for one in catalogue["quoted"]} == set(QUOTED)


@pytest.mark.parametrize("id_", RECORDED)
def test_a_recorded_error_means_what_it_should(catalogue: Catalogue, transport: MakeTransport, id_: str) -> None:
    (entry,) = (one for one in catalogue["recorded"] if one["exchanges"][0] == id_)
    assert code_of(transport, wire_answer(entry["status"], entry["headers"], entry["body"])) == RECORDED[id_]


def quoted_answer(entry: dict[str, Any], status: int) -> bytes:
    assert entry["status"] in (None, status)
    message, headers = entry["message"], dict(entry["headers"])
    if entry["kind"] in PAGES:
        return wire_answer(status, headers | {"Content-Type": "text/html"}, f"<html>{message}</html>")
    body = entry["body"] or (None if message is None else {"message": message})
    return wire_answer(status, headers, body)


@pytest.mark.parametrize("kind", QUOTED)
def test_a_quoted_error_means_what_it_should(catalogue: Catalogue, transport: MakeTransport, kind: str) -> None:
    (entry,) = (one for one in catalogue["quoted"] if one["kind"] == kind)
    status, code = QUOTED[kind]
    assert code_of(transport, quoted_answer(entry, status)) == code


def test_a_measured_refusal_says_how_long_to_wait(catalogue: Catalogue, transport: MakeTransport) -> None:
    (entry,) = (one for one in catalogue["quoted"] if one["kind"] == "rate-limit-headers-measured")
    with Loopback(always(quoted_answer(entry, 429))) as server, pytest.raises(errors.Throttled) as raised:
        transport(server.url).get(("_apis", "x"))
    assert raised.value.retry_after == 619.0
