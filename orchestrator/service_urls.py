"""What the URLs of database, broker and mail server have in common: special characters in a password."""

from urllib.parse import urlsplit


def with_encoded_hash(url: str) -> str:
    """The URL with each `#` percent-encoded: it is part of the password, because these URLs have no fragment.

    Raises `ValueError` for an unencoded `/` or `?` in user or password: the part before it would be taken for the host.
    """
    url = url.replace("#", "%23")
    rest = url.partition("://")[2].partition("=")[0]
    if "@" in rest and "@" not in urlsplit(url).netloc:
        raise ValueError("/ and ? in user and password are percent-encoded")
    return url
