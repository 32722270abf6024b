"""System checks of `check --deploy`: settings that are fine on your own machine, but unsafe or useless on a server."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.http.request import split_domain_port, validate_host

from orchestrator import broker_url

_DOCS = "See “The site” in docs/settings.md."


@register(Tags.security, deploy=True)
def settings_of_a_server(**_: Any) -> list[CheckMessage]:
    """Everything that is unsafe or useless on a server."""
    return [*_proxies(), *_sign_ins(), *_hosts(), *_site(), *_broker()]


def _warning(number: str, message: str, hint: str) -> CheckWarning:
    return CheckWarning(message, hint=hint, id=f"orchestrator.{number}")


def _proxies() -> Iterator[CheckMessage]:
    """Proxy settings that belong together are not set together."""
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
    if behind_proxy and not settings.TRUSTED_PROXIES:
        hint = "Set TRUSTED_PROXIES to the address or network from which the proxy connects, or to `socket`."
        yield _warning("W002", _shared_address(), hint)
    elif settings.TRUSTED_PROXIES and settings.SECURE_SSL_REDIRECT and not behind_proxy:
        message = (
            "HTTPS=1 and TRUSTED_PROXIES are set, but BEHIND_TLS_PROXY is not: if the proxy terminates TLS, every page "
            "redirects to itself endlessly."
        )
        hint = "Set BEHIND_TLS_PROXY=1 if the proxy itself sets X-Forwarded-Proto on every request."
        yield _warning("W003", message, hint)


def _shared_address() -> str:
    message = "BEHIND_TLS_PROXY=1 without TRUSTED_PROXIES: every request seems to come from the proxy's address."
    if settings.SIGN_IN_ATTEMPTS <= 0:
        return message
    return (
        f"{message} Everyone shares its limits, so {settings.SIGN_IN_ATTEMPTS * 10} failed attempts of a stranger keep "
        "everyone from signing in, except in browsers in which they have signed in before."
    )


def _sign_ins() -> Iterator[CheckMessage]:
    """Attempts to guess a password are not limited."""
    if settings.SIGN_IN_ATTEMPTS <= 0:
        message = "SIGN_IN_ATTEMPTS=0: anyone can try passwords without limit."
        yield _warning("W004", message, "Remove it, or set a number above 0.")


def _hosts() -> Iterator[CheckMessage]:
    """ALLOWED_HOSTS allows any host, or has an entry in a form that Django never compares with."""
    for host in settings.ALLOWED_HOSTS:
        if host.strip() in ("*", "."):
            message = f"ALLOWED_HOSTS contains “{host}”, so the site responds to requests for any host name."
            yield _warning("W005", message, "List the host names of the site.")
        elif host != host.strip() or "*" in host or split_domain_port(host.lstrip("."))[0] != host.lstrip(".").lower():
            hint = (
                "A host has no scheme, port, path or wildcard; .example.com matches example.com and all its subdomains."
            )
            yield _warning("W006", f"“{host}” in ALLOWED_HOSTS matches no request.", hint)


def _site() -> Iterator[CheckMessage]:
    """Links in mails and calendars do not lead to this site, or not to its encrypted address."""
    site = _address_of_site()
    host = (site and site.hostname) or ""
    if site is None:
        message = f"SITE_URL “{settings.SITE_URL}” is not a valid address: links in mails and calendars don't work."
        yield _warning("W007", message, "Begin it with https:// and the host name of the site.")
    elif settings.SECURE_SSL_REDIRECT and _is_loopback(host):
        message = f"SITE_URL is “{host}” with HTTPS=1: links in mails and calendars open the reader's own machine."
        yield _warning("W008", message, f"Set SITE_URL to the site's address. {_DOCS}")
    else:
        yield from _links(site, host)


def _address_of_site() -> SplitResult | None:
    try:
        site = urlsplit(settings.SITE_URL)
        return site if site.scheme in ("http", "https") and site.hostname and site.port != 0 else None
    except ValueError:
        return None


def _links(site: SplitResult, host: str) -> Iterator[CheckMessage]:
    if settings.SECURE_SSL_REDIRECT and site.scheme != "https":
        message = "SITE_URL begins with http:// although HTTPS=1: secret links in mails are sent unencrypted."
        yield _warning("W009", message, "Begin SITE_URL with https://.")
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        message = (
            f"The host of SITE_URL, “{host}”, is not in ALLOWED_HOSTS: links in mails and calendars return error 400."
        )
        yield _warning("W010", message, f"Add {host} to ALLOWED_HOSTS.")


def _is_loopback(host: str) -> bool:
    """Whether a host name or address, without brackets, refers to the machine that uses it."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _broker() -> Iterator[CheckMessage]:
    """Someone could impersonate the broker, because its certificate is not verified."""
    if not broker_url.is_verified(settings.REDIS_URL):
        message = (
            "REDIS_URL uses TLS without verifying the broker's certificate: anyone in between can read and change "
            "tasks."
        )
        hint = "Remove ssl_cert_reqs and ssl_check_hostname, and set the CA certificate: ?ssl_ca_certs=/path/to/ca.pem"
        yield _warning("W011", message, hint)
