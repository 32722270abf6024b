"""System checks of settings: a weak key or an unusable server stops the start with a message."""

import base64
import binascii
import os
import shlex
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

from connections import clients
from connections.notifications import emails
from connections.providers.azure_devops import servers
from connections.providers.azure_devops.models import Server
from core.client_ip import InvalidProxies, Network, parse_proxies
from orchestrator import broker_url
from orchestrator.private_files import is_open_to_others

SHORTEST_METRICS_TOKEN = 16  # characters
METRICS_CONNECTION_LABELS = ("name", "id")
SHORTEST_KEY = 32  # bytes, for HKDF and HMAC-SHA256
_REMEDY = "`python orchestrator/generate_keys.py` prints a new set."


@register(Tags.security)
def strong_keys(**_: Any) -> list[CheckMessage]:
    """Keys are set, and are random bytes rather than passwords."""
    return list(_key_problems())


@register(Tags.security)
def usable_servers(**_: Any) -> list[CheckMessage]:
    """The settings of servers are valid, and no token goes over plain HTTP unless a setting explicitly allows it."""
    try:
        configured = clients.servers()
    except servers.InvalidServers as error:
        return [Error(str(error), hint=_SERVERS_REMEDY, id="orchestrator.E003")]
    return [message for server in configured for message in _about(server)]


_SERVERS_REMEDY = "docs/azure-devops-server.md has an example of each setting of a server."


def _about(server: Server) -> Iterator[CheckMessage]:
    if server.ca_bundle is not None and (trouble := servers.authorities_problem(server.ca_bundle)):
        words = f"The file “{server.ca_bundle}” of “{server.name}” in {servers.CA_BUNDLES} {trouble}."
        yield Error(words, hint=_SERVERS_REMEDY, id="orchestrator.E006")
    if server.shows_tokens:
        words = f"“{server.name}” is plain HTTP: {servers.PLAIN_HTTP_WORDS}."
        hint = f"Give the server a certificate, then remove it from {servers.PLAIN_HTTP}."
        yield CheckWarning(words, hint=hint, id="orchestrator.W001")


@register(Tags.security)
def readable_proxies(**_: Any) -> list[CheckMessage]:
    """TRUSTED_PROXIES is valid, and does not trust every address."""
    try:
        networks = parse_proxies(tuple(settings.TRUSTED_PROXIES))[1]
    except InvalidProxies as error:
        hint = "TRUSTED_PROXIES is a list such as: 10.0.0.5, 10.1.0.0/16, socket"
        return [Error(str(error), hint=hint, id="orchestrator.E004")]
    if any(network.prefixlen == 0 for network in _collapsed(networks)):
        message = "TRUSTED_PROXIES trusts every address, so anyone could claim to have any address."
        return [Error(message, hint="List only the addresses of the proxies.", id="orchestrator.E004")]
    return []


def _collapsed(networks: tuple[Network, ...]) -> Iterator[Network]:
    """The same addresses in as few networks as possible, so that two halves of all addresses are noticed."""
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv6Network))


@register(Tags.security)
def mails_end_within_their_lease(**_: Any) -> list[CheckMessage]:
    """A mail that takes longer than its lease would be sent again by a second worker."""
    if settings.EMAIL_DEADLINE < settings.MAIL_LEASE_SECONDS:
        return []
    hint = "Set MAIL_LEASE_SECONDS to more than EMAIL_DEADLINE."
    return [Error("EMAIL_DEADLINE must be shorter than MAIL_LEASE_SECONDS.", hint=hint, id="orchestrator.E005")]


@register(Tags.security)
def usable_sender(**_: Any) -> list[CheckMessage]:
    """DEFAULT_FROM_EMAIL is valid. It is the sender of every mail, so otherwise no mail could be sent."""
    problem = emails.sender_problem(settings.DEFAULT_FROM_EMAIL)
    if not problem:
        return []
    hint = 'Use an address, or a name with an address: "Contoso, MFE Orchestrator" <orchestrator@example.com>'
    return [Error(f"DEFAULT_FROM_EMAIL {problem}.", hint=hint, id="orchestrator.E007")]


@register(Tags.security)
def readable_broker_files(**_: Any) -> list[CheckMessage]:
    """The TLS files that REDIS_URL names are readable. Celery would only report that it can't connect."""
    return [
        Error(
            f"The file in {name} of REDIS_URL cannot be read.",
            hint="Check its path and permissions.",
            id="orchestrator.E008",
        )
        for name, path in broker_url.files(settings.REDIS_URL).items()
        if not os.access(path, os.R_OK)
    ]


@register(Tags.security)
def closed_folder(**_: Any) -> list[CheckMessage]:
    """Other users of the machine can't read VAR_DIR if it contains keys, the database or mails."""
    folder = Path(settings.VAR_DIR)
    private = [folder / "keys.env", folder / "db.sqlite3", folder / "mail"]
    if not any(path.exists() for path in private) or not is_open_to_others(folder):
        return []
    message = f"Other users of this machine can read VAR_DIR, {folder}, which contains keys, the database or mails."
    return [CheckWarning(message, hint=f"chmod 700 {shlex.quote(str(folder))}", id="orchestrator.W012")]


@register(Tags.security)
def usable_metrics(**_: Any) -> list[CheckMessage]:
    """METRICS_TOKEN is too long to guess, and METRICS_CONNECTION_LABEL is a known label."""
    problems: list[CheckMessage] = []
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_METRICS_TOKEN:
        message = f"METRICS_TOKEN is shorter than {SHORTEST_METRICS_TOKEN} characters."
        problems.append(Error(message, hint="Use `openssl rand -hex 24`.", id="orchestrator.E009"))
    if settings.METRICS_CONNECTION_LABEL not in METRICS_CONNECTION_LABELS:
        message = "METRICS_CONNECTION_LABEL is neither “name” nor “id”."
        problems.append(Error(message, hint="docs/monitoring.md says what each one does.", id="orchestrator.E009"))
    return problems


def _key_problems() -> Iterator[CheckMessage]:
    yield from _ring_problems("FIELD_ENCRYPTION_KEYS", settings.FIELD_ENCRYPTION_KEYS)
    if not settings.TOKEN_FINGERPRINT_KEY:
        yield Error("TOKEN_FINGERPRINT_KEY is not set.", hint=_REMEDY, id="orchestrator.E001")
    elif not _is_strong(settings.TOKEN_FINGERPRINT_KEY):
        yield _weak("TOKEN_FINGERPRINT_KEY")
    yield from _ring_problems("EVENT_SEAL_KEYS", settings.EVENT_SEAL_KEYS)


def _ring_problems(name: str, keys: list[str]) -> Iterator[CheckMessage]:
    if not keys:
        yield Error(f"{name} is empty.", hint=_REMEDY, id="orchestrator.E001")
    for number, key in enumerate(keys, start=1):
        if not _is_strong(key):
            yield _weak(f"Key {number} of {name}")


def _is_strong(key: str) -> bool:
    try:
        material = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    # A repeated byte is long enough, but not a key.
    return len(material) >= SHORTEST_KEY and len(set(material)) > SHORTEST_KEY // 4


def _weak(name: str) -> Error:
    return Error(f"{name} is not base64 of at least {SHORTEST_KEY} random bytes.", hint=_REMEDY, id="orchestrator.E002")
