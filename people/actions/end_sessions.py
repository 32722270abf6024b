"""Sign a person out in other browsers, or in all of them."""

from datetime import datetime

from django.contrib.auth.models import User

from people.events import record_person_event
from people.models import Session


def end_all(user: User, *, but: str | None = None) -> int:
    """End every session of a person except the one with the key `but`. Returns the number of sessions."""
    ended, _ = Session.objects.filter(user_id=user.pk).exclude(session_key=but or "").delete()
    if ended:
        record_person_event("person.sessions_ended", user, {"sessions": ended})
    return ended


def forget_ended(*, now: datetime) -> int:
    """Delete expired sessions. Returns the number of sessions."""
    removed, _ = Session.objects.filter(expire_date__lt=now).delete()
    return removed
