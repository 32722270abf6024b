"""REDIS_URL, parsed once for both libraries that connect to the broker: kombu (for Celery) and redis-py.

They interpret the same URL differently: for `rediss://host`, redis-py verifies the certificate and kombu does not, and
sockets and database numbers are written differently. This module makes every option explicit, in each library's form.
"""

from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from orchestrator.service_urls import with_encoded_hash

TLS, SOCKET = "rediss", "redis+socket"
_SCHEMES = {"redis": "redis", TLS: TLS, SOCKET: SOCKET, "unix": SOCKET}
_REQUIREMENTS = {"required": "required", "optional": "required", "none": "none"}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_FORMS = (
    "Use redis://user:password@host:6379/0, rediss://… (TLS) or redis+socket:///path, with special characters in user "
    "and password percent-encoded."
)


def read(url: str) -> str:
    """The URL for kombu. Raises `ImproperlyConfigured`, without the URL, which contains a password."""
    try:
        parts = urlsplit(with_encoded_hash(url))
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"REDIS_URL cannot be read. {_FORMS}") from None
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or (scheme == SOCKET) is bool(parts.hostname) or port == 0:
        raise ImproperlyConfigured(f"REDIS_URL names no broker. {_FORMS}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    number = query.pop("db", "") or query.pop("virtual_host", "")
    if scheme == SOCKET:
        path, query = parts.path, query | ({"virtual_host": _number(number)} if number else {})
    else:
        path = f"/{_number(number or parts.path.strip('/'))}"
    if scheme == TLS:
        query = _verified(query)
    if unknown := query.keys() - {*_TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname", "virtual_host"}:
        raise ImproperlyConfigured(f"REDIS_URL has unknown parameters: {', '.join(sorted(unknown))}.")
    if scheme != TLS and any(name.startswith("ssl_") for name in query):
        raise ImproperlyConfigured("REDIS_URL has parameters for TLS but does not use TLS. Begin it with rediss://.")
    # Without `urlunsplit`, which omits the slashes of a socket.
    return f"{scheme}://{parts.netloc}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")


def for_redis_py(url: str) -> str:
    """The result of `read` in the form of redis-py."""
    if not url.startswith(f"{SOCKET}:"):
        return url
    return url.replace(f"{SOCKET}:", "unix:", 1).replace("?virtual_host=", "?db=", 1)


def is_verified(url: str) -> bool:
    """Whether the broker's certificate is verified, or TLS is not used at all. `url` is a result of `read`."""
    query = dict(parse_qsl(urlsplit(url).query))
    is_strict = (query.get("ssl_cert_reqs"), query.get("ssl_check_hostname")) == ("required", "true")
    return is_strict or not url.startswith(f"{TLS}:")


def files(url: str) -> dict[str, str]:
    """The files that the URL names, by parameter. `url` is a result of `read`."""
    query = dict(parse_qsl(urlsplit(url).query))
    return {name: query[name] for name in _TLS_FILES if name in query}


def without_password(url: str) -> str:
    """The URL without its password, for messages."""
    parts: SplitResult = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _verified(query: dict[str, str]) -> dict[str, str]:
    requirement = _REQUIREMENTS.get(query.get("ssl_cert_reqs", "required").lower().removeprefix("cert_"))
    hostname = query.get("ssl_check_hostname", "true").lower()
    if requirement is None or hostname not in ("true", "false"):
        raise ImproperlyConfigured(
            "In REDIS_URL, ssl_cert_reqs must be required, optional or none, and ssl_check_hostname true or false."
        )
    return query | {
        "ssl_cert_reqs": requirement,
        "ssl_check_hostname": hostname if requirement == "required" else "false",
    }


def _number(text: str) -> str:
    """The number of the database; 0 if there is none."""
    if text and not (text.isascii() and text.isdigit()):
        raise ImproperlyConfigured(f"The database in REDIS_URL is not a number. {_FORMS}")
    return text or "0"
