"""Sessions end: after some time without a request, and in any case some time after the sign-in."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from people import login_limits
from people.events import tell
from people.sessions import SEEN_AT, SIGNED_IN_AT

# Noting each request would be a write for each.
_NOTED_EVERY = 60.0
_SAID = {
    "idle": "You were signed out because this browser was not used for a while. Sign in again to go on.",
    "age": "You were signed out because you signed in long ago. Sign in again to go on.",
}


def session_limits(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Sign out whoever's session has ended, and note that the others are in use."""

    def respond(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now()
            reason = _reason_to_end(request, now)
            if reason:
                tell("person.session_ended", request.user, {"reason": reason})
                request.session.flush()
                request.user = AnonymousUser()
                messages.info(request, _SAID[reason])
            else:
                _note(request, now)
        return get_response(request)

    return respond


def _reason_to_end(request: HttpRequest, now: datetime) -> str:
    session = request.session
    # A session that code made up has no beginning yet.
    began = datetime.fromtimestamp(session.setdefault(SIGNED_IN_AT, now.timestamp()), UTC)
    seen = datetime.fromtimestamp(session.setdefault(SEEN_AT, now.timestamp()), UTC)
    if now - began > login_limits.session_limit():
        return "age"
    idle = login_limits.idle_limit()
    return "idle" if idle and now - seen > idle else ""


def _note(request: HttpRequest, now: datetime) -> None:
    """A page that asks by itself how far something is, is not somebody who uses it."""
    asks_by_itself = request.method == "GET" and "HX-Request" in request.headers
    if not asks_by_itself and now.timestamp() - request.session[SEEN_AT] > _NOTED_EVERY:
        request.session[SEEN_AT] = now.timestamp()
