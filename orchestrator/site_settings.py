"""The site's origin and path prefix, from SITE_URL and SCRIPT_NAME."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Site:
    """`origin` has no path; `prefix` is empty or a path such as `/repos`, without a slash at the end."""

    origin: str
    prefix: str


def read(site_url: str, script_name: str) -> Site:
    """The prefix is the path of SITE_URL, or SCRIPT_NAME if SITE_URL has no path.

    Raises `ImproperlyConfigured` if they differ, or if the prefix is not a valid path.
    """
    origin, path = _split(site_url.rstrip("/"))
    script_name = script_name.strip().strip("/")
    prefix = f"/{script_name}" if script_name else ""
    if path and prefix and path != prefix:
        raise ImproperlyConfigured(
            f"SITE_URL has the path {path}, but SCRIPT_NAME is {prefix}. Set one of them, or the same path in both."
        )
    prefix = prefix or path
    if any(character in prefix for character in "?#%\\ ") or "//" in prefix or "/." in prefix or not prefix.isascii():
        raise ImproperlyConfigured(f"“{prefix}” is not a valid path for the site. Use a path such as /repos.")
    return Site(origin, prefix)


def _split(site_url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(site_url)
    except ValueError:
        # A system check reports the problem.
        return site_url, ""
    if not parts.scheme or not parts.netloc or parts.query or parts.fragment:
        return site_url, ""
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
