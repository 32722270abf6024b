"""Slow request bodies do not keep others from the pages behind nginx as docs/operating.md configures it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers.proxy import Site, site

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
SLOW = 24
# With a cookie and a referer as a browser sends them, or the product answers without reading the body.
HEAD = (
    "POST {path}/sign-in/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 1000\r\nX-Forwarded-Proto: https\r\nReferer: https://{host}{path}/sign-in/\r\n"
    f"Cookie: __Host-csrftoken={'a' * 32}; __Secure-csrftoken={'a' * 32}\r\n\r\n"
)
PATIENCE = 10


@pytest.fixture(scope="module", params=[("nginx", ""), ("nginx, below a path", "/repos")])
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[Site]:
    heading, path = request.param
    with site(heading, path, tmp_path_factory.mktemp("site"), migrated_file) as found:
        yield found


def begin(stack: ExitStack, found: Site, trust: ssl.SSLContext) -> socket.socket:
    """A request of which the body has begun, and goes on whenever another byte is sent."""
    parts = urlsplit(found.url)
    host, port = str(parts.hostname), int(parts.port or 0)
    plain = stack.enter_context(socket.create_connection((host, port), timeout=PATIENCE))
    opened = stack.enter_context(trust.wrap_socket(plain, server_hostname=host))
    opened.sendall(HEAD.format(host=parts.netloc, path=parts.path).encode() + b"u")
    return opened


def test_pages_answer_while_many_bodies_come_slowly(product: Site) -> None:
    trust = ssl.create_default_context(cafile=product.bundle)
    with ExitStack() as stack:
        slow = [begin(stack, product, trust) for _ in range(SLOW)]
        for _ in range(3):
            answer = requests.get(f"{product.url}/sign-in/", verify=product.bundle, timeout=PATIENCE)
            assert answer.status_code == 200
            for connection in slow:
                connection.sendall(b"s")
