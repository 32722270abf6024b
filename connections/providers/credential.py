"""Credentials, with which clients of providers authenticate."""

from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from datetime import date
from typing import ClassVar

from core.secrets import Secret


class Credential(Secret, ABC):
    """One kind of credential, in memory. Each kind is a subclass that its provider lists.

    `reveal()` is the text that is stored, encrypted and with a keyed fingerprint (`core.encryption`). The constructor
    accepts this text.
    """

    __slots__ = ()

    # Stored with the encrypted text, so it never changes.
    kind: ClassVar[str]
    # Shown to people.
    label: ClassVar[str]

    @abstractmethod
    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add authentication headers to a request. May be called from several threads."""

    def secrets(self) -> tuple[str, ...]:
        """Texts to remove from answers, in case a server sends them back."""
        return (self.reveal(),)

    def expires_on(self, recorded: date | None) -> date | None:
        """The expiry date, None if unknown. `recorded` is the date that a person entered."""
        return recorded
