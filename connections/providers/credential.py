"""Credentials, with which clients of providers authenticate."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import ClassVar

from core.secrets import Secret


def digest_of(headers: Mapping[str, str | bytes]) -> bytes:
    """A digest that recognizes the Authorization header."""
    value = headers.get("Authorization", "")
    return hashlib.sha256(value if isinstance(value, bytes) else value.encode()).digest()


class Signer(ABC):
    """What signs the requests of a client. May be called from several threads."""

    __slots__ = ()

    # Whether it acts for an application, which has permissions but no scopes.
    by_principal: ClassVar[bool] = False

    @abstractmethod
    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add authentication headers to a request."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Texts to remove from answers, in case a server sends them back."""

    def prepare(self) -> bool:
        """Get what signs the next request, within the deadline of this thread. Whether there was anything to get."""
        return False

    def renew(self, refused: bytes) -> bool:
        """Replace what signed a refused request, by its `digest_of`. Whether to repeat the request."""
        return False


# The expiry date of what never expires.
NEVER = date.max


def day_in(zone: tzinfo | None, moment: datetime) -> date:
    """The day of a moment in this time zone. Certificates that never expire end at the last moment there is."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()


class DateSource(StrEnum):
    """Where the expiry date of a credential comes from."""

    PERSON = "person"
    CREDENTIAL = "credential"
    NEVER_EXPIRES = "never_expires"


@dataclass(frozen=True, slots=True)
class ReadDate:
    """What the place that issued a credential says about its expiry date.

    Without a `day`, `reason` is a stable word that says why, and `candidates` are the names and dates of several
    credentials of which it is one.
    """

    day: date | None = None
    reason: str = ""
    candidates: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What pages and mails call a credential of one kind, and what people do with it.

    `owner` is what lists of facts call the identity behind it; `permission` is one of what it may do. `date_shown` says
    where to look up its date, `new` how to get another, `end` and `managed_in` how and where to make it useless, and
    `after_end` what works then. `date_read_in` is where we can read the date ourselves.
    """

    name: str
    in_full: str
    owner: str
    permission: str
    all_granted: str
    date_shown: str
    end: str
    ended: str
    managed_in: str
    new: str
    after_end: str = ""
    date_read_in: str = ""


ANY_CREDENTIAL = Words(
    name="credential",
    in_full="Azure DevOps credential",
    owner="Owner",
    permission="permission",
    all_granted="Everything is permitted.",
    date_shown="The date is shown where the credential was created.",
    end="revoke",
    ended="revoked",
    managed_in="where it was created",
    new="create a new credential",
)


# What pages and mails call what a credential says about itself.
_FACTS = {"subject": "Subject", "sha1": "Thumbprint", "sha256": "SHA-256"}


def labelled(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """The `facts` of a credential with their labels, in the order in which they are shown."""
    return [(label, facts[name]) for name, label in _FACTS.items() if name in facts]


class Credential(Secret, ABC):
    """One kind of credential, in memory. Each kind is a subclass that its provider lists.

    `reveal()` is the text that is stored, encrypted and with a keyed fingerprint (`core.encryption`). The constructor
    accepts this text. A kind that is sent with each request as it is stored is a `Signer` too.
    """

    __slots__ = ()

    # Stored with the encrypted text, so it never changes.
    kind: ClassVar[str]
    # Shown to people.
    label: ClassVar[str]
    words: ClassVar[Words] = ANY_CREDENTIAL
    # Whether one credential normally serves several connections.
    is_for_many: ClassVar[bool] = False
    date_source: ClassVar[DateSource] = DateSource.PERSON

    @property
    def principal(self) -> str:
        """What names the application behind it, which is no secret; empty for a credential of a person."""
        return ""

    def recognized_by(self) -> Secret:
        """What its fingerprint is of: what the same credential always has, however it was entered."""
        return self

    def facts(self) -> dict[str, str]:
        """What it says about itself that is no secret, by stable names."""
        return {}

    def secrets(self) -> tuple[str, ...]:
        """Texts to remove from answers, in case a server sends them back."""
        return (self.reveal(),)

    def expires_on(self, recorded: date | None) -> date | None:
        """The expiry date, None if unknown. `recorded` is the date that a person entered."""
        return recorded
