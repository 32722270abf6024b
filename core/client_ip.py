"""The client address of a request, also behind trusted proxies."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network
# Stands for a proxy on the same machine that connects over a Unix socket and so has no address.
SOCKET = "socket"


class InvalidProxies(ValueError):
    """TRUSTED_PROXIES cannot be read. The message says why."""


@lru_cache(maxsize=8)
def parse_proxies(entries: tuple[str, ...]) -> tuple[bool, tuple[Network, ...]]:
    """Whether a proxy on a socket is trusted, and the networks of trusted proxies. Raises `InvalidProxies`."""
    networks = []
    for entry in entries:
        if entry == SOCKET:
            continue
        try:
            networks.append(_without_mapping(ip_network(entry)))
        except ValueError:
            raise InvalidProxies(f"“{entry}” in TRUSTED_PROXIES is neither an address nor a network.") from None
    return SOCKET in entries, tuple(networks)


def _without_mapping(network: Network) -> Network:
    """`::ffff:10.1.0.0/112` as 10.1.0.0/16, because such addresses are compared as IPv4."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return ip_network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network


def is_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the request was sent by one of TRUSTED_PROXIES."""
    return _is_trusted(_sender(request))


def client_address(request: HttpRequest) -> str | None:
    """The client's address, as far as trusted proxies report it; None if it is unknown.

    Each proxy appends the address of its sender to X-Forwarded-For. The list is read from its end, and only as long as
    the proxy that appended an entry is trusted, so entries that a client made up are never used.
    """
    sender = _sender(request)
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_trusted(sender):
        hop = _address(hops.pop())
        if hop is None:
            break
        sender = hop
    return sender


def _sender(request: HttpRequest) -> str | None:
    return _address(request.META.get("REMOTE_ADDR", ""))


def _is_trusted(sender: str | None) -> bool:
    trusts_socket, networks = parse_proxies(tuple(settings.TRUSTED_PROXIES))
    if sender is None:
        return trusts_socket
    address = ip_address(sender)
    return any(address in network for network in networks)


def _address(text: str) -> str | None:
    """An address in its shortest form, without the port or the IPv6 zone that some proxies add."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)
