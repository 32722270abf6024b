"""Make no request with a token that was declared leaked, in any process.

The truth is the row in the database. A client reads it before its first request, and again before a later one if what
it read is older than a second, so that two seconds after a declaration no request starts, whichever process makes it.
"""

import time
from threading import Lock

from django.db import connection as database

from connections.models import LeakedToken
from connections.models.sealed import fingerprint_of
from connections.providers.azure_devops.errors import TokenLeaked
from connections.providers.credential import Credential

FRESH_SECONDS = 1.0


class LeakGuard:
    """Whether one token was declared leaked, for one client. Thread-safe."""

    def __init__(self, credential: Credential) -> None:
        self._fingerprint = fingerprint_of(credential)
        self._lock = Lock()
        self._read_at: float | None = None
        self._is_leaked = False

    def refuse_leaked(self) -> None:
        """Raise `TokenLeaked` if the token was declared leaked. Raises Django's database errors too."""
        if self.is_leaked():
            raise TokenLeaked

    def is_leaked(self) -> bool:
        """Whether the token was declared leaked, at most a second ago. Raises Django's database errors."""
        # One thread reads, and the others wait for what it finds.
        with self._lock:
            now = time.monotonic()
            is_fresh = self._read_at is not None and now - self._read_at < FRESH_SECONDS
            if not self._is_leaked and not is_fresh:
                self._is_leaked, self._read_at = _is_declared(self._fingerprint), now
            return self._is_leaked


def _is_declared(fingerprint: str) -> bool:
    # A thread that only makes requests has no connection to the database, and is left without one.
    is_borrowed = database.connection is not None
    try:
        return is_leaked(fingerprint)
    finally:
        if not is_borrowed:
            database.close()


def is_leaked(fingerprint: str) -> bool:
    """Whether the token with this fingerprint was declared leaked."""
    return LeakedToken.objects.filter(fingerprint=fingerprint).exists()
