"""Parse organization names and tokens that people paste. Pure functions."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_tokens import contains_access_token
from connections.providers.azure_devops.models import Server
from connections.providers.credential import Credential
from core.redaction import OLDER_FORM

# https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions#organization-names
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?", re.ASCII)
LONGEST_ORGANIZATION = 50
# https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions#project-collection-names
_NEVER_IN_A_COLLECTION = re.compile(r"[/:\\~&%;@'\"?<>|#$*}{,+=\[\]]")
LONGEST_COLLECTION = 64
# Unicode categories of invisible characters.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_PORTS = {"https": 443, "http": 80}
# Longer than any URL of Azure DevOps in a browser.
_LONGEST_ADDRESS = 2000
LONGEST_TOKEN = 200
# White space, quotes, and the byte order mark of Windows.
_AROUND_TOKENS = " \t\r\n\v\f\xa0\u2007\u202f\u3000\ufeff\"'`“”‘’"

_SERVICES_HOST = "dev.azure.com"
_SSH_HOSTS = ("ssh.dev.azure.com", "vs-ssh.visualstudio.com")
_LEGACY_SUFFIX = ".visualstudio.com"

# The current and the older token format. https://github.com/microsoft/security-utilities (SEC101/201, SEC101/102)
_TODAYS_FORM = r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"
_BETWEEN_SEGMENTS = re.compile(r"[/\\]")
_OF_AN_ADDRESS = re.compile(r"[/:@]")
_OF_AN_ADDRESS_OR_HOST = re.compile(r"[/:@.]")
_WHITE_SPACE = re.compile(r"\s")
_LOOKS_LIKE_TOKEN = re.compile(rf"(?:{_TODAYS_FORM}|{OLDER_FORM})\Z", re.ASCII)


class InvalidOrganizationName(ValueError):
    """The text is not a valid organization or collection. `code` is the reason.

    With the code "belongs_to_another", `server` is the name of the server that the URL belongs to.
    """

    def __init__(self, code: str, *, server: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.server = server


class InvalidToken(ValueError):
    """The text cannot be a token. `code` is the reason; the exception does not contain the text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class OrganizationName:
    """The name of an organization in lower case, or of a collection as entered."""

    name: str


def parse_organization(text: str, server: Server, *, others: Sequence[Server] = ()) -> OrganizationName:
    """The organization or collection of `server` from a name, a page URL or a clone URL.

    `others` are the other configured servers, to recognize their URLs. Raises `InvalidOrganizationName`.
    """
    typed = text.strip()
    if not typed:
        raise InvalidOrganizationName("empty")
    if len(typed) > _LONGEST_ADDRESS:
        raise InvalidOrganizationName("too_long")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in typed):
        raise InvalidOrganizationName("control_characters")
    if any(part in ("..", ".") for part in _BETWEEN_SEGMENTS.split(unquote(unquote(typed)))):
        raise InvalidOrganizationName("path_climbs")
    find = _collection if server.place == "collection" else _organization
    return OrganizationName(find(typed, server, others))


def _organization(typed: str, server: Server, others: Sequence[Server]) -> str:
    name = _from_address(typed, server, others) if _OF_AN_ADDRESS_OR_HOST.search(typed) else typed
    if len(name) > LONGEST_ORGANIZATION:
        raise InvalidOrganizationName("too_long")
    if not _ORGANIZATION.fullmatch(name):
        raise InvalidOrganizationName("not_an_organization")
    return name.lower()


def _collection(typed: str, server: Server, others: Sequence[Server]) -> str:
    # Collection names contain none of these characters, so it is a URL.
    is_address = _OF_AN_ADDRESS.search(typed) is not None
    name = _from_address(typed, server, others) if is_address else unquote(typed)
    name = unicodedata.normalize("NFC", name).strip()
    if len(name) > LONGEST_COLLECTION:
        raise InvalidOrganizationName("too_long")
    if any(unicodedata.category(text) in _UNSEEN or (text.isspace() and text != " ") for text in name):
        raise InvalidOrganizationName("control_characters")
    if not name or _NEVER_IN_A_COLLECTION.search(name) or ".." in name or name[0] in "_." or name[-1] == ".":
        raise InvalidOrganizationName("not_an_organization")
    return name


def _from_address(typed: str, server: Server, others: Sequence[Server]) -> str:
    address = _Address.read(typed)
    if (name := address.below(server)) is not None:
        return name
    # The sandbox accepts URLs of Azure DevOps Services if that is not configured.
    has_real_one = server.is_services or any(other.is_services for other in others)
    if server.place == "organization" and not has_real_one and (name := address.at_services()) is not None:
        return name
    for other in others:
        if address.below(other) is not None:
            raise InvalidOrganizationName("belongs_to_another", server=other.name)
    # Only a clear URL can belong to another server.
    raise InvalidOrganizationName("other_server" if address.is_clear else "not_an_organization")


@dataclass(frozen=True, slots=True)
class _Address:
    """A parsed URL: scheme, host, port and decoded path segments."""

    scheme: str
    host: str
    port: int | None
    segments: tuple[str, ...]
    is_clear: bool

    @classmethod
    def read(cls, typed: str) -> "_Address":
        if typed.lower().startswith("git@"):
            host, _, path = typed[len("git@") :].partition(":")
            return cls("ssh", host.lower(), None, tuple(part for part in path.split("/") if part), is_clear=True)
        has_scheme = "://" in typed
        try:
            address = urlsplit(typed if has_scheme else f"https://{typed}")
            host, port = (address.hostname or "").lower(), address.port
        except ValueError:
            raise InvalidOrganizationName("not_an_organization") from None
        # Non-ASCII hosts could imitate others.
        if address.scheme.lower() not in ("https", "http", "ssh") or not address.netloc.isascii():
            raise InvalidOrganizationName("not_an_organization")
        segments = tuple(unquote(part) for part in address.path.split("/") if part)
        return cls(address.scheme.lower(), host, port, segments, has_scheme or ("." in host and "/" in typed))

    def below(self, server: Server) -> str | None:
        """The organization or collection in a URL of the server, empty if missing; None for URLs of other servers."""
        if server.is_services:
            return self.at_services()
        base = urlsplit(server.url)
        if (base.hostname or "").lower() != self.host or not self._same_port(base.port, base.scheme):
            return None
        prefix = [part.lower() for part in unquote(base.path).split("/") if part]
        if [part.lower() for part in self.segments[: len(prefix)]] != prefix:
            return None
        return _first(self.segments[len(prefix) :])

    def _same_port(self, port: int | None, scheme: str) -> bool:
        # Git over SSH has its own port, and default ports may be omitted.
        if self.scheme == "ssh" or (self.port is None and port is None):
            return True
        return (self.port or _PORTS[self.scheme]) == (port or _PORTS[scheme])

    def at_services(self) -> str | None:
        """The organization in a URL of Azure DevOps Services; None for other URLs."""
        if self.host == _SERVICES_HOST and self.port in (None, 443):
            return _first(self.segments)
        if self.host in _SSH_HOSTS:
            return _first(self.segments[1:])
        if self.host.endswith(_LEGACY_SUFFIX):
            return (
                self.host.removesuffix(_LEGACY_SUFFIX)
                .removesuffix(".vsrm")
                .removesuffix(".vssps")
                .removesuffix(".pkgs")
            )
        return None


def _first(segments: Sequence[str]) -> str:
    return segments[0] if segments else ""


def read_token(text: str) -> PersonalAccessToken:
    """The token without the white space, quotes and byte order mark around it. Raises `InvalidToken`."""
    trimmed = text.strip(_AROUND_TOKENS)
    if not trimmed:
        raise InvalidToken("empty")
    if contains_access_token(trimmed):
        raise InvalidToken("entra_access_token")
    if len(trimmed) > LONGEST_TOKEN:
        raise InvalidToken("too_long")
    if _WHITE_SPACE.search(trimmed):
        raise InvalidToken("inner_white_space")
    if not (trimmed.isascii() and trimmed.isprintable()):
        raise InvalidToken("not_printable_ascii")
    return PersonalAccessToken(trimmed)


def looks_like_token(token: Credential) -> bool:
    """Whether the text has one of the two documented formats. For hints only."""
    return _LOOKS_LIKE_TOKEN.match(token.reveal()) is not None
