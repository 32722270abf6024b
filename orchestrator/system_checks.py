"""System checks of settings: a weak key or an unusable server stops the start with a message."""

import base64
import binascii
import os
import re
import shlex
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

from connections import clients
from connections.issuers import APP_SERVICE, VIRTUAL_MACHINE, graph_of, issuer_of
from connections.notifications import channel_hosts, emails
from connections.providers.azure_devops import servers
from connections.providers.azure_devops.entra_input import InvalidEntraInput, read_id
from connections.providers.azure_devops.entra_issuer import InvalidAuthority
from core.client_ip import InvalidProxies, Network, parse_proxies
from orchestrator import broker_url, running_product
from orchestrator.private_files import is_open_to_others

SHORTEST_METRICS_TOKEN = 16  # characters
METRICS_CONNECTION_LABELS = ("name", "id")
SHORTEST_KEY = 32  # bytes, for HKDF and HMAC-SHA256
_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_REMEDY = "`python orchestrator/generate_keys.py` prints a new set."
_NUMBERS_DOCS = "docs/settings.md says what each number does."
# Periods and leases would never begin or never end, and of at most 0 rows nothing is ever done.
_ABOVE_ZERO = (
    *("SESSION_COOKIE_AGE", "SIGN_IN_MINUTES", "PASSWORD_LINK_HOURS", "TESTS_MINUTES", "TEST_RESULT_MINUTES"),
    *("AUDIT_EVERY_HOURS", "AUDITS_PER_ORGANIZATION", "AUDITS_PER_PERSON", "AUDITS_AT_ONCE", "AUDIT_LEASE_SECONDS"),
    *("REFRESH_EVERY_HOURS", "REFRESH_LEASE_SECONDS", "WATCH_SECONDS", "MAILS_PER_TICK", "MAIL_LEASE_SECONDS"),
    *("EMAIL_TIMEOUT", "EMAIL_DEADLINE", "NOTIFICATION_DEADLINE", "LOOP_LIMIT_SECONDS"),
    *(
        "AZURE_DEVOPS_CONNECT_TIMEOUT",
        "AZURE_DEVOPS_TEST_LIMIT",
        "AZURE_DEVOPS_TASK_TIMEOUT",
        "AZURE_DEVOPS_LIST_LIMIT",
    ),
    *("WEB_WORKERS", "WEB_THREADS", "WORKER_THREADS"),
)
_STORED_AS = {"PASSWORD_LINK_HOURS": "PASSWORD_RESET_TIMEOUT"}
_SERVERS_REMEDY = "docs/azure-devops-server.md has an example of each setting of a server."


@register(Tags.security)
def usable_settings(**_: Any) -> list[CheckMessage]:
    """Everything that makes the product unsafe, or that cannot work."""
    return [
        *_keys(),
        *_numbers(),
        *_servers(),
        *_issuers(),
        *_token_renewal(),
        *_identities(),
        *_proxies(),
        *_mails(),
        *_channels(),
        *_broker_files(),
        *_folder(),
        *_metrics(),
    ]


def _error(number: str, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"orchestrator.{number}")


def _warning(number: str, message: str, hint: str) -> CheckWarning:
    return CheckWarning(message, hint=hint, id=f"orchestrator.{number}")


def _servers() -> Iterator[CheckMessage]:
    """Invalid settings of servers, and tokens that go over plain HTTP, even if a setting explicitly allows it."""
    try:
        configured = clients.servers()
    except servers.InvalidServers as error:
        yield _error("E003", str(error), _SERVERS_REMEDY)
        return
    for server in configured:
        if server.ca_bundle is not None and (problem := servers.authorities_problem(server.ca_bundle)):
            message = f"The file “{server.ca_bundle}” of “{server.name}” in {servers.CA_BUNDLES} {problem}."
            yield _error("E006", message, _SERVERS_REMEDY)
        if server.shows_tokens:
            message = f"“{server.name}” is plain HTTP: {servers.PLAIN_HTTP_WORDS}."
            yield _warning("W001", message, f"Give the server a certificate, then remove it from {servers.PLAIN_HTTP}.")


def _issuers() -> Iterator[CheckMessage]:
    """An authority of Microsoft Entra may not receive credentials, or its file of authorities cannot be used."""
    try:
        authorities = [issuer.authority for issuer in map(issuer_of, clients.servers()) if issuer is not None]
    except servers.InvalidServers:
        return
    except InvalidAuthority as error:
        hint = "Remove AZURE_DEVOPS_ENTRA_AUTHORITY or SANDBOX_ENTRA_AUTHORITY. The defaults work."
        yield _error("E013", f"An authority of Microsoft Entra is not allowed. {error}", hint)
        return
    yield from _graph()
    made_later = _bundle_of_sandbox()
    for authority in authorities:
        bundle = authority.ca_bundle
        if bundle is not None and bundle != made_later and (problem := servers.authorities_problem(bundle)):
            hint = "Correct AZURE_DEVOPS_ENTRA_CA_BUNDLE or SANDBOX_ENTRA_CA_BUNDLE."
            yield _error("E014", f"The file “{bundle}” for {authority.url} {problem}.", hint)


def _graph() -> Iterator[CheckMessage]:
    """An address may not receive access tokens for Microsoft Graph."""
    try:
        _ = [graph_of(server) for server in clients.servers()]
    except InvalidAuthority as error:
        hint = "Remove AZURE_DEVOPS_ENTRA_GRAPH. The default works."
        yield _error("E026", f"An address of Microsoft Graph is not allowed. {error}", hint)


def _token_renewal() -> Iterator[CheckMessage]:
    """The application for renewing tokens is not complete, or its ids are not ids."""
    ids = {name: getattr(settings, name) for name in ("TOKEN_RENEWAL_TENANT_ID", "TOKEN_RENEWAL_CLIENT_ID")}
    given = {**ids, "TOKEN_RENEWAL_CLIENT_SECRET": settings.TOKEN_RENEWAL_CLIENT_SECRET}
    hint = "docs/token-renewal.md says where each is found. Leave all three empty to turn renewing off."
    missing = [name for name, value in given.items() if not value]
    if missing and len(missing) < len(given):
        yield _error("E015", f"Renewing tokens also needs {' and '.join(missing)}.", hint)
    for name, value in ids.items():
        if value and not _GUID.fullmatch(value):
            yield _error("E016", f"{name} is not an id such as 00000000-0000-0000-0000-000000000000.", hint)


def _identities() -> Iterator[CheckMessage]:
    """An identity of this server is turned on, and a setting that it needs is missing."""
    place, tenant = settings.AZURE_DEVOPS_MANAGED_IDENTITY, settings.AZURE_TENANT_ID
    if place not in ("", VIRTUAL_MACHINE, APP_SERVICE):
        hint = f"Set it to {VIRTUAL_MACHINE} or {APP_SERVICE}, or remove it."
        yield _error("E021", "AZURE_DEVOPS_MANAGED_IDENTITY names no place that we know.", hint)
    if (place or settings.AZURE_DEVOPS_WORKLOAD_IDENTITY) and not _is_id(tenant):
        yield _error("E022", "AZURE_TENANT_ID is not the id of a tenant.", "Set it to the Directory (tenant) ID.")
    needs_client = settings.AZURE_DEVOPS_WORKLOAD_IDENTITY or settings.AZURE_CLIENT_ID
    if needs_client and not _is_id(settings.AZURE_CLIENT_ID):
        yield _error(
            "E023", "AZURE_CLIENT_ID is not the id of an application.", "Set it to the Application (client) ID."
        )
    if settings.AZURE_DEVOPS_WORKLOAD_IDENTITY and not settings.AZURE_FEDERATED_TOKEN_FILE.startswith("/"):
        hint = "Set it to the file in which the platform writes the token, as an absolute path."
        yield _error("E024", "AZURE_FEDERATED_TOKEN_FILE is not an absolute path.", hint)
    if place == APP_SERVICE and not settings.IDENTITY_ENDPOINT.startswith("http://"):
        hint = "App Service and Container Apps set it for each process. Turn on an identity there."
        yield _error("E025", "IDENTITY_ENDPOINT is missing, so no identity was assigned to this service.", hint)


def _is_id(text: str) -> bool:
    try:
        return read_id(text) == text.lower()
    except InvalidEntraInput:
        return False


def _bundle_of_sandbox() -> str:
    """The file of authorities that the sandbox of `make run` makes when it starts, which is after these checks."""
    running = running_product.read(settings.VAR_DIR)
    entra = running.sandbox_entra(settings.VAR_DIR) if running else None
    return entra.ca_bundle if entra else ""


def _proxies() -> Iterator[CheckMessage]:
    """TRUSTED_PROXIES is invalid, or trusts every address."""
    try:
        networks = parse_proxies(tuple(settings.TRUSTED_PROXIES))[1]
    except InvalidProxies as error:
        yield _error("E004", str(error), "TRUSTED_PROXIES is a list such as: 10.0.0.5, 10.1.0.0/16, socket")
        return
    if any(network.prefixlen == 0 for network in _collapsed(networks)):
        message = "TRUSTED_PROXIES trusts every address, so anyone could claim to have any address."
        yield _error("E004", message, "List only the addresses of the proxies.")


def _collapsed(networks: tuple[Network, ...]) -> Iterator[Network]:
    """The same addresses in as few networks as possible, so that two halves of all addresses are noticed."""
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv6Network))


def _mails() -> Iterator[CheckMessage]:
    """A mail could be sent twice, because its lease may expire first; or not at all, because its sender is invalid."""
    if settings.EMAIL_DEADLINE >= settings.MAIL_LEASE_SECONDS:
        hint = "Set MAIL_LEASE_SECONDS to more than EMAIL_DEADLINE."
        yield _error("E005", "EMAIL_DEADLINE must be shorter than MAIL_LEASE_SECONDS.", hint)
    if problem := emails.sender_problem(settings.DEFAULT_FROM_EMAIL):
        hint = 'Use an address, or a name with an address: "Contoso, MFE Orchestrator" <orchestrator@example.com>'
        yield _error("E007", f"DEFAULT_FROM_EMAIL {problem}.", hint)


def _channels() -> Iterator[CheckMessage]:
    """A message to a channel could be sent twice; or an allowed host or the file of certificates is invalid."""
    if settings.NOTIFICATION_DEADLINE >= settings.MAIL_LEASE_SECONDS:
        hint = "Set MAIL_LEASE_SECONDS to more than NOTIFICATION_DEADLINE."
        yield _error("E010", "NOTIFICATION_DEADLINE must be shorter than MAIL_LEASE_SECONDS.", hint)
    try:
        channel_hosts.parse(settings.NOTIFICATION_HOSTS)
    except channel_hosts.InvalidHosts as error:
        yield _error("E011", str(error), "docs/settings.md says what an entry can be.")
    bundle = settings.NOTIFICATION_CA_BUNDLE
    if bundle and (problem := servers.authorities_problem(bundle)):
        message = f"The file “{bundle}” of NOTIFICATION_CA_BUNDLE {problem}."
        yield _error("E012", message, "It must contain certificates of authorities in PEM format.")


def _broker_files() -> Iterator[CheckMessage]:
    """A TLS file of REDIS_URL cannot be read. Celery would only report that it can't connect."""
    for name, path in broker_url.files(settings.REDIS_URL).items():
        if not os.access(path, os.R_OK):
            message = f"The file in {name} of REDIS_URL cannot be read."
            yield _error("E008", message, "Check its path and permissions.")


def _folder() -> Iterator[CheckMessage]:
    """Other users of the machine can read VAR_DIR, which contains keys, the database or mails."""
    folder = Path(settings.VAR_DIR)
    private = [folder / "keys.env", folder / "db.sqlite3", folder / "mail"]
    if any(path.exists() for path in private) and is_open_to_others(folder):
        message = f"Other users of this machine can read VAR_DIR, {folder}, which contains keys, the database or mails."
        yield _warning("W012", message, f"chmod 700 {shlex.quote(str(folder))}")


def _metrics() -> Iterator[CheckMessage]:
    """METRICS_TOKEN can be guessed, or METRICS_CONNECTION_LABEL is unknown."""
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_METRICS_TOKEN:
        message = f"METRICS_TOKEN is shorter than {SHORTEST_METRICS_TOKEN} characters."
        yield _error("E009", message, "Use `openssl rand -hex 24`.")
    if settings.METRICS_CONNECTION_LABEL not in METRICS_CONNECTION_LABELS:
        message = "METRICS_CONNECTION_LABEL is neither “name” nor “id”."
        yield _error("E009", message, "docs/monitoring.md says what each one does.")


def _numbers() -> Iterator[CheckMessage]:
    """A number turns off a limit, or lets nothing work, although nobody would expect that of it."""
    for name in _ABOVE_ZERO:
        if getattr(settings, _STORED_AS.get(name, name)) <= 0:
            yield _error("E027", f"{name} must be more than 0.", f"Remove it, or set a number above 0. {_NUMBERS_DOCS}")
    if settings.METRICS_MAX_CONNECTIONS < 0:
        yield _error("E027", "METRICS_MAX_CONNECTIONS must not be less than 0.", _NUMBERS_DOCS)


def _keys() -> Iterator[CheckMessage]:
    """A key is not set, or is a password rather than random bytes."""
    if not _is_varied(settings.SECRET_KEY):
        message = f"SECRET_KEY has fewer than {SHORTEST_KEY} characters, or hardly any different ones."
        yield _error("E002", message, _REMEDY)
    yield from _ring_problems("FIELD_ENCRYPTION_KEYS", settings.FIELD_ENCRYPTION_KEYS)
    if not settings.TOKEN_FINGERPRINT_KEY:
        yield _error("E001", "TOKEN_FINGERPRINT_KEY is not set.", _REMEDY)
    elif not _is_strong(settings.TOKEN_FINGERPRINT_KEY):
        yield _weak("TOKEN_FINGERPRINT_KEY")
    yield from _ring_problems("EVENT_SEAL_KEYS", settings.EVENT_SEAL_KEYS)


def _ring_problems(name: str, keys: list[str]) -> Iterator[CheckMessage]:
    if not keys:
        yield _error("E001", f"{name} is empty.", _REMEDY)
    for number, key in enumerate(keys, start=1):
        if not _is_strong(key):
            yield _weak(f"Key {number} of {name}")


def _is_strong(key: str) -> bool:
    try:
        material = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return False
    return _is_varied(material)


def _is_varied(key: str | bytes) -> bool:
    """A repeated byte is long enough, but not a key."""
    return len(key) >= SHORTEST_KEY and len(set(key)) > SHORTEST_KEY // 4


def _weak(name: str) -> Error:
    return _error("E002", f"{name} is not base64 of at least {SHORTEST_KEY} random bytes.", _REMEDY)
