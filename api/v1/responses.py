"""The responses that an operation declares beside its own."""

from http import HTTPStatus
from typing import Any

from api.v1 import schemas

# Every operation asks for a token, counts requests, and reads input.
_ALWAYS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_OF_BODIES = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
ONE = (HTTPStatus.NOT_FOUND,)
CHANGE = (*ONE, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED)


def answers(status: HTTPStatus, schema: Any, *problems: HTTPStatus, has_body: bool = False) -> dict[int, Any]:
    """The declared responses: one when all is well, and the problems that can be met."""
    met = (*_ALWAYS, *problems, *(_OF_BODIES if has_body else ()))
    return {int(status): schema, **{int(problem): schemas.Problem for problem in sorted(set(met))}}


def headers(status: HTTPStatus, **described: str) -> dict[str, Any]:
    """Headers of a response for the description: `headers(HTTPStatus.OK, ETag="…")`."""
    listed = {
        name.replace("_", "-"): {"description": words, "schema": {"type": "string"}}
        for name, words in described.items()
    }
    return {"responses": {int(status): {"headers": listed}}}
