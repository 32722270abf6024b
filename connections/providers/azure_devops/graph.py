"""The expiry date of a client secret, which Microsoft Graph shows to applications that may read applications.

Of each secret it shows the first three characters, and no more of its value. It is asked with an access token of the
application itself, which is not kept.
https://learn.microsoft.com/graph/api/application-get
https://learn.microsoft.com/graph/api/resources/passwordcredential
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_issuer import Endpoint, Issuer, Request
from connections.providers.azure_devops.parsing import parse_datetime
from connections.providers.azure_devops.responses import Response
from connections.providers.credential import ReadDate, day_in

PUBLIC_GRAPH = "https://graph.microsoft.com"
# Why there is no date. These words are stored.
NOT_PERMITTED, NO_ANSWER, NOT_LISTED, SEVERAL = "not_permitted", "no_answer", "not_listed", "several"
_MOST_CANDIDATES = 10
_LONGEST_NAME = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A secret as Microsoft Graph lists it."""

    hint: str
    name: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Graph(Endpoint):
    """Microsoft Graph. `issuer` issues the access tokens for it."""

    issuer: Issuer = field(kw_only=True)

    def date_of(self, credential: EntraClientSecret, *, now: datetime) -> ReadDate:
        """On which day, in the time zone of `now`, this secret expires, or why that is not known. Raises nothing."""
        found = self._read(credential)
        if isinstance(found, str):
            log.info("Microsoft Graph shows no expiry date: %s", found, extra={"client": credential.client})
            return ReadDate(reason=found)
        return _matched(found, credential.hint, now)

    def _read(self, credential: EntraClientSecret) -> list[_Listed] | str:
        try:
            token = self.issuer.fetch(credential)
        except errors.AzureDevOpsError:
            return NO_ANSWER
        headers = {"Authorization": f"Bearer {token.text.reveal()}"}
        path = f"/v1.0/applications(appId='{credential.client}')?$select=passwordCredentials"
        with deadline(time.monotonic() + self.seconds) as ends_at:
            answer = self._answer(Request("GET", self.authority.url + path, headers), ends_at)
        if isinstance(answer, errors.AzureDevOpsError):
            return NO_ANSWER
        return NOT_PERMITTED if answer.status == 403 else _secrets(answer)


def _secrets(answer: Response) -> list[_Listed] | str:
    body = answer.json_object() if answer.status == 200 and answer.is_object else {}
    listed = body.get("passwordCredentials")
    if not isinstance(listed, list):
        return NO_ANSWER
    return [secret for secret in map(_secret, listed) if secret is not None]


def _secret(listed: object) -> _Listed | None:
    secret: Mapping[str, object] = listed if isinstance(listed, dict) else {}
    ends_at = parse_datetime(secret.get("endDateTime"))
    if ends_at is None:
        return None
    # Old secrets have no hint, and some no name.
    name = "".join(letter for letter in str(secret.get("displayName") or "") if letter.isprintable())
    return _Listed(str(secret.get("hint") or ""), name[:_LONGEST_NAME], ends_at)


def _matched(listed: list[_Listed], hint: str, now: datetime) -> ReadDate:
    """The date of the secret with this hint. One that has expired is not the one that is in use, if another is not."""
    similar = [secret for secret in listed if secret.hint == hint]
    similar = [secret for secret in similar if secret.ends_at > now] or similar
    days = {day_in(now.tzinfo, secret.ends_at) for secret in similar}
    if len(days) == 1:
        return ReadDate(days.pop())
    possible = similar or [secret for secret in listed if not secret.hint]
    candidates = tuple((secret.name, day_in(now.tzinfo, secret.ends_at)) for secret in possible[:_MOST_CANDIDATES])
    return ReadDate(reason=SEVERAL if similar else NOT_LISTED, candidates=candidates)
