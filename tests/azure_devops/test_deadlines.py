"""One deadline over everything: whoever drips, hangs or never takes what we send cannot hold a call."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from connections.azure_devops import errors
from tests.azure_devops.authority import Authority
from tests.azure_devops.conftest import MakeTransport, Serve
from tests.azure_devops.loopback import Loopback, Seen, Wire, answer, full_house

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


def test_a_body_that_drips_after_a_redirect_is_given_up_too(serve: Serve, transport: MakeTransport) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000000\r\n\r\n"
    server = serve(lambda _seen, wire: wire.drip(head))
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT).ask("GET", PROJECTS)


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x03\x0f\xff"], ids=["silent", "dripping"])
def test_a_handshake_that_takes_too_long_is_given_up(serve: Serve, transport: MakeTransport, first: bytes) -> None:
    server = serve(greet=lambda wire: wire.drip(first, b"\x00") if first else wire.hang())
    with pytest.raises(errors.TimedOut):
        transport(f"https://127.0.0.1:{server.port}", deadline=SHORT).ask("GET", PROJECTS)


def test_a_server_that_does_not_take_what_we_send_is_given_up(serve: Serve, transport: MakeTransport) -> None:
    server = serve(greet=lambda wire: wire.hang())
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT).ask("POST", PROJECTS, json="x" * 20_000_000)


def take_a_little_at_a_time(wire: Wire) -> None:
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    while not wire.stopping.wait(0.01):
        wire.socket.recv(1024)


def test_a_server_that_takes_what_we_send_by_drops_is_given_up(serve: Serve, transport: MakeTransport) -> None:
    server = serve(greet=take_a_little_at_a_time)
    with pytest.raises(errors.TimedOut):
        transport(server.url, deadline=SHORT).ask("POST", PROJECTS, json="x" * 20_000_000)


@pytest.mark.parametrize("script", [hang, drip_header, drip_status_line])
def test_a_proxy_that_never_answers_is_given_up(
    serve: Serve, transport: MakeTransport, script: Callable[[Seen, Wire], None]
) -> None:
    proxy = serve(script)
    with pytest.raises(errors.TimedOut):
        transport("https://azure.test", proxy=proxy.url, deadline=SHORT).ask("GET", PROJECTS)
    assert proxy.seen[0].method == "CONNECT"


def test_a_host_that_takes_no_connection_is_given_up_at_the_connect_timeout(transport: MakeTransport) -> None:
    with full_house() as port, pytest.raises(errors.TimedOut):
        transport(f"http://127.0.0.1:{port}", connect_timeout=0.1, deadline=60.0).ask("GET", PROJECTS)


Found = list[tuple[object, object, int, str, tuple[str, int]]]


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what a look-up of azure.test finds."""
    real = socket.getaddrinfo

    def find(*addresses: str) -> None:
        def look_up(host: str, port: int, *more: int) -> object:
            if host != "azure.test":
                return real(host, port, *more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return find


def test_the_next_address_of_a_host_is_tried_when_one_refuses(
    serve: Serve, transport: MakeTransport, looked_up: Callable[..., None]
) -> None:
    server = serve()
    looked_up("::1", "127.0.0.1")
    assert transport(f"http://azure.test:{server.port}").ask("GET", PROJECTS).status == 200
    assert server.seen[0]["Host"] == f"azure.test:{server.port}"


def test_many_addresses_that_do_not_answer_share_one_deadline(
    transport: MakeTransport, looked_up: Callable[..., None]
) -> None:
    looked_up(*["127.0.0.1"] * 100)
    with full_house() as port, pytest.raises(errors.TimedOut):
        transport(f"http://azure.test:{port}", connect_timeout=60.0, deadline=SHORT).ask("GET", PROJECTS)


@pytest.fixture
def dead_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A name server that does not answer while the test lasts."""
    over, asked = threading.Event(), threading.Event()

    def look_up(*_asked: object, **_more: object) -> list[object]:
        asked.set()
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield asked
    over.set()


@pytest.mark.parametrize("bounds", [{"deadline": SHORT}, {"connect_timeout": 0.1}])
def test_a_look_up_that_takes_too_long_is_given_up(
    transport: MakeTransport, dead_resolver: threading.Event, bounds: dict[str, float]
) -> None:
    with pytest.raises(errors.TimedOut):
        transport("https://azure.test", **bounds).ask("GET", PROJECTS)
    assert dead_resolver.is_set()


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
