"""Middleware that ends sessions: after some time without a request, and some time after the sign-in."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.database_time import TOLERANCE
from core.htmx import is_automatic
from people import login_limits
from people.events import record_person_event
from people.sessions import SEEN_AT, SIGNED_IN_AT

# Recording every request would cost a write each time.
_RECORDED_EVERY = 60.0  # seconds
_MESSAGES = {
    "idle": "You were signed out because you were inactive for a while. Sign in again to continue.",
    "age": "You were signed out because your session reached its maximum length. Sign in again to continue.",
}


def session_limits(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """End a session that has reached a limit; record the last use of the others."""

    def respond(request: HttpRequest) -> HttpResponse:
        # The REST API looks at no cookie.
        if not request.path_info.startswith(settings.API_PREFIX) and request.user.is_authenticated:
            now = timezone.now()
            reason = _reason_to_end(request, now)
            if reason:
                record_person_event("person.session_ended", request.user, {"reason": reason})
                request.session.flush()
                request.user = AnonymousUser()
                messages.info(request, _MESSAGES[reason])
            else:
                _record_use(request, now)
        return get_response(request)

    return respond


def _reason_to_end(request: HttpRequest, now: datetime) -> str:
    began, seen = _time_of(request, SIGNED_IN_AT, now), _time_of(request, SEEN_AT, now)
    if now - began > login_limits.session_limit():
        return "age"
    idle = login_limits.idle_limit()
    return "idle" if idle and now - seen > idle else ""


def _time_of(request: HttpRequest, name: str, now: datetime) -> datetime:
    """A time of the session, which becomes now if there is none, or if the clock was ahead when it was stored."""
    # A session that was created by code, as in tests, has no times yet.
    seconds = request.session.get(name)
    if seconds is None or seconds > (now + TOLERANCE).timestamp():
        seconds = request.session[name] = now.timestamp()
    return datetime.fromtimestamp(seconds, UTC)


def _record_use(request: HttpRequest, now: datetime) -> None:
    """Record that the session is in use. Automatic updates of an open page don't count."""
    if not is_automatic(request) and now.timestamp() - request.session[SEEN_AT] > _RECORDED_EVERY:
        request.session[SEEN_AT] = now.timestamp()
