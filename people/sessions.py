"""Session engine: Django's database engine, with columns for the user, the device and the last use of a session."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from people.models import Session

SIGNED_IN_AT, SEEN_AT, ADDRESS, DEVICE = "signed_in_at", "seen_at", "address", "device"


class SessionStore(DatabaseStore):
    """Stores `people.Session` rows."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The model of a session."""
        return Session

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        """The row, with its columns copied from the encoded data."""
        row = cast("Session", super().create_model_instance(dict(data)))
        user = data.get(SESSION_KEY)
        row.user_id = int(user) if user is not None else None
        row.signed_in_at = _datetime(data.get(SIGNED_IN_AT))
        row.seen_at = _datetime(data.get(SEEN_AT))
        row.address = data.get(ADDRESS)
        row.device = data.get(DEVICE, "")
        return row


def _datetime(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Android", "Android"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """Browser and operating system, such as `Firefox on Linux`."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or "Unknown device"
