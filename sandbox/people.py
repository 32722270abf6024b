"""People and their personal access tokens."""

import base64
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sandbox.ids import stable_id

TENANT = "00000000-aaaa-4bbb-8ccc-000000000001"
ANONYMOUS_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@dataclass(frozen=True)
class Person:
    """A person with an account."""

    name: str
    upn: str

    @cached_property
    def id(self) -> str:
        """The id that Azure DevOps gives them."""
        return stable_id("person", self.upn)

    @cached_property
    def descriptor(self) -> str:
        """The id in the form of newer API calls."""
        return f"aad.{base64.b64encode(self.id.encode()).decode()}"


STATES = ("active", "expired", "revoked", "not_materialized")


@dataclass
class Token:
    """A personal access token.

    `organization` is None for a token created for all accessible organizations, and `*` for a token that opens every
    organization without being such a token. `state` is active, expired, revoked or not_materialized (its owner has
    not signed in with a browser yet); after `expires_at` the token has expired too.
    """

    secret: str = field(repr=False)
    name: str
    person: Person
    organization: str | None
    scopes: tuple[str, ...]
    state: str = "active"
    expires_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether the token was valid once and has expired."""
        return self.state == "expired" or (self.expires_at is not None and self.expires_at <= now)
