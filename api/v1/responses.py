"""What responses of several operations have in common: declared problems and headers, and work to follow."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from api.v1 import schemas
from core.tasks import BrokerUnavailable

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
# How soon to follow audits and syncs again; and builds and releases, as often as running ones are read.
JOB_SECONDS, LIVE_SECONDS = 5, 3
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


LINK = headers(HTTPStatus.OK, Link="The next page, if there is one.")


def accepted(what: str) -> dict[str, Any]:
    """The headers of a response to a change that takes a while, for the description."""
    retry_after = "Seconds to wait before the first request there."
    return headers(HTTPStatus.ACCEPTED, Location=f"Where to follow the {what}.", Retry_After=retry_after)


def followed(unfinished: str) -> dict[str, Any]:
    """The headers of a response that shows progress, for the description: `followed("the build runs")`."""
    return headers(
        HTTPStatus.OK,
        Retry_After=f"Seconds to wait before the next request, while {unfinished}.",
        Preference_Applied="The wait of the header Prefer, if it was applied.",
    )


def follow(response: HttpResponse, url: str, *, seconds: int) -> None:
    """Name the address at which the work can be followed, and how soon."""
    response.headers["Location"] = url
    retry_after(response, seconds)


def retry_after(response: HttpResponse, seconds: int) -> None:
    """Say how soon the next request is useful."""
    response.headers["Retry-After"] = str(seconds)


def start(enqueue: Callable[[], None], *, otherwise: str) -> list[schemas.DelayWarning]:
    """Enqueue background work. Without a broker the scheduler starts it later; a warning says so in these words."""
    try:
        enqueue()
    except BrokerUnavailable:
        words = f"The broker does not respond. {otherwise}"
        return [schemas.DelayWarning(code="broker_unavailable", title=words)]
    return []
