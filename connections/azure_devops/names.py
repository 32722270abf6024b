"""Names and tokens as people paste them. Pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from connections.azure_devops.secret import PersonalAccessToken

# https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions#organization-names
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?", re.ASCII)
LONGEST_ORGANIZATION = 50
# The longest address a browser is likely to give.
_LONGEST_ADDRESS = 2000
LONGEST_TOKEN = 200

_SERVICES_HOST = "dev.azure.com"
_SSH_HOSTS = ("ssh.dev.azure.com", "vs-ssh.visualstudio.com")
_LEGACY_SUFFIX = ".visualstudio.com"

# Today's form and the older one. https://github.com/microsoft/security-utilities (SEC101/201, SEC101/102)
_TODAYS_FORM = r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"
_OLDER_FORM = r"[a-z2-7]{52}"
_LOOKS_LIKE_TOKEN = re.compile(rf"(?:{_TODAYS_FORM}|{_OLDER_FORM})\Z", re.ASCII)
_SECRETS = re.compile(
    # A password in an address, such as a proxy's or a database's.
    r"(?<=://)[^\s/:@]*:[^\s/]*(?=@)"
    r"|\b(?i:basic|bearer)(?:\s|%20|\+)+[A-Za-z0-9+/=._~%-]{16,}"
    # Today's form, and both forms in base64, whatever stands before them: their letters and digits need no others.
    r"|[A-Za-z0-9]{70,}={0,2}"
    # The older form, also after an encoded letter such as %3A.
    rf"|(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}})){_OLDER_FORM}(?![A-Za-z0-9])"
)
REDACTED = "[redacted]"


class InvalidOrganizationName(ValueError):
    """The text names no organization that could be asked. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class InvalidToken(ValueError):
    """The text cannot be a token. `code` says why; the text is not kept."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class OrganizationName:
    """An organization's name in lower case, and what was typed."""

    name: str
    as_typed: str


def parse_organization(text: str, *, servers: Sequence[str] = ()) -> OrganizationName:
    """The organization in a name, an address of the web pages, or a clone URL.

    `servers` are the base URLs of the configured servers. Raises `InvalidOrganizationName`.
    """
    typed = text.strip()
    if not typed:
        raise InvalidOrganizationName("empty")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in typed):
        raise InvalidOrganizationName("control_characters")
    if len(typed) > _LONGEST_ADDRESS:
        raise InvalidOrganizationName("too_long")
    name = _from_address(typed, servers) if re.search(r"[/:@]|\.", typed) else typed
    if len(name) > LONGEST_ORGANIZATION:
        raise InvalidOrganizationName("too_long")
    if not _ORGANIZATION.fullmatch(name):
        raise InvalidOrganizationName("not_an_organization")
    return OrganizationName(name=name.lower(), as_typed=typed)


def _from_address(typed: str, servers: Sequence[str]) -> str:
    if any(part in ("..", ".") for part in re.split(r"[/\\]", unquote(unquote(typed)))):
        raise InvalidOrganizationName("path_climbs")
    if typed.lower().startswith("git@"):
        return _from_ssh(typed)
    has_scheme = "://" in typed
    try:
        address = urlsplit(typed if has_scheme else f"https://{typed}")
        host, port = (address.hostname or "").lower(), address.port
    except ValueError:
        raise InvalidOrganizationName("not_an_organization") from None
    # A host in other letters could look like one that it is not.
    if address.scheme.lower() not in ("https", "http", "ssh") or not address.netloc.isascii():
        raise InvalidOrganizationName("not_an_organization")
    segments = [unquote(part) for part in address.path.split("/") if part]
    if host == _SERVICES_HOST and port in (None, 443):
        return _first(segments)
    if host in _SSH_HOSTS:
        return _first(segments[1:])
    if host.endswith(_LEGACY_SUFFIX):
        return host.removesuffix(_LEGACY_SUFFIX).removesuffix(".vsrm").removesuffix(".vssps").removesuffix(".pkgs")
    for server in servers:
        if (below := _below(server, host, port, segments)) is not None:
            return below
    # Only something that is clearly an address speaks of another server.
    looks_like_host = has_scheme or ("." in host and "/" in typed)
    raise InvalidOrganizationName("other_server" if looks_like_host else "not_an_organization")


def _from_ssh(typed: str) -> str:
    host, _, path = typed[len("git@") :].partition(":")
    if host.lower() not in _SSH_HOSTS:
        raise InvalidOrganizationName("other_server")
    return _first([part for part in path.split("/") if part][1:])


def _below(server: str, host: str, port: int | None, segments: list[str]) -> str | None:
    base = urlsplit(server)
    if (base.hostname or "").lower() != host or base.port != port:
        return None
    prefix = [part for part in base.path.split("/") if part]
    if [part.lower() for part in segments[: len(prefix)]] != [part.lower() for part in prefix]:
        return None
    return _first(segments[len(prefix) :])


def _first(segments: list[str]) -> str:
    if not segments or segments[0].startswith("_"):
        raise InvalidOrganizationName("not_an_organization")
    return segments[0]


def read_token(text: str) -> PersonalAccessToken:
    """The token without the white space and quotes around it. Raises `InvalidToken`."""
    trimmed = text.strip().strip("\"'`“”‘’").strip()
    if not trimmed:
        raise InvalidToken("empty")
    if len(trimmed) > LONGEST_TOKEN:
        raise InvalidToken("too_long")
    if re.search(r"\s", trimmed):
        raise InvalidToken("inner_white_space")
    if not (trimmed.isascii() and trimmed.isprintable()):
        raise InvalidToken("not_printable_ascii")
    return PersonalAccessToken(trimmed)


def looks_like_token(token: PersonalAccessToken) -> bool:
    """Whether the text has one of the two forms Microsoft documents. Good for a hint only."""
    return _LOOKS_LIKE_TOKEN.match(token.reveal()) is not None


def redact(text: str) -> str:
    """The text without anything that looks like a token, an authorization header or a password in an address."""
    return _SECRETS.sub(REDACTED, text)
