"""Parse the settings of servers, with messages about errors.

The list has the servers, and which of them is the sandbox. Three more settings have, by server name, the certificate
authorities, the proxy, and the permission to use plain HTTP.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from connections.providers.azure_devops.certificates import marked_certificates, text_of
from connections.providers.azure_devops.models import SERVICES_URL, Kind, Server, is_loopback

SERVERS = "AZURE_DEVOPS_SERVERS"
CA_BUNDLES = "AZURE_DEVOPS_CA_BUNDLES"
PROXIES = "AZURE_DEVOPS_PROXIES"
PLAIN_HTTP = "AZURE_DEVOPS_PLAIN_HTTP"
# The text that confirms the use of plain HTTP.
PLAIN_HTTP_WORDS = "anybody on the network can read the tokens"
NO_PROXY = "none"
LONGEST_NAME = 100
# Follows the address of a server, after white space.
SANDBOX_KIND = "kind=sandbox"
_SERVICES_HOSTS = ("dev.azure.com", "visualstudio.com")


class InvalidServers(ValueError):
    """The settings of servers are invalid. The message says where and why, and contains no password."""


def parse_servers(servers: str, *, ca_bundles: str = "", proxies: str = "", plain_http: str = "") -> tuple[Server, ...]:
    """Parse the servers. Each text is a list such as `Name=value, Name=value`. Raises `InvalidServers`.

    The values are an address, a file of certificate authorities, the address of a proxy or "none", and
    `PLAIN_HTTP_WORDS`. Files are not read; `authorities_problem` does that.
    """
    entries = list(_entries(servers))
    names = [name for name, _ in entries]
    if not entries:
        raise InvalidServers(f"{SERVERS} lists no server.")
    if len({name.casefold() for name in names}) != len(names):
        raise InvalidServers(f"{SERVERS} lists two servers with the same name.")
    bundles = _by_name(CA_BUNDLES, ca_bundles, names)
    proxy_of = {name: _proxy(name, value) for name, value in _by_name(PROXIES, proxies, names).items()}
    readable = _readable(_by_name(PLAIN_HTTP, plain_http, names))
    parsed = []
    for position, (name, value) in enumerate(entries, start=1):
        address, kind = _kind(name, value)
        url = _url(position, name, address, readable=name in readable)
        parsed.append(Server(name=name, url=url, ca_bundle=bundles.get(name), proxy=proxy_of.get(name), kind=kind))
    _check_sandbox(parsed)
    _check_plain_http(parsed, readable)
    return tuple(parsed)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Each entry as the texts before and after its first "="."""
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (part.strip() for part in entry.partition("="))
        yield name, value


def _kind(name: str, value: str) -> tuple[str, Kind]:
    """The address and the kind of server in an entry."""
    words = value.split()
    if not any(word.startswith("kind=") for word in words[1:]):
        return value, "azure_devops"
    if words[1:] != [SANDBOX_KIND]:
        raise InvalidServers(f"Only {SANDBOX_KIND} can follow the address of “{name}” in {SERVERS}.")
    return words[0], "sandbox"


def _check_sandbox(servers: Sequence[Server]) -> None:
    sandboxes = [server for server in servers if server.is_sandbox]
    if len(sandboxes) > 1:
        raise InvalidServers(f"{SERVERS} lists more than one server with {SANDBOX_KIND}. Only one is allowed.")
    if any(not server.is_loopback for server in sandboxes):
        raise InvalidServers(
            f"“{sandboxes[0].name}” in {SERVERS} has {SANDBOX_KIND}, but the sandbox must run on this machine."
        )


def _by_name(setting: str, text: str, names: Sequence[str]) -> dict[str, str]:
    by_name: dict[str, str] = {}
    # Messages use positions: after a comma in a password, the apparent name may be a part of it.
    for position, (name, value) in enumerate(_entries(text), start=1):
        if not (name and value):
            raise InvalidServers(f"Entry {position} of {setting} does not have the form Name=value.")
        if name not in names:
            known = ", ".join(f"“{listed}”" for listed in names)
            raise InvalidServers(f"Entry {position} of {setting} names none of the servers in {SERVERS}: {known}.")
        if name in by_name:
            raise InvalidServers(f"{setting} lists “{name}” twice.")
        by_name[name] = value
    return by_name


def _readable(words: Mapping[str, str]) -> set[str]:
    for name, text in words.items():
        if " ".join(text.casefold().split()) != PLAIN_HTTP_WORDS:
            raise InvalidServers(f"{PLAIN_HTTP} must contain exactly: {name}={PLAIN_HTTP_WORDS}")
    return set(words)


def _url(position: int, name: str, address: str, *, readable: bool) -> str:
    parts = _address(address)
    if not name or parts is None or not parts.hostname or parts.scheme not in ("https", "http"):
        raise InvalidServers(f"Entry {position} of {SERVERS} does not have the form Name=https://server.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidServers(f"A name in {SERVERS} has more than {LONGEST_NAME} characters or an invisible one.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidServers(f"The address of “{name}” must not contain a user name, a query or a fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname) and not readable:
        raise InvalidServers(
            f"The address of “{name}” uses plain HTTP, so anyone on the network could read its tokens. Use https. "
            f"If that is not possible, set {PLAIN_HTTP}={name}={PLAIN_HTTP_WORDS}"
        )
    return _tidy(name, address, parts)


def _address(text: str) -> SplitResult | None:
    # urlsplit silently drops invisible characters.
    if not (text.isascii() and text.isprintable()) or " " in text:
        return None
    try:
        parts = urlsplit(text)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _tidy(name: str, address: str, parts: SplitResult) -> str:
    host, tidy = parts.hostname or "", address.rstrip("/")
    if host == "dev.azure.com" and parts.scheme == "https" and parts.port in (None, 443) and not parts.path.strip("/"):
        return SERVICES_URL
    if any(host == text or host.endswith(f".{text}") for text in _SERVICES_HOSTS):
        raise InvalidServers(
            f"The address of “{name}” belongs to Azure DevOps Services. Use {SERVICES_URL}; people enter their "
            "organization on the page."
        )
    path = [unquote(part) for part in tidy.partition("://")[2].split("/")[1:]]
    if any(part in ("", ".", "..") or part.startswith("_") or "%" in part or "/" in part for part in path):
        raise InvalidServers(
            f"The path in the address of “{name}” is not the path of a server, such as https://server/tfs."
        )
    if path and path[-1].casefold() == "defaultcollection":
        raise InvalidServers(f"The address of “{name}” contains a collection. Remove it; people enter it on the page.")
    return tidy


def _proxy(name: str, address: str) -> str:
    """The address of the proxy; empty for none."""
    if address.casefold() == NO_PROXY:
        return ""
    parts = _address(address)
    if parts is None or parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or "?" in address:
        # Never shown, as it may contain a password.
        raise InvalidServers(
            f"The proxy of “{name}” in {PROXIES} does not have the form http://host:port or {NO_PROXY}. "
            "Percent-encode special characters in a password."
        )
    return address.rstrip("/")


def _check_plain_http(servers: Sequence[Server], readable: set[str]) -> None:
    for server in servers:
        is_plain = server.url.lower().startswith("http:")
        if server.name in readable and not is_plain:
            # An obsolete entry could later allow plain HTTP by accident.
            raise InvalidServers(f"{PLAIN_HTTP} lists “{server.name}”, whose address is https. Remove it there.")
        if server.ca_bundle is not None and is_plain:
            raise InvalidServers(f"{CA_BUNDLES} lists “{server.name}”, which uses plain HTTP and has no certificate.")


def authorities_problem(path: str) -> str:
    """Why the file of certificate authorities is invalid, as the end of a sentence; empty if it is valid."""
    if not path.startswith("/"):
        return "is not an absolute path"
    try:
        content = Path(path).read_bytes()
    except IsADirectoryError:
        return "is a folder, not a file"
    except FileNotFoundError:
        return "does not exist"
    except OSError:
        return "cannot be read"
    if "PRIVATE KEY" in text_of(content):
        return "contains a private key, which must stay on the server; name a file that contains only certificates"
    return "" if _certificates(path) else "contains no certificate in PEM format"


def _certificates(path: str) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        marked = marked_certificates(path)
        context.load_verify_locations(cafile=None if marked else path, cadata=marked or None)
    except (ssl.SSLError, OSError):
        return 0
    return context.cert_store_stats()["x509"]
