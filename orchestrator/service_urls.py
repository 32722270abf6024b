"""What the URLs of database, broker and mail server have in common: a password that an operator typed."""

from urllib.parse import urlsplit


def with_encoded_hash(url: str) -> str:
    """The URL with each `#` percent-encoded, which is part of the password: none of these URLs has a fragment.

    Raises `ValueError` for a user or password with a `/` or `?` that is not percent-encoded: what stands before it
    would be taken for the host.
    """
    url = url.replace("#", "%23")
    rest = url.partition("://")[2].partition("=")[0]
    if "@" in rest and "@" not in urlsplit(url).netloc:
        raise ValueError("/ and ? in user and password are percent-encoded")
    return url
