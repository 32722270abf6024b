"""REDIS_URL, read once for everything that connects to the broker: Celery by kombu, and redis-py.

The two libraries read the same URL differently. Of `rediss://host`, kombu verifies no certificate and redis-py verifies
it; a socket and a database's number have other names in each. What both are given is made here, with each decision
spelled out.
"""

from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from orchestrator.service_urls import with_encoded_hash

TLS, SOCKET = "rediss", "redis+socket"
_SCHEMES = {"redis": "redis", TLS: TLS, SOCKET: SOCKET, "unix": SOCKET}
_REQUIREMENTS = {"required": "required", "optional": "required", "none": "none"}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_FORMS = (
    "It is one of redis://user:password@host:6379/0, rediss://… (TLS) or redis+socket:///path; special characters in "
    "user and password are percent-encoded."
)


def read(url: str) -> str:
    """The URL as kombu is given it. Raises `ImproperlyConfigured`, without the URL: a password is in it."""
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
        raise ImproperlyConfigured(f"REDIS_URL has parameters that mean nothing: {', '.join(sorted(unknown))}.")
    if scheme != TLS and any(name.startswith("ssl_") for name in query):
        raise ImproperlyConfigured("REDIS_URL has parameters of TLS and no TLS: it begins with rediss:// then.")
    # Not by `urlunsplit`: it leaves out the slashes of a socket.
    return f"{scheme}://{parts.netloc}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")


def for_redis_py(url: str) -> str:
    """The URL of `read` as redis-py is given it."""
    if not url.startswith(f"{SOCKET}:"):
        return url
    return url.replace(f"{SOCKET}:", "unix:", 1).replace("?virtual_host=", "?db=", 1)


def is_verified(url: str) -> bool:
    """Whether nobody on the way can pretend to be the broker of this URL of `read`, as far as TLS is used at all."""
    query = dict(parse_qsl(urlsplit(url).query))
    is_strict = (query.get("ssl_cert_reqs"), query.get("ssl_check_hostname")) == ("required", "true")
    return is_strict or not url.startswith(f"{TLS}:")


def files(url: str) -> dict[str, str]:
    """The files that this URL of `read` names, by their parameter."""
    query = dict(parse_qsl(urlsplit(url).query))
    return {name: query[name] for name in _TLS_FILES if name in query}


def without_password(url: str) -> str:
    """The URL of `read` as it may be shown."""
    parts: SplitResult = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _verified(query: dict[str, str]) -> dict[str, str]:
    wanted = query.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    hostname = query.get("ssl_check_hostname", "true").lower()
    if wanted not in _REQUIREMENTS or hostname not in ("true", "false"):
        raise ImproperlyConfigured(
            "REDIS_URL has ssl_cert_reqs or ssl_check_hostname with another word than required or none, true or false."
        )
    requirement = _REQUIREMENTS[wanted]
    return query | {
        "ssl_cert_reqs": requirement,
        "ssl_check_hostname": hostname if requirement == "required" else "false",
    }


def _number(text: str) -> str:
    """Of a database; the first one where there is none."""
    if text and not (text.isascii() and text.isdigit()):
        raise ImproperlyConfigured(f"REDIS_URL names a database that is no number. {_FORMS}")
    return text or "0"
