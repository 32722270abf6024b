"""Where a request came from, also behind proxies that the operator trusts."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network
# A proxy on the same machine that speaks over a socket has no address.
SOCKET = "socket"


class InvalidProxies(ValueError):
    """TRUSTED_PROXIES cannot be read. The message says why."""


@lru_cache(maxsize=8)
def parse_proxies(entries: tuple[str, ...]) -> tuple[bool, tuple[Network, ...]]:
    """Whether a proxy without an address is trusted, and the networks of those with one. Raises `InvalidProxies`."""
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
    """`::ffff:10.1.0.0/112` is 10.1.0.0/16: addresses are compared as IPv4 where they stand for one."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return ip_network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network


def is_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the machine that sent this is one that the operator trusts."""
    trusts_socket, networks = parse_proxies(tuple(settings.TRUSTED_PROXIES))
    heard_from = _address(request.META.get("REMOTE_ADDR", ""))
    return _is_within(heard_from, networks) if heard_from else trusts_socket


def client_address(request: HttpRequest) -> str | None:
    """The address nearest to the person that a trusted machine vouches for; None when there is none.

    Each proxy adds whom it heard from at the end of X-Forwarded-For, so the list is read from its end, and only
    as long as the one who added an entry is trusted. What a person writes at its beginning is never reached.
    """
    trusts_socket, networks = parse_proxies(tuple(settings.TRUSTED_PROXIES))
    heard_from = _address(request.META.get("REMOTE_ADDR", ""))
    trusted = _is_within(heard_from, networks) if heard_from else trusts_socket
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while trusted and hops:
        hop = _address(hops.pop())
        if hop is None:
            break
        heard_from, trusted = hop, _is_within(hop, networks)
    return heard_from


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


def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    return any(ip_address(address) in network for network in networks)
