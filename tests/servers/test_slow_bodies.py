"""Slow request bodies do not keep others from the pages behind nginx as docs/operating.md configures it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers.proxy import Site, site

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
SLOW = 24
HEAD = (
    "POST /sign-in/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 1000\r\nX-Forwarded-Proto: https\r\n\r\n"
)
PATIENCE = 10


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site("nginx", "", tmp_path_factory.mktemp("site")) as found:
        yield found


def begin(stack: ExitStack, address: tuple[str, int], host: str, trust: ssl.SSLContext | None) -> socket.socket:
    """A request of which the body has begun, and goes on whenever somebody sends another byte."""
    opened: socket.socket = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
    if trust:
        opened = stack.enter_context(trust.wrap_socket(opened, server_hostname=address[0]))
    opened.sendall(HEAD.format(host=host).encode() + b"u")
    return opened


def test_pages_answer_while_many_bodies_come_slowly(product: Site) -> None:
    parts = urlsplit(product.url)
    trust = ssl.create_default_context(cafile=product.bundle)
    with ExitStack() as stack:
        slow = [begin(stack, (str(parts.hostname), int(parts.port or 0)), parts.netloc, trust) for _ in range(SLOW)]
        for _ in range(3):
            answer = requests.get(f"{product.url}/sign-in/", verify=product.bundle, timeout=PATIENCE)
            assert answer.status_code == 200
            for connection in slow:
                connection.sendall(b"s")


def test_without_the_proxy_they_hold_every_thread(product: Site) -> None:
    """Why the configuration is needed, as the document says."""
    parts = urlsplit(product.web)
    host = urlsplit(product.url).netloc
    with ExitStack() as stack:
        for _ in range(SLOW):
            begin(stack, (str(parts.hostname), int(parts.port or 0)), host, None)
        with pytest.raises(requests.Timeout):
            requests.get(f"{product.web}/healthz", timeout=1)
