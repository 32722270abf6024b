"""Where the site is: its origin, and the path below which everything lies, from SITE_URL and SCRIPT_NAME."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Site:
    """`origin` is without a path, `prefix` empty or such as `/repos`: with no slash at its end."""

    origin: str
    prefix: str


def read(site_url: str, script_name: str) -> Site:
    """The path of SITE_URL is the prefix, or SCRIPT_NAME where SITE_URL has none.

    Raises `ImproperlyConfigured` where they contradict each other, or the prefix is no path.
    """
    origin, path = _split(site_url.rstrip("/"))
    wanted = script_name.strip().strip("/")
    prefix = f"/{wanted}" if wanted else ""
    if path and prefix and path != prefix:
        raise ImproperlyConfigured(
            f"SITE_URL has the path {path} and SCRIPT_NAME is {prefix}. Set one of them, or both to the same path."
        )
    prefix = prefix or path
    if any(sign in prefix for sign in "?#%\\ ") or "//" in prefix or "/." in prefix or not prefix.isascii():
        raise ImproperlyConfigured(f"“{prefix}” cannot be the path of the site. A path such as /repos can.")
    return Site(origin, prefix)


def _split(site_url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(site_url)
    except ValueError:
        # A check tells what is wrong with it.
        return site_url, ""
    if not parts.scheme or not parts.netloc or parts.query or parts.fragment:
        return site_url, ""
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
