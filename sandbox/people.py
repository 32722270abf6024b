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
    """Somebody with an account."""

    name: str
    upn: str

    @cached_property
    def id(self) -> str:
        """The id that Azure DevOps gives them."""
        return stable_id("person", self.upn)

    @cached_property
    def descriptor(self) -> str:
        """The id in the form that newer calls use."""
        return f"aad.{base64.b64encode(self.id.encode()).decode()}"


STATES = ("active", "expired", "revoked", "not_materialized")


@dataclass
class Token:
    """A personal access token.

    `organization` is None for one made for all accessible organizations, and `*` for one that fits everywhere
    without being such a token. `state` is active, expired, revoked or not_materialized (its owner has
    yet to sign in with a browser); `expires_at` (aware) does the same by the clock.
    """

    secret: str = field(repr=False)
    name: str
    person: Person
    organization: str | None
    scopes: tuple[str, ...]
    state: str = "active"
    expires_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether it was good once."""
        return self.state == "expired" or (self.expires_at is not None and self.expires_at <= now)
