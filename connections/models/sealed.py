"""The columns of a row that holds an encrypted credential."""

from typing import ClassVar

from django.db import models

from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.credential import Credential, DateSource, Words
from connections.providers.registry import UnknownCredentialKind, credential_type, date_source_for, words_for
from core import encryption


def fingerprint_of(credential: Credential) -> str:
    """A keyed digest that recognizes the same credential wherever it is stored."""
    return encryption.fingerprint(credential.recognized_by())


class SealedCredential(models.Model):
    """A row with an encrypted credential, authenticated with the name of the row."""

    # What the row is called in the encrypted text, so it never changes.
    sealed_for: ClassVar[str]

    kind = models.CharField(max_length=32, default=AZURE_DEVOPS.credentials[0].kind, editable=False)
    sealed = models.BinaryField(editable=False)

    class Meta:
        abstract = True

    def seal(self, credential: Credential) -> None:
        """Encrypt the credential for this row. The caller saves."""
        self.kind = credential.kind
        self.sealed = encryption.encrypt(credential, owner=self.seal_owner)

    def reveal(self) -> Credential:
        """Decrypt. Raises `encryption.UnreadableToken`, also for a credential kind unknown to this version."""
        try:
            credential = credential_type(self.kind)
        except UnknownCredentialKind:
            raise encryption.UnreadableToken from None
        return credential(encryption.decrypt(bytes(self.sealed), owner=self.seal_owner).reveal())

    def is_readable(self) -> bool:
        """Whether a key of the key ring can decrypt it."""
        try:
            self.reveal()
        except encryption.UnreadableToken:
            return False
        return True

    @property
    def label(self) -> str:
        """The kind of the credential, in words."""
        try:
            return credential_type(self.kind).label
        except UnknownCredentialKind:
            return self.kind

    @property
    def words(self) -> Words:
        """What pages and mails call the credential."""
        return words_for(self.kind)

    @property
    def date_source(self) -> DateSource:
        """Where its expiry date comes from."""
        return date_source_for(self.kind)

    @property
    def seal_owner(self) -> str:
        """The identity of this row that is authenticated with the encrypted text."""
        return f"{self.sealed_for} {self.pk}"
