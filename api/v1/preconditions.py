"""Versions of what is changed: `ETag` in responses, and `If-Match` in requests."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Header

from api.v1.errors import PreconditionMissing

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=2000, description="ETag of the version that you read, or *.")
]


def required(if_match: str | None) -> str | None:
    """The version in an `If-Match` header; None for any version. Raises `PreconditionMissing`."""
    if if_match is None or not if_match.strip():
        raise PreconditionMissing
    # Compression makes the tag weak on the way out. It is a version of the content, so that changes nothing.
    return None if if_match.strip() == "*" else if_match.strip().removeprefix("W/").strip('"')


def optional(if_match: str | None) -> str | None:
    """The same for a change that needs no version. Raises `PreconditionMissing` if the header is empty."""
    return None if if_match is None else required(if_match)


def write_version(response: HttpResponse, version: str) -> None:
    """Name the version that the response shows."""
    response.headers["ETag"] = f'"{version}"'
