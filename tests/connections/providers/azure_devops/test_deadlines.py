"""One deadline over everything: whoever drips, hangs or never takes what we send cannot hold a call."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from connections.providers.azure_devops import errors
from tests.connections.providers.azure_devops.authority import Authority
from tests.connections.providers.azure_devops.conftest import MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import PATIENCE, Loopback, Seen, Wire, answer, full_house

PROJECTS = ("_apis", "projects")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SHORT = 0.25


def hang(_seen: Seen, wire: Wire) -> None:
    wire.hang()


def drip_status_line(_seen: Seen, wire: Wire) -> None:
    wire.drip(b"HTTP/1.1 200 O", b"O")


def drip_header(_seen: Seen, wire: Wire) -> None:
    wire.drip(HEAD + b"X-Long: ")


def drip_headers(_seen: Seen, wire: Wire) -> None:
    wire.drip(HEAD, b"X: y\r\n", every=0.02)


def drip_continues(_seen: Seen, wire: Wire) -> None:
    wire.drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")


def drip_body(_seen: Seen, wire: Wire) -> None:
    wire.drip(HEAD + b"Content-Length: 1000000\r\n\r\n")


def drip_chunks(_seen: Seen, wire: Wire) -> None:
    wire.drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


def drip_a_body_without_length(_seen: Seen, wire: Wire) -> None:
    wire.drip(HEAD + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "script",
    [
        hang,
        drip_status_line,
        drip_header,
        drip_headers,
        drip_continues,
        drip_body,
        drip_chunks,
        drip_a_body_without_length,
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_answer_that_takes_too_long_is_given_up(
    serve: Serve,
    transport: MakeTransport,
    authority: Authority,
    script: Callable[[Seen, Wire], None],
    tls: bool,
) -> None:
    server = serve(script, tls=authority.server("127.0.0.1") if tls else None)
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT, ca_bundle=authority.bundle).ask("GET", PROJECTS)
    assert not server.gave_in.is_set()


def test_a_body_that_drips_after_a_redirect_is_given_up_too(serve: Serve, transport: MakeTransport) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000000\r\n\r\n"
    server = serve(lambda _seen, wire: wire.drip(head))
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT).ask("GET", PROJECTS)
    assert not server.gave_in.is_set()


# The head of a long piece of a handshake.
RECORD = b"\x16\x03\x03\x0f\xff"


@pytest.mark.parametrize("first", [b"", RECORD], ids=["silent", "dripping"])
def test_a_handshake_that_takes_too_long_is_given_up(serve: Serve, transport: MakeTransport, first: bytes) -> None:
    server = serve(greet=lambda wire: wire.drip(first, b"\x00") if first else wire.hang())
    with pytest.raises(errors.TimedOut):
        transport(f"https://127.0.0.1:{server.port}", deadline=SHORT).ask("GET", PROJECTS)
    assert not server.gave_in.is_set()


def open_a_tunnel_and_drip(_seen: Seen, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    wire.socket.recv(10_000)
    wire.drip(RECORD, b"\x00")


def test_a_handshake_inside_the_tunnel_of_a_secure_proxy_is_given_up_too(
    serve: Serve, transport: MakeTransport, authority: Authority
) -> None:
    proxy = serve(open_a_tunnel_and_drip, tls=authority.server("127.0.0.1"))
    asking = transport("https://azure.test", proxy=proxy.url, ca_bundle=authority.bundle, deadline=SHORT)
    with pytest.raises(errors.TimedOut):
        asking.ask("GET", PROJECTS)
    assert proxy.seen[0].method == "CONNECT"
    assert not proxy.gave_in.is_set()


@pytest.mark.parametrize("take", [Wire.hang, Wire.sip])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_server_that_does_not_take_what_we_send_is_given_up(
    serve: Serve, transport: MakeTransport, authority: Authority, take: Callable[[Wire], None], tls: bool
) -> None:
    server = serve(greet=take, tls=authority.server("127.0.0.1") if tls else None)
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT, ca_bundle=authority.bundle).ask("POST", PROJECTS, json="x" * 20_000_000)
    assert not server.gave_in.is_set()


@pytest.mark.parametrize("script", [hang, drip_header, drip_status_line])
def test_a_proxy_that_never_answers_is_given_up(
    serve: Serve, transport: MakeTransport, script: Callable[[Seen, Wire], None]
) -> None:
    proxy = serve(script)
    with pytest.raises(errors.TimedOut):
        transport("https://azure.test", proxy=proxy.url, deadline=SHORT).ask("GET", PROJECTS)
    assert proxy.seen[0].method == "CONNECT"
    assert not proxy.gave_in.is_set()


def test_a_host_that_takes_no_connection_is_given_up_at_the_connect_timeout(transport: MakeTransport) -> None:
    with full_house() as port, pytest.raises(errors.TimedOut):
        transport(f"http://127.0.0.1:{port}", connect_timeout=0.1, deadline=60.0).ask("GET", PROJECTS)


LookedUp = Callable[..., list[str]]


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> LookedUp:
    """Sets what a look-up of azure.test finds; returns the list of those that are tried."""
    real = socket.getaddrinfo

    tried: list[str] = []

    def find(*addresses: str) -> list[str]:
        def look_up(host: str, port: int, *more: int) -> object:
            if host != "azure.test":
                tried.append(host)
                return real(host, port, *more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return tried

    return find


def test_the_next_address_of_a_host_is_tried_when_one_refuses(
    serve: Serve, transport: MakeTransport, looked_up: LookedUp
) -> None:
    server = serve()
    looked_up("::1", "127.0.0.1")
    assert transport(f"http://azure.test:{server.port}").ask("GET", PROJECTS).status == 200
    assert server.seen[0]["Host"] == f"azure.test:{server.port}"


# One address in many spellings.
SPELLINGS = ("127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0177.1", "2130706433", "0x7f000001", "017700000001")


def test_many_addresses_that_do_not_answer_share_one_deadline(transport: MakeTransport, looked_up: LookedUp) -> None:
    tried = looked_up(*SPELLINGS)
    with full_house() as port, pytest.raises(errors.TimedOut):
        transport(f"http://azure.test:{port}", connect_timeout=0.1, deadline=SHORT).ask("GET", PROJECTS)
    assert 1 < len(tried) < len(SPELLINGS)


@pytest.fixture
def dead_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A name server that does not answer: whether it was asked, and whether the client outlasted it."""
    over, asked, gave_in = threading.Event(), threading.Event(), threading.Event()

    def look_up(*_asked: object, **_more: object) -> list[object]:
        asked.set()
        if not over.wait(PATIENCE):
            gave_in.set()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield asked, gave_in
    over.set()


@pytest.mark.parametrize("bounds", [{"deadline": SHORT}, {"connect_timeout": 0.1}])
def test_a_look_up_that_takes_too_long_is_given_up(
    transport: MakeTransport, dead_resolver: tuple[threading.Event, threading.Event], bounds: dict[str, float]
) -> None:
    asked, gave_in = dead_resolver
    with pytest.raises(errors.TimedOut):
        transport("https://azure.test", **bounds).ask("GET", PROJECTS)
    assert asked.is_set()
    assert not gave_in.is_set()


def test_a_slow_answer_within_the_deadline_is_read(serve: Serve, transport: MakeTransport) -> None:
    def slowly(_seen: Seen, wire: Wire) -> None:
        for byte in answer(200, b'{"a": 1}'):
            wire.send(bytes([byte]))

    assert transport(serve(slowly).url).get(PROJECTS).json_object() == {"a": 1}


def test_each_call_has_a_deadline_of_its_own(serve: Serve, transport: MakeTransport) -> None:
    def first_hangs(_seen: Seen, wire: Wire) -> None:
        if len(server.seen) == 1:
            wire.hang()
        wire.send(answer())

    server: Loopback = serve(first_hangs)
    asking = transport(server.url, deadline=SHORT)
    with pytest.raises(errors.TimedOut):
        asking.ask("GET", PROJECTS)
    assert asking.ask("GET", PROJECTS).status == 200
