"""Renewals as their owner makes them: the person signs in at the pretend Microsoft Entra and returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.contrib.auth.models import User
from django.utils import timezone

from connections.actions import bulk_renew, prove_renewal, renew_sign_in, revoke_leaked
from connections.actions.finish_sign_in import Result, finish_sign_in
from connections.bulk_renewal_reads import renewable
from connections.domain.renewal import RenewalRequest, State
from connections.models import BulkRenewal, Connection, LeakedToken, Renewal, TokenImport
from connections.token_import_reads import imports_of
from core.secrets import Secret
from history.record import Actor
from sandbox.entra.issuer import Issuer
from sandbox.people import Token
from sandbox.server import Sandbox

BOTH = ("vso.code_manage", "vso.build_execute", "vso.release_manage")
MAYA = "maya@example.com"


def registered(entra: Issuer) -> dict[str, str]:
    """What `make run` hands over: the sandbox's application for renewing tokens."""
    application = entra.directory.named("sign-in")
    secret = application.secrets[0].value
    return {
        "tenant": application.tenant,
        "client": application.client_id,
        "secret": secret,
        "page": entra.sign_in_url,
    }


def sent_back(address: str, upn: str = MAYA, **more: str) -> dict[str, str]:
    """What the sign-in page sends the person back with."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(address, params={"person": upn, **more}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@dataclass
class Renewing:
    """Renews connections for one person of the product, at a clock that tests can set."""

    sandbox: Sandbox
    user: User
    by: Actor = field(default_factory=lambda: Actor("Maya"))
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The time here. The sandbox has its own clock."""
        return timezone.now() + self.ahead

    def begin(self, connection: Connection, scopes: tuple[str, ...] = BOTH, days: int = 60) -> str:
        """The address at Microsoft."""
        return renew_sign_in.begin_renewal(connection, RenewalRequest(scopes, days), person=self.user, now=self.now())

    def begin_bulk(self, *connections: Connection, days: int = 60) -> str:
        """The address at Microsoft for several connections."""
        found = renewable([connection.pk for connection in connections])
        return bulk_renew.begin(found, days, person=self.user, by=self.by, now=self.now())

    def renew_bulk(self, *connections: Connection, upn: str = MAYA) -> BulkRenewal:
        """A whole sign-in for several connections."""
        bulk = self.return_with(sent_back(self.begin_bulk(*connections), upn))
        assert isinstance(bulk, BulkRenewal)
        return bulk

    def return_with(self, parameters: dict[str, str]) -> Result:
        """Do what the person signed in for."""
        return finish_sign_in(
            parameters["state"], Secret(parameters["code"]), person=self.user, by=self.by, clock=self.now
        )

    def renew(self, connection: Connection, *, upn: str = MAYA, **request: Any) -> Renewal:
        """A whole sign-in for a renewal."""
        renewal = self.return_with(sent_back(self.begin(connection, **request), upn))
        assert isinstance(renewal, Renewal)
        renewal.refresh_from_db()
        return renewal

    def read_tokens(self, *organizations: str, upn: str = MAYA) -> list[TokenImport]:
        """A whole sign-in for reading one's own tokens."""
        address = renew_sign_in.begin_import("Sandbox", organizations or ("acme",), person=self.user, now=self.now())
        self.return_with(sent_back(address, upn))
        return imports_of(self.user, now=self.now())

    def settle(self, renewal: Renewal) -> Renewal:
        """A whole sign-in for what is pending."""
        address = renew_sign_in.begin_settling(renewal, person=self.user, now=self.now())
        self.return_with(sent_back(address))
        renewal.refresh_from_db()
        return renewal

    def revoke(self, leak: LeakedToken, entry: str = "", *, upn: str = MAYA) -> LeakedToken:
        """A whole sign-in for revoking a leaked token, or for finding out which token it may be."""
        address = revoke_leaked.begin(leak, entry, person=self.user, now=self.now())
        self.return_with(sent_back(address, upn))
        leak.refresh_from_db()
        return leak

    def prove(self, renewal: Renewal, *, seconds: float = 10) -> Renewal:
        """The worker's part, so many seconds later."""
        self.ahead += timedelta(seconds=seconds)
        prove_due(self.now)
        renewal.refresh_from_db()
        return renewal

    def made(self, renewal: Renewal) -> list[Token]:
        """The tokens in Azure DevOps that this renewal made."""
        return [token for token in self.sandbox.state.tokens.values() if renewal.marker in token.name]

    def wait_for_the_longest_request(self) -> None:
        """Let the last request with the old token end."""
        self.ahead += timedelta(seconds=301)


class _SummerTime(tzinfo):
    """A time zone with one change, an hour ahead, at a moment in UTC."""

    def __init__(self, before: timedelta, change: datetime) -> None:
        self._before, self._change = before, change

    def _offset(self, moment: datetime) -> timedelta:
        return self._before + timedelta(hours=moment >= self._change)

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """How far the clocks are ahead of UTC."""
        return self._before if dt is None else self._offset(dt.replace(tzinfo=UTC) - self._before)

    def dst(self, dt: datetime | None) -> timedelta:
        """How much of that is summer time."""
        return self.utcoffset(dt) - self._before

    def tzname(self, dt: datetime | None) -> str:
        """Its name."""
        return "evening"

    def fromutc(self, dt: datetime) -> datetime:
        """The time of this zone."""
        return dt + self._offset(dt.replace(tzinfo=UTC))


def late_in_the_evening_before_summer_time() -> tzinfo:
    """A time zone in which it is half past eleven now, and summer time begins tomorrow."""
    now = datetime.now(UTC)
    ahead = timedelta(hours=23, minutes=30) - timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
    return _SummerTime(ahead if ahead < timedelta(hours=12) else ahead - timedelta(days=1), now + timedelta(days=1))


def prove_due(clock: Callable[[], datetime]) -> None:
    """What the workers do about old tokens that are due."""
    for renewal_id, lease in prove_renewal.claim_due(now=clock()):
        prove_renewal.ask_claimed(renewal_id, lease=lease, clock=clock)


def entry_of(sandbox: Sandbox, name: str) -> str:
    """The id in Azure DevOps of a sample token."""
    token = sandbox.state.token_named(name)
    assert token is not None
    return token.authorization_id


def state_of(renewal: Renewal) -> State:
    """How far it is."""
    return State(renewal.state)
