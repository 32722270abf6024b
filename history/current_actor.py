"""The current actor, for code that has no request, such as handlers of Django's signals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from history.record import COMMAND_LINE, Actor, actor_of

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def acting() -> Actor:
    """The actor set by `acting_as`, or the user of the current request, or the command line."""
    named = _actor.get()
    if named is not None:
        return named
    request = _request.get()
    return actor_of(request) if request is not None else COMMAND_LINE


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Set the current actor."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Make the request available while it is handled."""

    def respond(request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(token)

    return respond
