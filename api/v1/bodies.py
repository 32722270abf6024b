"""Bodies of requests: JSON in UTF-8, declared as such, and not too large."""

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

# More than any body needs whose fields are all as long as they can be.
LARGEST = 512 * 1024


class BadBody(Exception):
    """A body that was not parsed. `code` is a code of the catalogue."""

    def __init__(self, status: HTTPStatus, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class JsonParser(Parser):
    """Reads the body of a request."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON value. Raises `BadBody`, which the framework wraps."""
        if request.content_type != "application/json":
            raise BadBody(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported")
        try:
            return json.loads(request.body.decode())
        except (ValueError, RecursionError):
            raise BadBody(HTTPStatus.BAD_REQUEST, "body_unreadable") from None


def is_too_large(request: HttpRequest) -> bool:
    """Whether the declared size of the body is too large for every operation."""
    announced = str(request.META.get("CONTENT_LENGTH", ""))
    return announced.isdecimal() and int(announced[:20]) > LARGEST
