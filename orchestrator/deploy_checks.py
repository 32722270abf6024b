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
def known_proxies(**_: Any) -> list[CheckMessage]:
    """Proxy settings that belong together are set together."""
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
    if behind_proxy and not settings.TRUSTED_PROXIES:
        return [_without_trusted_proxies()]
    if settings.TRUSTED_PROXIES and settings.SECURE_SSL_REDIRECT and not behind_proxy:
        message = (
            "HTTPS=1 and TRUSTED_PROXIES are set, but BEHIND_TLS_PROXY is not: if the proxy terminates TLS, every page "
            "redirects to itself endlessly."
        )
        hint = "Set BEHIND_TLS_PROXY=1 if the proxy itself sets X-Forwarded-Proto on every request."
        return [CheckWarning(message, hint=hint, id="orchestrator.W003")]
    return []


def _without_trusted_proxies() -> CheckWarning:
    words = "BEHIND_TLS_PROXY=1 without TRUSTED_PROXIES: every request seems to come from the proxy's address."
    if settings.SIGN_IN_ATTEMPTS > 0:
        words += (
            f" Everyone shares its limits, so {settings.SIGN_IN_ATTEMPTS * 10} failed attempts of a stranger keep "
            "everyone from signing in, except in browsers in which they have signed in before."
        )
    hint = "Set TRUSTED_PROXIES to the address or network from which the proxy connects, or to `socket`."
    return CheckWarning(words, hint=hint, id="orchestrator.W002")


@register(Tags.security, deploy=True)
def limited_sign_ins(**_: Any) -> list[CheckMessage]:
    """The number of attempts to guess a password is limited."""
    if settings.SIGN_IN_ATTEMPTS > 0:
        return []
    words = "SIGN_IN_ATTEMPTS=0: anyone can try passwords without limit."
    return [CheckWarning(words, hint="Remove it, or set a number above 0.", id="orchestrator.W004")]


@register(Tags.security, deploy=True)
def narrow_hosts(**_: Any) -> list[CheckMessage]:
    """ALLOWED_HOSTS lists hosts, each in the form in which Django compares them."""
    return [message for host in settings.ALLOWED_HOSTS for message in _about_host(host)]


def _about_host(host: str) -> Iterator[CheckMessage]:
    if host.strip() in ("*", "."):
        words = f"ALLOWED_HOSTS contains “{host}”, so the site responds to requests for any host name."
        yield CheckWarning(words, hint="List the host names of the site.", id="orchestrator.W005")
    elif host != host.strip() or "*" in host or split_domain_port(host.lstrip("."))[0] != host.lstrip(".").lower():
        words = f"“{host}” in ALLOWED_HOSTS matches no request."
        hint = "A host has no scheme, port, path or wildcard; .example.com matches example.com and all its subdomains."
        yield CheckWarning(words, hint=hint, id="orchestrator.W006")


@register(Tags.security, deploy=True)
def reachable_site(**_: Any) -> list[CheckMessage]:
    """Links in mails and calendars lead to this site, and to its encrypted address."""
    site = _site()
    if site is None:
        words = f"SITE_URL “{settings.SITE_URL}” is not a valid address: links in mails and calendars don't work."
        return [
            CheckWarning(words, hint="Begin it with https:// and the host name of the site.", id="orchestrator.W007")
        ]
    return list(_about_site(site))


def _site() -> SplitResult | None:
    try:
        site = urlsplit(settings.SITE_URL)
        return site if site.scheme in ("http", "https") and site.hostname and site.port != 0 else None
    except ValueError:
        return None


def _about_site(site: SplitResult) -> Iterator[CheckMessage]:
    host = site.hostname or ""
    if settings.SECURE_SSL_REDIRECT and _is_loopback(host):
        words = f"SITE_URL is “{host}” with HTTPS=1: links in mails and calendars open the reader's own machine."
        yield CheckWarning(words, hint=f"Set SITE_URL to the site's address. {_DOCS}", id="orchestrator.W008")
        return
    if settings.SECURE_SSL_REDIRECT and site.scheme != "https":
        words = "SITE_URL begins with http:// although HTTPS=1: secret links in mails are sent unencrypted."
        yield CheckWarning(words, hint="Begin SITE_URL with https://.", id="orchestrator.W009")
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        words = (
            f"The host of SITE_URL, “{host}”, is not in ALLOWED_HOSTS: links in mails and calendars return error 400."
        )
        yield CheckWarning(words, hint=f"Add {host} to ALLOWED_HOSTS.", id="orchestrator.W010")


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


@register(Tags.security, deploy=True)
def verified_broker(**_: Any) -> list[CheckMessage]:
    """The broker's certificate is verified, so that no one can impersonate it."""
    if broker_url.is_verified(settings.REDIS_URL):
        return []
    words = (
        "REDIS_URL uses TLS without verifying the broker's certificate: anyone in between can read and change tasks."
    )
    hint = "Remove ssl_cert_reqs and ssl_check_hostname, and set the CA certificate: ?ssl_ca_certs=/path/to/ca.pem"
    return [CheckWarning(words, hint=hint, id="orchestrator.W011")]
