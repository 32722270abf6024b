"""A credential: what a provider's client authenticates with, and what is sealed for a connection."""

from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from datetime import date
from typing import ClassVar

from core.secrets import Secret


class Credential(Secret, ABC):
    """One kind of credential, in memory. Each kind is a subclass, listed by its provider.

    `reveal()` is the text that is stored: sealed, and recognised again by its keyed fingerprint (`core.encryption`).
    The constructor takes that text back.
    """

    __slots__ = ()

    # Stored with the sealed text, so it never changes.
    kind: ClassVar[str]
    # What people call it; it is also what expires.
    label: ClassVar[str]

    @abstractmethod
    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Authenticate one request by its headers. Called for each request, possibly from several threads."""

    def secrets(self) -> tuple[str, ...]:
        """Every text that must be taken out of answers, should a server send it back."""
        return (self.reveal(),)

    def expires_on(self, recorded: date | None) -> date | None:
        """The day on which it expires, None when that is unknown; `recorded` is what a person said."""
        return recorded
