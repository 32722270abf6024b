"""Where a request came from: nobody chooses his own address, and behind trusted proxies the real one is known."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from core.client_ip import InvalidProxies, client_address, parse_proxies


@pytest.mark.parametrize(
    ("trusted", "heard_from", "forwarded", "address"),
    [
        ([], "192.0.2.1", "", "192.0.2.1"),
        ([], "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (["192.0.2.1"], "192.0.2.1", "203.0.113.9", "203.0.113.9"),
        (["192.0.2.1"], "192.0.2.1", "", "192.0.2.1"),
        (["192.0.2.0/24"], "192.0.2.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["192.0.2.0/24"], "192.0.2.1", "198.51.100.1, 203.0.113.9, 192.0.2.2", "203.0.113.9"),
        (["192.0.2.0/24"], "192.0.2.1", "192.0.2.3, 192.0.2.2", "192.0.2.3"),
        (["192.0.2.1"], "192.0.2.1", "203.0.113.9:50123", "203.0.113.9"),
        (["192.0.2.1"], "192.0.2.1", "[2001:db8::7]:50123", "2001:db8::7"),
        (["192.0.2.1"], "192.0.2.1", "2001:0DB8:0:0:0:0:0:7", "2001:db8::7"),
        (["192.0.2.1"], "192.0.2.1", "203.0.113.9, unknown", "192.0.2.1"),
        (["192.0.2.1"], "::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        (["::ffff:192.0.2.1"], "192.0.2.1", "203.0.113.9", "203.0.113.9"),
        (["::ffff:192.0.2.0/120"], "::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        (["192.0.2.1"], "192.0.2.1", "::ffff:203.0.113.9", "203.0.113.9"),
        (["192.0.2.1"], "192.0.2.1", "[::ffff:203.0.113.9]:50123", "203.0.113.9"),
        (["192.0.2.1"], "192.0.2.1", "fe80::7%eth0", "fe80::7"),
        ([], "fe80::7%eth0", "", "fe80::7"),
        ([], "", "203.0.113.9", None),
        (["socket"], "", "203.0.113.9", "203.0.113.9"),
        (["socket"], "", "", None),
    ],
)
def test_only_whom_a_trusted_machine_heard_from_is_believed(
    settings: Settings, trusted: list[str], heard_from: str, forwarded: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=heard_from, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_a_proxy_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidProxies, match=r"“10\.0\.0\.0/99”"):
        parse_proxies(("10.0.0.1", "10.0.0.0/99"))
