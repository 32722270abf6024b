"""Answers that do not mean what they seem to: throttling, maintenance, and what stands between client and service."""

from typing import Any

import pytest
import requests

from sandbox import fault_answers
from sandbox.entra import faults
from sandbox.fault_injection import KINDS, VARIANTS, Fault
from sandbox.list_faults import LISTS
from sandbox.server import Sandbox
from tests.sandbox.conftest import NOON, Caller

PROJECTS = "/acme/_apis/projects"
LIMITS = {"Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Delay"}
OURS = {"ActivityId", "X-VSS-E2EID", "X-TFS-ProcessId", "X-VSS-UserData", "X-TFS-ServiceError", "WWW-Authenticate"}


def is_sign_in_page(answer: requests.Response) -> bool:
    return "<title>Azure DevOps Services | Sign In</title>" in answer.text


@pytest.mark.parametrize(
    ("variant", "headers"),
    [
        ("", {"Retry-After": "37"}),
        ("retry_after", {"Retry-After": "37"}),
        ("remaining", {"X-RateLimit-Remaining": "0"}),
        ("delay", {"X-RateLimit-Delay": "0.5"}),
        ("all", {"Retry-After": "37", "X-RateLimit-Remaining": "0", "X-RateLimit-Delay": "0.5"}),
    ],
)
@pytest.mark.parametrize("status", [401, 203, 302, 403])
def test_throttling_may_look_like_any_refusal(
    call: Caller, sandbox: Sandbox, status: int, variant: str, headers: dict[str, str]
) -> None:
    sandbox.behaviour.add("throttled_refusal", status=status, variant=variant, retry_after=37)
    answer = call("GET", PROJECTS)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in LIMITS if name in answer.headers} == headers
    sandbox.behaviour.clear()
    assert call("GET", PROJECTS).status_code == 200


def test_a_throttled_refusal_has_the_form_of_the_refusal_that_it_is_not(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("throttled_refusal")
    assert call("GET", PROJECTS).json()["typeKey"] == "UnauthorizedRequestException"
    sandbox.behaviour.add("throttled_refusal", status=203)
    assert is_sign_in_page(call("GET", PROJECTS))
    sandbox.behaviour.add("throttled_refusal", status=302)
    assert "/_signin?" in call("GET", PROJECTS).headers["Location"]
    sandbox.behaviour.add("throttled_refusal", status=403)
    assert call("GET", PROJECTS).content == b""


@pytest.mark.parametrize("kind", ["scope_missing", "wrong_token"])
def test_any_refusal_may_carry_headers_that_were_told(call: Caller, sandbox: Sandbox, kind: str) -> None:
    sandbox.behaviour.add(kind, headers={"Retry-After": "37"})
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (401, "37")
    assert answer.headers["WWW-Authenticate"]
    assert (answer.content == b"") == (kind == "scope_missing")


def test_headers_that_were_told_replace_those_of_the_answer(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("redirect", headers={"location": "https://elsewhere.example.com/"}, status=307)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://elsewhere.example.com/")


@pytest.mark.parametrize("status", [203, 200])
def test_the_sign_in_page_is_known_by_its_title_whatever_its_status(
    call: Caller, sandbox: Sandbox, status: int
) -> None:
    sandbox.behaviour.add("sign_in_page", status=status)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, is_sign_in_page(answer)) == (status, True)


@pytest.mark.parametrize("status", [401, 403])
def test_somebody_who_never_signed_in_is_told_to(call: Caller, sandbox: Sandbox, status: int) -> None:
    sandbox.behaviour.add("not_materialized", status=status)
    answer = call("GET", "/acme/_apis/connectionData")
    assert (answer.status_code, answer.json()["typeKey"]) == (status, "AadUserStateException")
    assert answer.json()["message"].endswith(
        " has not been materialized, please use interactive login over the browser first."
    )


def test_an_organization_may_be_known_and_have_no_host(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("no_such_host")
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "HostDoesNotExistException")
    assert "'acme'" in answer.json()["message"]


def test_maintenance_is_a_page_with_a_wait(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("maintenance", retry_after=300)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Our services aren't available right now" in answer.text
    assert not OURS & set(answer.headers)


def test_maintenance_in_json_is_not_a_stopped_organization(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("maintenance", variant="json", retry_after=60)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert answer.json()["typeKey"] == "HostShutdownException"
    assert "TF24668" not in answer.text + answer.headers["X-TFS-ServiceError"]


def test_a_web_filter_shows_a_page_that_is_not_azure_devops(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("block_page")
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert not is_sign_in_page(answer)
    assert not OURS & set(answer.headers)


@pytest.mark.parametrize(
    ("variant", "content_type", "begins"),
    [
        ("text", "text/plain", "Request blocked"),
        ("empty", None, ""),
        ("json", "application/json; charset=utf-8", '{"error": "forbidden"'),
        ("page", "text/html; charset=utf-8", "<!DOCTYPE html>"),
    ],
)
def test_a_gateway_refuses_in_a_form_of_its_own(
    call: Caller, sandbox: Sandbox, variant: str, content_type: str | None, begins: str
) -> None:
    sandbox.behaviour.add("gateway", variant=variant, path="connectionData")
    answer = call("GET", "/acme/_apis/connectionData", version="7.1-preview")
    assert (answer.status_code, answer.headers.get("Content-Type")) == (403, content_type)
    assert answer.text.startswith(begins)
    assert (answer.text == "") == (variant == "empty")
    assert "typeKey" not in answer.text
    assert not OURS & set(answer.headers)


@pytest.mark.parametrize(
    ("variant", "location"),
    [
        ("block_page", "https://webfilter.example.com/blocked"),
        ("renamed", "{url}/acme-renamed/_apis/projects"),
        ("sign_in", "{url}/_signin?realm=dev.azure.com"),
        ("sign_in_host", "https://spsprodeus21.vssps.visualstudio.com/_signin?realm=dev.azure.com"),
    ],
)
@pytest.mark.parametrize("status", [None, 301])
def test_a_redirect_may_lead_anywhere(
    call: Caller, sandbox: Sandbox, variant: str, location: str, status: int | None
) -> None:
    sandbox.behaviour.add("redirect", variant=variant, status=status)
    answer = call("GET", PROJECTS)
    assert answer.status_code == (status or 302)
    assert answer.headers["Location"].startswith(location.format(url=sandbox.url))


@pytest.mark.parametrize(
    ("organization", "status", "header", "value"),
    [
        ("overloaded", 401, "Retry-After", "37"),
        ("exhausted", 203, "X-RateLimit-Remaining", "0"),
        ("maintenance", 503, "Retry-After", "300"),
        ("servicing", 503, "Retry-After", "60"),
        ("gateway", 403, "Content-Type", "text/plain"),
        ("filtered", 200, "Content-Type", "text/html; charset=utf-8"),
        ("redirected", 302, "Location", "https://webfilter.example.com/blocked?category=developer-tools"),
        ("renamed", 301, "Location", "{url}/renamed-renamed/_apis/projects"),
        ("unmaterialized", 401, "Content-Type", "application/json; charset=utf-8"),
        ("deleted", 404, "Content-Type", "application/json; charset=utf-8"),
    ],
)
def test_sample_organizations_show_it_to_people(
    call: Caller, sandbox: Sandbox, organization: str, status: int, header: str, value: str
) -> None:
    answer = call("GET", f"/{organization}/_apis/projects")
    assert (answer.status_code, answer.headers[header]) == (status, value.format(url=sandbox.url))


def test_a_signed_out_organization_leads_to_the_sign_in_page_of_the_service(call: Caller) -> None:
    answer = call("GET", "/signedout/_apis/projects")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://spsprodeus21.vssps.visualstudio.com/_signin?")


def test_a_fault_that_was_told_goes_before_an_organizations_own(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=418, organization="gateway", times=1)
    assert [call("GET", "/gateway/_apis/projects").status_code for _ in range(2)] == [418, 403]


def test_a_rule_may_look_at_the_query(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", query=r"continuationToken=100\b")
    assert call("GET", PROJECTS).status_code == 200
    assert call("GET", PROJECTS, params={"continuationToken": "100"}).status_code == 500


def test_rules_may_follow_one_another(call: Caller, sandbox: Sandbox) -> None:
    rules = [{"kind": "gateway"}, {"kind": "status", "status": 502, "times": 2}, {"kind": "scope_missing"}]
    added = call("POST", "/_sandbox/behaviour", json=rules)
    assert [one["after"] for one in added.json()] == [0, 1, 3]
    assert [call("GET", PROJECTS).status_code for _ in range(5)] == [403, 502, 502, 401, 200]
    assert sandbox.behaviour.rules() == []


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"kind": "gateway", "times": None}, {"kind": "status"}], "starts when the previous one has ended"),
        ([{"kind": "gateway", "after": 3}], "starts when the previous one has ended"),
        ([{"kind": "gateway", "variant": "loud"}], "unknown variant of gateway; choose one of text, empty, json, page"),
        ([{"kind": "block_page", "variant": "loud"}], "block_page has no variants"),
        ([{"kind": "status", "query": "("}], "query is not a valid regular expression"),
    ],
)
def test_a_sequence_that_cannot_be_is_refused_whole(
    call: Caller, sandbox: Sandbox, rules: list[dict[str, Any]], words: str
) -> None:
    answer = call("POST", "/_sandbox/behaviour", json=rules)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert sandbox.behaviour.rules() == []


def test_each_variant_has_an_answer_of_its_own(sandbox: Sandbox, call: Caller) -> None:
    for kind, variants in VARIANTS.items():
        shown = set()
        for variant in variants:
            sandbox.behaviour.clear()
            sandbox.behaviour.add(kind, variant=variant)
            answer = call("GET", PROJECTS)
            later = call("GET", PROJECTS, params={"continuationToken": "7"}).text
            told = tuple((name, answer.headers.get(name)) for name in ("Location", *sorted(LIMITS)))
            shown.add((answer.status_code, answer.text, told, later))
        assert len(shown) == len(variants), kind


def test_every_kind_either_answers_or_breaks_the_connection() -> None:
    codes: dict[str, int | str] = {"entra_error": 1, "pat_error": "tokenNotFound"}
    broken = {kind for kind in KINDS if Fault(kind, code=codes.get(kind, "")).breaks_connection}
    answered = set(fault_answers.ANSWERS) | set(LISTS) | set(faults.answers(NOON))
    assert answered | broken | {"latency"} == set(KINDS)
    assert not answered & (broken | {"latency"})
