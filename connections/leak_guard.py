"""Make no request with a token that was declared leaked, in any process.

The truth is the row in the database. A client reads it before its first request, and again before a later one if what
it read is older than a second, so that two seconds after a declaration no request starts, whichever process makes it.
"""

import time
from collections.abc import Collection, Iterable
from threading import Lock
from typing import Self

from django.db import connection as database

from connections.models import LeakedToken
from connections.models.sealed import fingerprint_of
from connections.providers.azure_devops.errors import TokenLeaked
from connections.providers.credential import Credential

FRESH_SECONDS = 1.0


class LeakGuard:
    """Whether the token with this fingerprint was declared leaked, for one client. Thread-safe."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self._lock = Lock()
        self._read_at: float | None = None
        self._is_leaked = False

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """The guard of a credential."""
        return cls(fingerprint_of(credential))

    def refuse_leaked(self) -> None:
        """Raise `TokenLeaked` if the token was declared leaked. Raises Django's database errors too."""
        if self.is_leaked():
            raise TokenLeaked

    def is_leaked(self) -> bool:
        """Whether the token was declared leaked, at most a second ago. Raises Django's database errors."""
        # One thread reads, and the others wait for what it finds.
        with self._lock:
            now = time.monotonic()
            if not self._is_leaked and not self._is_fresh(now, FRESH_SECONDS):
                self._note(_is_declared(self.fingerprint), now)
            return self._is_leaked

    def read_with_others(self, *, is_leaked: bool, at: float) -> None:
        """Take what was read for several guards at once, at that time of the monotonic clock."""
        with self._lock:
            self._note(is_leaked or self._is_leaked, at)

    def is_older_than(self, seconds: float) -> bool:
        """Whether what it knows was read so long ago, or never."""
        with self._lock:
            return not self._is_leaked and not self._is_fresh(time.monotonic(), seconds)

    def _is_fresh(self, now: float, seconds: float) -> bool:
        return self._read_at is not None and now - self._read_at < seconds

    def _note(self, is_leaked: bool, at: float) -> None:
        self._is_leaked, self._read_at = is_leaked, at


def read_together(guards: Collection[LeakGuard]) -> None:
    """Read for several guards by one query, so that their threads need no connection to the database."""
    if not guards:
        return
    at, leaked = time.monotonic(), leaked_among(guard.fingerprint for guard in guards)
    for guard in guards:
        guard.read_with_others(is_leaked=guard.fingerprint in leaked, at=at)


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


def leaked_among(fingerprints: Iterable[str]) -> set[str]:
    """Those of these fingerprints whose tokens were declared leaked."""
    return set(LeakedToken.objects.filter(fingerprint__in=set(fingerprints)).values_list("fingerprint", flat=True))
