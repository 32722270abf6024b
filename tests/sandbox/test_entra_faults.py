"""What goes wrong at the issuer: its refusals on demand, and answers that are none."""

import json
from typing import Any

import pytest
import requests

from sandbox.entra.refusals import refusals
from sandbox.entra.samples import client_secret
from sandbox.fault_injection import ENTRA_KINDS
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller
from tests.sandbox.entra import Client, code

# Those that clients have met in the field.
NAMED = """
    7000215 7000222 700016 700011 90002 900023 7000112 70001 700027 700024 50027 50012 50013 70021 700211 700212 700213
    70025 53003 530032 530035 500011 650052 7000218 700025 50011 65001 650057 90094 90095 65004 50034 50020 50014 51004
    9002332 50076 50079 50072 50158 50131 54005 70008 700082 70043 50173 70011 700022 50196 90055 90006 90012 90024
    90033 90038 900382
"""
NUMBERS = [int(number) for number in NAMED.split()]


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("number", [*NUMBERS, 999_999_999])
def test_every_code_is_answered_on_demand_as_400_and_as_401(entra: Client, number: int, status: int) -> None:
    entra.sandbox.entra.behaviour.add("entra_error", code=number, status=status)
    assert code(entra.by_secret()) == (status, number)


def test_every_code_has_its_own_words() -> None:
    assert set(NUMBERS) <= set(refusals())
    assert len({said.text for said in refusals().values()}) == len(refusals())


@pytest.mark.parametrize(
    ("rule", "status", "content_type", "begins"),
    [
        ({"kind": "throttle", "retry_after": 5}, 429, "application/json", '{"error": "temporarily_unavailable"'),
        ({"kind": "maintenance", "retry_after": 5}, 503, "text/html", "<!DOCTYPE html>"),
        ({"kind": "maintenance", "variant": "json", "retry_after": 5}, 503, "application/json", '{"error"'),
        ({"kind": "block_page"}, 200, "text/html", "<!DOCTYPE html>"),
        ({"kind": "status", "status": 502}, 502, "", ""),
        ({"kind": "not_json"}, 200, "application/json", "{not json"),
        ({"kind": "bom"}, 200, "application/json", '\ufeff{"token_type"'),
    ],
)
def test_an_answer_that_is_no_refusal(
    entra: Client, rule: dict[str, Any], status: int, content_type: str, begins: str
) -> None:
    entra.sandbox.entra.behaviour.add(**rule)
    answer = entra.by_secret()
    assert answer.status_code == status
    assert answer.headers.get("Content-Type", "").startswith(content_type)
    assert answer.content.decode().startswith(begins)
    assert answer.headers.get("Retry-After") == ("5" if "retry_after" in rule else None)


@pytest.mark.parametrize("kind", ["close", "reset", "cut"])
def test_a_connection_breaks(entra: Client, kind: str) -> None:
    entra.sandbox.entra.behaviour.add(kind)
    with pytest.raises(requests.exceptions.RequestException):
        entra.by_secret()


def test_a_slow_answer_and_one_that_never_ends(entra: Client, sandbox: Sandbox) -> None:
    sandbox.entra.behaviour.add("latency", seconds=0.2)
    assert entra.by_secret().elapsed.total_seconds() >= 0.2
    sandbox.entra.behaviour.add("drip", seconds=0.01)
    url = f"{sandbox.entra.url}/x"
    with entra.session.get(url, verify=str(sandbox.entra.ca_file), stream=True, timeout=10) as answer:
        assert int(answer.headers["Content-Length"]) >= 100_000


@pytest.mark.parametrize("kind", [kind for kind in ENTRA_KINDS if kind not in ("entra_error", "latency")])
def test_each_kind_is_known_to_both(sandbox: Sandbox, kind: str) -> None:
    assert sandbox.entra.behaviour.add(kind).kind == sandbox.behaviour.add(kind).kind == kind


def test_a_rule_may_be_about_one_application_or_one_address(entra: Client) -> None:
    entra.sandbox.entra.behaviour.add("entra_error", code=7000112, token="limited")
    assert entra.by_secret("full").status_code == 200
    assert code(entra.by_secret("limited")) == (400, 7000112)
    entra.sandbox.entra.behaviour.add("maintenance", path="openid-configuration")
    assert entra.by_secret("full").status_code == 200


def test_azure_devops_and_microsoft_entra_fail_independently(entra: Client, call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status")
    assert entra.by_secret().status_code == 200
    sandbox.behaviour.clear()
    sandbox.entra.behaviour.add("status")
    assert call("GET", "/acme/_apis/projects").status_code == 200
    with pytest.raises(ValueError, match="entra_error"):
        sandbox.behaviour.add("entra_error", code=7000215)
    with pytest.raises(ValueError, match="code"):
        sandbox.entra.behaviour.add("entra_error")


def test_what_was_seen_holds_no_secret(entra: Client, sandbox: Sandbox) -> None:
    entra.by_secret()
    entra.by_assertion(entra.assertion())
    seen = [vars(request) for request in sandbox.entra.requests]
    assert [request["status"] for request in seen] == [200, 200]
    assert client_secret("full") not in json.dumps(seen, default=str)
    assert "assertion" not in json.dumps(seen, default=str)


@pytest.mark.parametrize("status", [401, 203])
def test_a_bearer_may_be_refused_because_of_throttling(call: Caller, sandbox: Sandbox, status: int) -> None:
    sandbox.behaviour.add("throttled_refusal", status=status, variant="all", retry_after=9, token="full")
    header = {"Authorization": f"Bearer {sandbox.entra.access_token('full')}"}
    answer = call("GET", "/acme/_apis/projects", token=None, headers=header)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "9")
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    other = {"Authorization": f"Bearer {sandbox.entra.access_token('limited')}"}
    assert call("GET", "/acme/_apis/projects", token=None, headers=other).status_code == 200
