"""Who acts now, for what happens far from a request: signals of Django that name nobody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from history.record import COMMAND_LINE, Actor, actor_of

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def acting() -> Actor:
    """Whoever is signed in to the request under way, or who was named, or else the command line."""
    named = _actor.get()
    if named is not None:
        return named
    request = _request.get()
    return actor_of(request) if request is not None else COMMAND_LINE


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Name who acts."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Remember the request while it is answered."""

    def respond(request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(token)

    return respond
