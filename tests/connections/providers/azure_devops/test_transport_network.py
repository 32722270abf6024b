"""Trouble on the way is told apart, and the standard environment variables name proxies and authorities."""

import base64
import socket
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from connections.providers.azure_devops import errors
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.conftest import SECRET, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import Seen, Wire, always, answer, nobody, tunnel_to

PROJECTS = ("_apis", "projects")
NOWHERE = "https://azure.test"


def cut_off(_seen: Seen, wire: Wire) -> None:
    wire.keep = False


def reset(_seen: Seen, wire: Wire) -> None:
    wire.reset()


def stop_in_the_headers(_seen: Seen, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    wire.keep = False


def stop_in_the_body(_seen: Seen, wire: Wire) -> None:
    wire.send(answer(200, b"{}", ("Content-Length", "20")))
    wire.keep = False


def stop_in_a_chunk(_seen: Seen, wire: Wire) -> None:
    wire.send(answer(200, b"5\r\nab", ("Transfer-Encoding", "chunked")))
    wire.keep = False


@pytest.mark.parametrize("script", [cut_off, reset, stop_in_the_body, stop_in_a_chunk])
def test_an_answer_that_is_cut_off_is_a_failed_connection(
    serve: Serve, transport: MakeTransport, script: Callable[[Seen, Wire], None]
) -> None:
    with pytest.raises(errors.ConnectionFailed) as raised:
        transport(serve(script).url).get(PROJECTS)
    assert raised.value.transient


def test_headers_that_are_cut_off_are_no_success(serve: Serve, transport: MakeTransport) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        transport(serve(stop_in_the_headers).url).get(PROJECTS)


def test_a_refused_connection_is_a_failed_connection(transport: MakeTransport) -> None:
    with pytest.raises(errors.ConnectionFailed):
        transport(f"http://127.0.0.1:{nobody()}").get(PROJECTS)


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x01\x02\x03\n", b"HTTP/1.1 hello\r\n\r\n"])
def test_what_does_not_speak_http_is_an_unexpected_answer(serve: Serve, transport: MakeTransport, said: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        transport(serve(always(said)).url).get(PROJECTS)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_server_is_told_apart_from_no_answer(
    serve: Serve, transport: MakeTransport, status: int
) -> None:
    server = serve(always(answer(status, b"oops", ("Content-Type", "text/plain"))))
    with pytest.raises(errors.ServerError) as raised:
        transport(server.url).get(PROJECTS)
    assert raised.value.status == status
    assert raised.value.transient


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_a_name_that_is_not_found_is_a_dns_failure(
    transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def look_up(*_asked: object) -> None:
        raise socket.gaierror(number, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(errors.DnsFailure) as raised:
        transport(NOWHERE).get(PROJECTS)
    assert raised.value.transient


def test_a_name_that_cannot_be_one_is_a_dns_failure(transport: MakeTransport) -> None:
    with pytest.raises((errors.DnsFailure, errors.UnexpectedAnswer)):
        transport(f"https://{'a' * 70}.test").get(PROJECTS)


def test_an_authority_that_nobody_trusts_is_a_tls_failure(
    serve: Serve, transport: MakeTransport, authority: Authority
) -> None:
    server = serve(tls=authority.server("127.0.0.1"))
    with pytest.raises(errors.TlsFailure) as raised:
        transport(server.url).get(PROJECTS)
    assert not raised.value.transient
    assert server.seen == []


@pytest.mark.parametrize(("name", "days"), [("elsewhere.test", 10), ("127.0.0.1", -1)], ids=["wrong name", "expired"])
def test_a_certificate_that_does_not_hold_is_a_tls_failure(
    serve: Serve, transport: MakeTransport, authority: Authority, name: str, days: int
) -> None:
    server = serve(tls=authority.server(name, days=days))
    with pytest.raises(errors.TlsFailure):
        transport(server.url, ca_bundle=authority.bundle).get(PROJECTS)
    assert server.seen == []


def test_a_server_that_speaks_no_tls_is_a_tls_failure(serve: Serve, transport: MakeTransport) -> None:
    server = serve(greet=lambda wire: wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(errors.TlsFailure):
        transport(f"https://127.0.0.1:{server.port}").get(PROJECTS)


def test_a_handshake_that_is_cut_off_is_a_failed_connection(serve: Serve, transport: MakeTransport) -> None:
    def hang_up(wire: Wire) -> None:
        wire.socket.recv(100_000)

    server = serve(greet=hang_up)
    with pytest.raises(errors.ConnectionFailed):
        transport(f"https://127.0.0.1:{server.port}").get(PROJECTS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_bundle_that_windows_wrote_is_trusted(
    serve: Serve, transport: MakeTransport, authority: Authority, tmp_path: Path, encoding: str
) -> None:
    bundle = tmp_path / "own.pem"
    bundle.write_text(Path(authority.bundle).read_text() + "Größe\n", encoding=encoding, newline="\r\n")
    server = serve(tls=authority.server("127.0.0.1"))
    assert transport(server.url, ca_bundle=str(bundle)).get(PROJECTS).status == HTTPStatus.OK
    server = serve(tls=authority.server("elsewhere.example"))
    with pytest.raises(errors.TlsFailure):
        transport(server.url, ca_bundle=str(bundle)).get(PROJECTS)


def test_a_bundle_that_is_not_there_is_a_tls_failure(
    serve: Serve, transport: MakeTransport, authority: Authority, tmp_path: Path
) -> None:
    server = serve(tls=authority.server("127.0.0.1"))
    with pytest.raises(errors.TlsFailure):
        transport(server.url, ca_bundle=str(tmp_path / "missing.pem")).get(PROJECTS)


def test_a_bundle_that_holds_no_certificate_is_a_tls_failure(
    serve: Serve, transport: MakeTransport, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.write_text("nothing here")
    server = serve(tls=authority.server("127.0.0.1"))
    with pytest.raises(errors.TlsFailure):
        transport(server.url, ca_bundle=str(bundle)).get(PROJECTS)


def test_the_environment_names_a_private_authority(
    serve: Serve, transport: MakeTransport, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.bundle)
    server = serve(tls=authority.server("127.0.0.1"))
    assert transport(server.url).get(PROJECTS).status == 200


def test_a_server_may_bring_an_authority_of_its_own(
    serve: Serve, transport: MakeTransport, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    server = serve(tls=authority.server("127.0.0.1"))
    assert transport(server.url, ca_bundle=authority.bundle).get(PROJECTS).status == 200


def test_the_environment_names_a_proxy_which_sees_no_token(
    serve: Serve, transport: MakeTransport, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=authority.server("azure.test"))
    proxy = serve(tunnel_to(server.port))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert transport(NOWHERE, ca_bundle=authority.bundle).get(PROJECTS).status == 200
    (seen,) = proxy.seen
    assert (seen.method, seen.target) == ("CONNECT", "azure.test:443")
    assert seen.all("Authorization") == seen.all("Proxy-Authorization") == []
    assert SECRET.encode() in base64.b64decode(server.seen[0]["Authorization"].removeprefix("Basic "))


def test_the_credentials_of_a_proxy_are_for_the_proxy_alone(
    serve: Serve, transport: MakeTransport, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=authority.server("azure.test"))
    proxy = serve(tunnel_to(server.port))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//someone:password@"))
    transport(NOWHERE, ca_bundle=authority.bundle).get(PROJECTS)
    assert proxy.seen[0]["Proxy-Authorization"] == "Basic " + base64.b64encode(b"someone:password").decode()
    assert server.seen[0].all("Proxy-Authorization") == []


def test_the_environment_names_hosts_that_need_no_proxy(
    transport: MakeTransport, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "azure.test,other.test")
    monkeypatch.setattr(socket, "getaddrinfo", _not_found)
    with pytest.raises(errors.DnsFailure):
        transport(NOWHERE).get(PROJECTS)
    assert proxy.connections == 0


def _not_found(*_asked: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def test_a_server_may_bring_a_proxy_of_its_own(
    serve: Serve, transport: MakeTransport, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody()}")
    server = serve(tls=authority.server("azure.test"))
    proxy = serve(tunnel_to(server.port))
    assert transport(NOWHERE, ca_bundle=authority.bundle, proxy=proxy.url).get(PROJECTS).status == 200


def test_a_server_may_go_without_the_proxy_of_the_environment(
    transport: MakeTransport, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setattr(socket, "getaddrinfo", _not_found)
    with pytest.raises(errors.DnsFailure):
        transport(NOWHERE, proxy="").get(PROJECTS)
    assert proxy.connections == 0


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_this_machine_itself_is_never_asked_through_a_proxy(
    serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy, server = serve(), serve()
    monkeypatch.setenv(variable, proxy.url)
    assert transport(server.url).get(PROJECTS).status == 200
    assert proxy.connections == 0


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_does_not_connect_us_is_told_apart(serve: Serve, transport: MakeTransport, status: int) -> None:
    proxy = serve(always(answer(status, b"<html>no</html>", ("Content-Type", "text/html"))))
    with pytest.raises(errors.ProxyFailed) as raised:
        transport(NOWHERE, proxy=proxy.url).get(PROJECTS)
    assert raised.value.code == "proxy_failed"
    assert raised.value.transient


@pytest.mark.parametrize("address", [NOWHERE, "http://azure.test"])
def test_a_proxy_that_wants_a_password_is_told_apart(serve: Serve, transport: MakeTransport, address: str) -> None:
    proxy = serve(always(answer(407, b"<html>no</html>", ("Content-Type", "text/html"))))
    with pytest.raises(errors.ProxyRefused) as raised:
        transport(address, proxy=proxy.url).get(PROJECTS)
    assert not raised.value.transient


def test_a_proxy_that_is_not_there_is_told_apart(transport: MakeTransport) -> None:
    with pytest.raises(errors.ProxyFailed):
        transport(NOWHERE, proxy=f"http://127.0.0.1:{nobody()}").get(PROJECTS)


def test_a_proxy_whose_name_is_not_found_says_nothing_of_the_servers_name(
    transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _not_found)
    with pytest.raises(errors.ProxyFailed):
        transport(NOWHERE, proxy="http://proxy.test:3128").get(PROJECTS)


def test_a_certificate_that_does_not_hold_is_no_fault_of_the_proxy(
    serve: Serve, transport: MakeTransport, authority: Authority
) -> None:
    server = serve(tls=authority.server("azure.test"))
    proxy = serve(tunnel_to(server.port))
    with pytest.raises(errors.TlsFailure):
        transport(NOWHERE, proxy=proxy.url).get(PROJECTS)
    assert server.seen == []
