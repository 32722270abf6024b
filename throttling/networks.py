"""The network that a rate limit counts instead of a single address."""

from ipaddress import IPv6Address, ip_address, ip_network

# One subnet of one site: whoever is in it can use any of its 2^64 addresses. RFC 4291, section 2.5.4, and RFC 7934.
IPV6_PREFIX = 64
# Addresses that translators make out of an IPv4 address: RFC 6052, section 2.1.
_TRANSLATED = ip_network("64:ff9b::/96")


def network_of(address: str | None) -> str:
    """An IPv4 address itself, an IPv6 address' /64 such as `2001:db8:0:1::/64`, and "" without an address.

    IPv6 addresses that stand for an IPv4 address (`::ffff:192.0.2.1`, `64:ff9b::c000:201`) count as that address.
    Raises ValueError for anything else.
    """
    if not address:
        return ""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed in _TRANSLATED:
        return str(ip_address(int(parsed) & 0xFFFFFFFF))
    return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
