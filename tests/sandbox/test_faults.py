"""Everything that can go wrong on the way, on demand."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.fault_injection import KINDS
from sandbox.samples import secret
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

PROJECTS = "/acme/_apis/projects"
BUILDS = "/acme/Storefront/_apis/build/builds"


def test_a_late_answer_is_late_and_keeps_nobody_else_waiting(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("latency", path="projects", seconds=30.0)
    late = requests.Session()
    with pytest.raises(requests.exceptions.ReadTimeout):
        late.get(sandbox.url + PROJECTS, auth=("", secret("full")), timeout=0.2)
    assert call("GET", "/acme/Storefront/_apis/git/repositories").status_code == 200
    late.close()


def test_what_a_late_answer_is_about_has_been_done(call: Caller, sandbox: Sandbox) -> None:
    before = call("GET", BUILDS).json()["count"]
    sandbox.behaviour.add("latency", method="POST", seconds=30.0, times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            sandbox.url + BUILDS + "?api-version=7.1",
            json={"definition": {"id": 1}},
            auth=("", secret("full")),
            timeout=0.2,
        )
    assert call("GET", BUILDS).json()["count"] == before + 1


def test_throttling_comes_with_every_header(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("throttle", retry_after=7)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    limits = {"X-RateLimit-Resource", "X-RateLimit-Delay", "X-RateLimit-Limit", "X-RateLimit-Remaining"}
    assert limits <= set(answer.headers)
    assert int(answer.headers["X-RateLimit-Reset"]) == int(sandbox.state.now().timestamp()) + 7


def test_near_the_limit_a_good_answer_asks_to_wait(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("near_limit", retry_after=5)
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["X-RateLimit-Remaining"]) == (
        200,
        "5",
        "3",
    )
    assert answer.json()["count"] == 100


def test_the_busy_organization_is_always_near_its_limit(call: Caller) -> None:
    assert call("GET", "/busy/_apis/projects").headers["Retry-After"] == "5"


def test_a_status_comes_with_the_body_and_headers_that_were_told(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=502, body="<html>Bad gateway</html>", headers={"Content-Type": "text/html"})
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.text) == (502, "<html>Bad gateway</html>")
    assert answer.headers["Content-Type"] == "text/html"


def test_the_down_organization_is_down(call: Caller) -> None:
    assert call("GET", "/down/_apis/projects").status_code == 500


def test_a_sign_in_page_is_203(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("sign_in_page")
    answer = call("GET", PROJECTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (203, "text/html; charset=utf-8")
    assert call("GET", "/signin/_apis/projects").status_code == 203


@pytest.mark.parametrize("kind", ["close", "reset", "cut"])
def test_a_broken_connection_gives_no_whole_answer(call: Caller, sandbox: Sandbox, kind: str) -> None:
    sandbox.behaviour.add(kind)
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        call("GET", PROJECTS)


def test_a_reset_is_a_reset(sandbox: Sandbox) -> None:
    sandbox.behaviour.add("reset")
    parts = urlsplit(sandbox.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as opened:
        opened.sendall(b"GET /acme/_apis/projects HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            opened.recv(1)


def test_a_drip_goes_on_for_ever(sandbox: Sandbox) -> None:
    sandbox.behaviour.add("drip", seconds=0.01)
    parts = urlsplit(sandbox.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as opened:
        opened.sendall(b"GET /acme/_apis/projects HTTP/1.1\r\nHost: x\r\n\r\n")
        found = b""
        while b"\r\n\r\n" not in found or len(found.partition(b"\r\n\r\n")[2]) < 5:
            found += opened.recv(100)
    assert found.endswith(b"    ")


@pytest.mark.parametrize("kind", ["oversized", "bomb"])
def test_an_answer_can_be_more_than_anybody_wants(sandbox: Sandbox, kind: str) -> None:
    sandbox.behaviour.add(kind)
    size = 0
    with requests.get(sandbox.url + PROJECTS, auth=("", secret("full")), stream=True, timeout=30) as answer:
        for piece in answer.iter_content(1024 * 1024):
            size += len(piece)
    assert size == 64 * 1024 * 1024


def test_what_calls_itself_json_need_not_be_any(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("not_json")
    answer = call("GET", PROJECTS)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.text == "{not json"


def test_a_byte_order_mark_may_come_first(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("bom")
    assert call("GET", PROJECTS).content.startswith(b'\xef\xbb\xbf{"count"')


def test_a_rule_may_hold_for_one_kind_of_request_only(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", organization="ACME", method="get", path=r"projects\Z", token="full", status=502)
    assert call("GET", PROJECTS).status_code == 502
    assert call("GET", PROJECTS, token="read-only").status_code == 200
    assert call("HEAD", PROJECTS).status_code == 200
    assert call("GET", PROJECTS + "/Storefront").status_code == 200
    assert call("GET", "/fabrikam/_apis/projects").status_code == 200


def test_a_rule_may_begin_late_and_end_early(call: Caller, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=502, after=1, times=2)
    assert [call("GET", PROJECTS).status_code for _ in range(4)] == [200, 502, 502, 200]


@pytest.mark.parametrize(("carried_out", "more"), [(False, 0), (True, 1)])
def test_a_lost_answer_may_hide_that_something_was_done(
    call: Caller, sandbox: Sandbox, carried_out: bool, more: int
) -> None:
    before = call("GET", BUILDS).json()["count"]
    sandbox.behaviour.add("close", method="POST", carried_out=carried_out)
    with pytest.raises(requests.exceptions.ConnectionError):
        call("POST", BUILDS, json={"definition": {"id": 1}})
    assert call("GET", BUILDS).json()["count"] == before + more


def test_the_stuck_organization_drips(call: Caller, sandbox: Sandbox) -> None:
    assert [fault.kind for fault in sandbox.state.organizations["stuck"].usual_faults] == ["drip"]


def test_every_kind_of_fault_has_a_test() -> None:
    names = (
        "test_faults",
        "test_fault_answers",
        "test_list_faults",
        "test_permissions",
        "test_entra_faults",
        "test_personal_tokens",
    )
    text = "".join(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in names)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
