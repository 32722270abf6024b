"""The protocol itself: methods, headers, connections, and the doors of whoever runs the sandbox."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from sandbox.samples import secret
from sandbox.server import Sandbox
from tests.sandbox.conftest import NOON, Caller


def raw(sandbox: Sandbox, *sent: bytes) -> bytes:
    """What comes back over one connection, until the sandbox ends it."""
    parts = urlsplit(sandbox.url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=10) as opened:
        for piece in sent:
            opened.sendall(piece)
        found = b""
        while piece := opened.recv(65536):
            found += piece
    return found


def test_addresses_are_found_in_any_case(call: Caller) -> None:
    answer = call("GET", "/ACME/storefront/_APIs/Build/Definitions")
    assert answer.json()["count"] == 6


def test_head_is_get_without_its_body(call: Caller) -> None:
    whole, head = call("GET", "/acme/_apis/projects"), call("HEAD", "/acme/_apis/projects")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]


def test_every_answer_carries_what_support_asks_for(call: Caller) -> None:
    answer = call("GET", "/acme/_apis/projects", headers={"X-TFS-Session": "a-session"})
    assert answer.headers["ActivityId"] == answer.headers["X-VSS-E2EID"]
    assert answer.headers["X-TFS-Session"] == "a-session"
    assert answer.headers["X-VSS-UserData"].endswith(":maya@example.com")
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_long_answer_is_compressed_for_those_who_take_it(call: Caller) -> None:
    answer = call("GET", "/acme/_apis/projects", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = call("GET", "/acme/_apis/projects", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == answer.json()


def test_one_connection_serves_many_requests_even_when_they_come_at_once(sandbox: Sandbox) -> None:
    asked = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    found = raw(sandbox, asked * 3 + asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert found.count(b"HTTP/1.1 404") == 4


def test_a_request_that_comes_in_pieces_is_put_together(sandbox: Sandbox) -> None:
    found = raw(sandbox, b"GET /nowh", b"ere HTTP/1.1\r\nHost: x\r\nConnec", b"tion: close\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000, b"400"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    assert raw(sandbox, sent).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "target", [b"http://somewhere/nowhere", b"//nowhere", b"/nowhere?[&=&%zz", b"/%ff%00", b"http://["]
)
def test_an_odd_address_is_an_address_all_the_same(sandbox: Sandbox, target: bytes) -> None:
    found = raw(sandbox, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 404")


def test_a_body_that_is_announced_is_waited_for(sandbox: Sandbox) -> None:
    parts = urlsplit(sandbox.url)
    client = http.client.HTTPConnection(parts.netloc, timeout=10)
    client.putrequest("POST", "/acme/_apis/projects")
    client.putheader("Content-Length", "2")
    client.putheader("Expect", "100-continue")
    client.endheaders()
    client.send(b"{}")
    assert client.getresponse().status == 302
    client.close()


def test_only_loopback_is_listened_on() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host="0.0.0.0")  # noqa: S104  (that it is refused is the point)


def test_what_was_asked_is_remembered_without_the_token(call: Caller, sandbox: Sandbox) -> None:
    call("GET", "/acme/_apis/projects", params={"$top": "1"})
    seen = sandbox.requests[-1]
    assert (seen.method, seen.path, seen.status, seen.at) == ("GET", "/acme/_apis/projects", 200, NOON)
    assert "$top=1" in seen.query
    assert secret("full") not in repr(sandbox.requests)


def test_a_sandbox_that_breaks_down_says_so_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    sandbox = Sandbox()
    sandbox.__enter__()
    sandbox.state.organizations["acme"].projects = None  # type: ignore[assignment]  # what no sandbox can answer from
    assert Caller(sandbox)("GET", "/acme/_apis/projects").status_code == 500
    with pytest.raises(RuntimeError, match="failed while it handled"):
        sandbox.__exit__()
    assert "Traceback" in capsys.readouterr().err


def test_the_doors_show_and_change_how_it_behaves(call: Caller, sandbox: Sandbox) -> None:
    added = call("POST", "/_sandbox/behaviour", json={"kind": "status", "status": 502, "path": "projects"})
    assert added.status_code == 201
    assert call("GET", "/acme/_apis/projects").status_code == 502
    assert call("GET", "/_sandbox/").json()["behaviour"][0]["kind"] == "status"
    call("DELETE", "/_sandbox/behaviour")
    assert call("GET", "/acme/_apis/projects").status_code == 200


def test_a_door_expires_tokens_and_takes_scopes_away(call: Caller) -> None:
    call("POST", "/_sandbox/tokens/full", json={"state": "expired"})
    assert call("GET", "/acme/_apis/projects").json()["typeKey"] == "AccessCheckException"
    call("POST", "/_sandbox/tokens/full", json={"state": "active", "scopes": ["vso.build"]})
    assert call("GET", "/acme/Storefront/_apis/git/repositories").status_code == 401


def test_a_door_says_what_there_is_to_try(call: Caller) -> None:
    overview = call("GET", "/_sandbox/").json()
    assert overview["organizations"]["maintenance"].startswith("is down for maintenance")
    assert overview["organizations"]["acme"] == ""
    assert overview["kinds"]["gateway"]["variants"] == ["text", "empty", "json", "page"]
    assert overview["tokens"]["full"] == "active"


def test_a_door_lets_time_pass(call: Caller, sandbox: Sandbox) -> None:
    assert call("POST", "/_sandbox/clock", json={"advance": 90}).status_code == 200
    assert (sandbox.state.now() - NOON).total_seconds() == 90


def test_a_door_shows_what_was_asked_and_never_a_token(call: Caller) -> None:
    call("GET", "/acme/_apis/projects")
    shown = call("GET", "/_sandbox/requests")
    assert shown.json()[-1]["path"] == "/acme/_apis/projects"
    assert secret("full") not in shown.text + call("GET", "/_sandbox/").text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "behaviour", {"kind": "surprise"}, 400),
        ("POST", "behaviour", {"kind": "status", "path": "("}, 400),
        ("POST", "behaviour", {"kind": "status", "colour": "red"}, 400),
        ("POST", "behaviour", {"kind": "status", "status": "teapot"}, 400),
        ("POST", "behaviour", {"kind": "status", "status": 7}, 400),
        ("POST", "behaviour", {"kind": "status", "headers": {"Retry-After": 37}}, 400),
        ("POST", "behaviour", {"kind": "status", "headers": {"A B": "x"}}, 400),
        ("POST", "behaviour", {"kind": "status", "headers": ["A"]}, 400),
        ("POST", "behaviour", {"kind": "omit_fields", "fields": "state"}, 400),
        ("POST", "tokens/full", {"state": "tired"}, 400),
        ("POST", "tokens/nobody", {}, 404),
        ("GET", "cellar", None, 404),
    ],
)
def test_a_door_that_does_not_open_says_why(call: Caller, method: str, path: str, body: object, status: int) -> None:
    answer = call(method, f"/_sandbox/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["message"]
