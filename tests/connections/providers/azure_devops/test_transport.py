"""What goes over the wire: the token once and to one place only, names encoded once, nothing followed or kept."""

import base64
from pathlib import Path

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import successful
from tests.connections.providers.azure_devops.conftest import SECRET, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, always, answer, json_answer

PROJECTS = ("_apis", "projects")


def test_the_token_is_sent_as_basic_with_an_empty_user_name(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("GET", PROJECTS)
    scheme, _, credentials = server.seen[0]["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials) == b":" + SECRET.encode()


def test_every_request_asks_for_json_and_for_no_sign_in_page(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("POST", PROJECTS, json={})
    seen = server.seen[0]
    assert seen["Accept"] == "application/json"
    assert seen["X-TFS-FedAuthRedirect"] == "Suppress"
    assert seen["User-Agent"].startswith("MFE-Orchestrator/")


def test_the_requests_of_one_client_carry_one_session_id(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    one, other = transport(server.url), transport(server.url)
    for asking in (one, one, other):
        asking.ask("GET", PROJECTS)
    first, second, third = (seen["X-TFS-Session"] for seen in server.seen)
    assert first == second != third


def test_the_version_is_in_the_query_and_dollars_stay_dollars(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("GET", PROJECTS, query={"$top": "5", "name": "a&b c/ü"})
    assert server.seen[0].query == "$top=5&name=a%26b%20c%2F%C3%BC&api-version=7.1"


def test_a_body_is_json_in_utf_8(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("POST", PROJECTS, json={"comment": "Grüße"})
    assert server.seen[0]["Content-Type"] == "application/json; charset=utf-8"
    assert server.seen[0].body == '{"comment": "Grüße"}'.encode()


def test_a_read_carries_no_body(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("GET", PROJECTS)
    assert server.seen[0].all("Content-Type") == []
    assert server.seen[0].body == b""


def test_cookies_are_never_sent_back(serve: Serve, transport: MakeTransport) -> None:
    cookies = [
        ("Set-Cookie", "VstsSession=somebody; path=/"),
        ("Set-Cookie", "UserAuthentication=somebody; domain=127.0.0.1; path=/; HttpOnly"),
    ]
    server = serve(always(answer(200, b"{}", *cookies)))
    asking = transport(server.url)
    asking.ask("GET", PROJECTS)
    asking.ask("GET", PROJECTS)
    assert server.connections == 1
    assert [seen.all("Cookie") for seen in server.seen] == [[], []]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_to_the_same_host_is_not_followed(
    serve: Serve, transport: MakeTransport, status: int, method: str
) -> None:
    server = serve(always(answer(status, b"", ("Location", "/elsewhere"))))
    said = transport(server.url).ask(method, PROJECTS, json={} if method == "POST" else None)
    assert said.status == status
    assert [seen.path for seen in server.seen] == ["/acme/_apis/projects"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_token_to_no_other_host(serve: Serve, transport: MakeTransport, status: int) -> None:
    other = serve()
    server = serve(always(answer(status, b"", ("Location", f"{other.url}/steal"))))
    transport(server.url).ask("GET", PROJECTS)
    assert other.connections == 0
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("location", "meaning"),
    [
        ("https://spsprod.vssps.visualstudio.com/_signin?realm=x", errors.SignInRequired),
        ("/_signin", errors.SignInRequired),
        ("https://spsprod.example.com/_signin", errors.Redirected),
    ],
)
def test_only_a_redirect_to_its_own_sign_in_is_a_request_to_sign_in(
    serve: Serve, transport: MakeTransport, location: str, meaning: type[errors.AzureDevOpsError]
) -> None:
    server = serve(always(answer(302, b"", ("Location", location))))
    with pytest.raises(meaning):
        transport(server.url).get(PROJECTS)


@pytest.mark.parametrize("header", ["Refresh", "Content-Location", "Alt-Svc", "Link", "Host"])
def test_no_other_header_sends_us_elsewhere(serve: Serve, transport: MakeTransport, header: str) -> None:
    other = serve()
    server = serve(always(answer(200, b"{}", (header, f"{other.url}/steal"))))
    asking = transport(server.url)
    asking.ask("GET", PROJECTS)
    asking.ask("GET", PROJECTS)
    assert other.connections == 0
    assert len({seen["Host"] for seen in server.seen}) == 1


def test_a_netrc_does_not_take_the_place_of_the_token(
    serve: Serve, transport: MakeTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login any password one\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve()
    transport(server.url).ask("GET", PROJECTS)
    _, _, credentials = server.seen[0]["Authorization"].partition(" ")
    assert base64.b64decode(credentials) == b":" + SECRET.encode()


@pytest.mark.parametrize(
    "organization", ["@evil.example", "acme@evil.example:80", ":80@evil.example", "evil.example#", "a?b", "a b"]
)
def test_no_organization_changes_the_host(serve: Serve, transport: MakeTransport, organization: str) -> None:
    server = serve()
    transport(server.url, organization).ask("GET", PROJECTS)
    assert server.seen[0]["Host"] == f"127.0.0.1:{server.port}"
    assert server.seen[0].path.endswith("/_apis/projects")


def test_the_release_service_of_another_server_is_on_the_same_host(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(server.url).ask("GET", ("p", "_apis", "release", "releases"), service="release")
    assert server.seen[0].path == "/acme/p/_apis/release/releases"


def test_the_release_service_of_microsoft_is_on_a_host_of_its_own() -> None:
    assert Server("Services", "https://dev.azure.com").release_url == "https://vsrm.dev.azure.com"


def test_a_server_with_a_path_keeps_it(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    transport(f"{server.url}/tfs", "DefaultCollection").ask("GET", PROJECTS)
    assert server.seen[0].path == "/tfs/DefaultCollection/_apis/projects"


@pytest.mark.parametrize(
    ("name", "on_the_wire"),
    [
        ("Web Shop", "Web%20Shop"),
        ('O\'Neill "Q"', "O%27Neill%20%22Q%22"),
        ("Größe", "Gr%C3%B6%C3%9Fe"),
        ("項目", "%E9%A0%85%E7%9B%AE"),
        ("100%", "100%25"),
        ("a%20b", "a%2520b"),
        ("a%2eb", "a%252eb"),
        ("a+b", "a%2Bb"),
        ("a?b#c", "a%3Fb%23c"),
        ("..a", "..a"),
        ("a~b", "a~b"),
    ],
)
def test_names_are_encoded_exactly_once(serve: Serve, transport: MakeTransport, name: str, on_the_wire: str) -> None:
    server = serve()
    transport(server.url).ask("GET", ("_apis", "projects", name))
    assert server.seen[0].path == f"/acme/_apis/projects/{on_the_wire}"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "%2e%2e", "%2E.", "%252e%252e", "../x", "a/b", "a\\b", "a%2fb", "a%5Cb", "a\r\nb", "a\0b", "a%00b"],
)
def test_a_name_that_leaves_its_place_in_the_path_is_not_sent(
    serve: Serve, transport: MakeTransport, name: str
) -> None:
    server = serve()
    with pytest.raises(errors.NotFound):
        transport(server.url).ask("GET", ("_apis", "projects", name))
    assert server.connections == 0


def test_an_organization_that_climbs_is_not_sent(serve: Serve, transport: MakeTransport) -> None:
    server = serve()
    with pytest.raises(errors.NotFound):
        transport(server.url, "..").ask("GET", PROJECTS)
    assert server.connections == 0


def test_a_byte_order_mark_is_no_part_of_the_answer(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b'\xef\xbb\xbf{"name": "\xc3\xa4"}')))
    assert transport(server.url).get(PROJECTS).json_object() == {"name": "ä"}


def test_header_names_count_in_any_case(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b"{}", ("X-MS-ContinuationToken", "abc"), ("ACTIVITYID", "5f1c2d3e-7777"))))
    said = transport(server.url).ask("GET", PROJECTS)
    assert said.continuation_token == "abc"
    assert said.activity_id == "5f1c2d3e-7777"


def test_a_connection_that_was_closed_while_it_idled_is_replaced_for_a_read(
    serve: Serve, transport: MakeTransport
) -> None:
    def close_after_promising_to_stay(_seen: Seen, wire: Wire) -> None:
        wire.send(answer())
        wire.keep = False

    server = serve(close_after_promising_to_stay)
    asking = transport(server.url)
    assert [asking.ask("GET", PROJECTS).status for _ in range(2)] == [200, 200]


def test_a_write_that_was_cut_off_is_never_repeated(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda _seen, wire: wire.reset())
    with pytest.raises(errors.ConnectionFailed):
        transport(server.url).ask("POST", PROJECTS, json={})
    assert len(server.seen) == 1


def test_a_read_that_was_cut_off_is_repeated_once(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda _seen, wire: wire.reset())
    with pytest.raises(errors.ConnectionFailed):
        transport(server.url).ask("GET", PROJECTS)
    assert len(server.seen) == 2


def test_an_answer_knows_how_long_it_took(serve: Serve, transport: MakeTransport) -> None:
    assert transport(serve().url).ask("GET", PROJECTS).elapsed > 0


def test_a_success_that_is_no_json_is_no_success(serve: Serve, transport: MakeTransport) -> None:
    server = serve(always(answer(200, b"hello", ("Content-Type", "text/plain"))))
    with pytest.raises(errors.UnexpectedAnswer):
        transport(server.url).get(PROJECTS)


def test_success_is_handed_on_as_it_is(serve: Serve, transport: MakeTransport) -> None:
    said = transport(serve(always(json_answer({"a": 1}))).url).ask("GET", PROJECTS)
    assert successful(said) is said
