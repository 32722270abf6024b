"""Access tokens of applications, in memory alone, and what signs requests with them.

A token is fetched once for all threads of the process, renewed at three quarters of its life, and forgotten when it
has ended. A failure is never remembered: the next call asks again.
"""

import hashlib
import math
import threading
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_issuer import AccessToken, TokenSource
from connections.providers.credential import Signer, digest_of

# After a renewal failed for want of an answer, the token that still works is used for so long before the next attempt.
_RENEW_AGAIN = 60.0


@dataclass(slots=True)
class _Flight:
    """One request for a token, for which other threads wait."""

    began_at: float
    landed: threading.Event = field(default_factory=threading.Event)
    token: AccessToken | None = None
    failure: errors.AzureDevOpsError | None = None

    def result(self) -> AccessToken:
        if self.token is None:
            raise self.failure or errors.EntraUnreachable(detail="abandoned")
        return self.token


@dataclass(slots=True)
class _Entry:
    token: AccessToken | None = None
    flight: _Flight | None = None
    renewed_in_vain_at: float = -math.inf

    def usable(self, *, after: float) -> AccessToken | None:
        """The token, if it was asked for at `after` or later and need not be renewed."""
        now, token = time.monotonic(), self.token
        if token is None or token.asked_at < after or now >= token.ends_at:
            return None
        return token if now < token.renew_at or now < self.renewed_in_vain_at + _RENEW_AGAIN else None


class AccessTokens:
    """The tokens of a process. `get` may be called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[bytes, _Entry] = {}

    def __repr__(self) -> str:
        return f"<AccessTokens {len(self._entries)}>"

    def get(self, issuer: TokenSource, credential: EntraCredential, *, after: float = -math.inf) -> AccessToken:
        """A token that was asked for at `after` or later, on the monotonic clock. Raises `AzureDevOpsError`."""
        while True:
            with self._lock:
                entry = self._entry(issuer, credential)
                token = entry.usable(after=after)
                if token is not None:
                    return token
                flight, leads = entry.flight, entry.flight is None
                if flight is None:
                    flight = entry.flight = _Flight(time.monotonic())
            if leads:
                self._fly(entry, flight, issuer, credential)
            else:
                _wait(flight, issuer.seconds)
            token = entry.usable(after=after)
            if token is not None:
                return token
            if flight.began_at >= after:
                return flight.result()

    def forget(self) -> None:
        """Forget every token, as a process that starts has none."""
        with self._lock:
            self._entries = {}

    def _entry(self, issuer: TokenSource, credential: EntraCredential) -> _Entry:
        named = f"{issuer.authority.url}\0{credential.kind}\0{credential.reveal()}"
        key = hashlib.sha256(named.encode()).digest()
        if key not in self._entries:
            now = time.monotonic()
            self._entries = {
                known: entry
                for known, entry in self._entries.items()
                if entry.flight is not None or (entry.token is not None and entry.token.ends_at > now)
            }
        return self._entries.setdefault(key, _Entry())

    def _fly(self, entry: _Entry, flight: _Flight, issuer: TokenSource, credential: EntraCredential) -> None:
        try:
            flight.token = issuer.fetch(credential)
        except errors.AzureDevOpsError as error:
            flight.failure = error
        finally:
            with self._lock:
                self._land(entry, flight)

    def _land(self, entry: _Entry, flight: _Flight) -> None:
        entry.flight = None
        if flight.token is not None:
            entry.token = flight.token
        elif flight.failure is not None and flight.failure.transient and entry.token is not None:
            # The token may still work, so it is used while it lasts.
            entry.renewed_in_vain_at = time.monotonic()
        else:
            entry.token = None
        flight.landed.set()


def _wait(flight: _Flight, seconds: float) -> None:
    with deadline(time.monotonic() + seconds) as ends_at:
        if not flight.landed.wait(max(0.0, ends_at - time.monotonic())):
            raise errors.EntraUnreachable(detail=errors.TimedOut.code)


TOKENS = AccessTokens()


def _header(token: AccessToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.text.reveal()}"}


class Bearer(Signer):
    """Signs with an access token of an application.

    `fresh` asks for a new one before the first request, for a test of the credential.
    """

    __slots__ = ("_after", "_credential", "_issuer", "_lock", "_renewed", "_token", "_tokens", "_used")

    by_principal = True

    def __init__(
        self, credential: EntraCredential, issuer: TokenSource, *, tokens: AccessTokens = TOKENS, fresh: bool = False
    ) -> None:
        self._credential = credential
        self._issuer = issuer
        self._tokens = tokens
        self._after = time.monotonic() if fresh else -math.inf
        self._lock = threading.Lock()
        self._token: AccessToken | None = None
        self._renewed = False
        self._used: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Bearer of {self._credential!r}>"

    def prepare(self) -> bool:
        """Fetch an access token, unless there is one. Raises `AzureDevOpsError`."""
        self._fetch()
        return True

    def _fetch(self) -> AccessToken:
        token = self._token = self._tokens.get(self._issuer, self._credential, after=self._after)
        text = token.text.reveal()
        if text not in self._used:
            self._used = (*self._used, text)
        return token

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Bearer authentication."""
        headers.update(_header(self._token or self._fetch()))

    def renew(self, refused: bytes) -> bool:
        """Fetch another token, once for each client."""
        with self._lock:
            token = self._token
            if token is None or refused != digest_of(_header(token)):
                # Another thread has renewed it meanwhile.
                return True
            if self._renewed:
                return False
            self._renewed = True
            self._after = math.nextafter(token.asked_at, math.inf)
            self._fetch()
            return True

    def secrets(self) -> tuple[str, ...]:
        """What the credential holds, and the access tokens."""
        return (*self._credential.secrets(), *self._used)
