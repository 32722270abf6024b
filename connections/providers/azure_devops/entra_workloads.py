"""Identities of this server: a federated token in a file, and a managed identity of Azure. Nothing of them expires.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Self

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.entra_credentials import ASSERTION_TYPE, EntraCredential, words_of_identity
from connections.providers.azure_devops.entra_tokens import contains_access_token
from connections.providers.credential import NEVER, DateSource

# What stands for the client id of an identity that Azure assigned to the machine itself.
SYSTEM_ASSIGNED = "system-assigned"
_LONGEST_TOKEN = 64 * 1024


class _Identity(EntraCredential):
    """An identity that this server has. What is stored of it are ids, which are no secrets."""

    __slots__ = ()

    date_source = DateSource.NEVER_EXPIRES

    @classmethod
    def of(cls, tenant: str, client: str) -> Self:
        """The identity with these ids."""
        return cls._of(tenant=tenant.lower(), client=client.lower())

    def expires_on(self, recorded: date | None) -> date | None:
        """Never."""
        return NEVER

    def secrets(self) -> tuple[str, ...]:
        """None: what it proves itself with is read anew for each access token."""
        return ()


class EntraFederatedToken(_Identity):
    """A workload identity: an application that accepts the token of another issuer, which is in a file here."""

    __slots__ = ("_file",)

    kind = "entra_federated_token"
    label = "Microsoft Entra workload identity"
    words = words_of_identity("workload identity")

    def __init__(self, secret: str, file: str = "") -> None:
        super().__init__(secret)
        self._file = file

    def reading(self, file: str) -> Self:
        """The same identity, whose token is in this file. Only settings name it."""
        return type(self)(self.reveal(), file)

    def proof(self, endpoint: str) -> Mapping[str, str]:
        """The token, read for each request, because the file is replaced before the token expires."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._token()}

    def _token(self) -> str:
        try:
            with Path(self._file).open("rb") as file:
                content = file.read(_LONGEST_TOKEN + 1)
        except (OSError, ValueError):
            raise errors.WorkloadTokenUnreadable(detail="the file cannot be read") from None
        text = content.decode("ascii", "replace").strip()
        if len(content) > _LONGEST_TOKEN or not contains_access_token(text):
            raise errors.WorkloadTokenUnreadable(detail="the file has no token")
        return text


class EntraManagedIdentity(_Identity):
    """A managed identity of the machine or service on which this server runs."""

    __slots__ = ()

    kind = "entra_managed_identity"
    label = "Managed identity"
    words = words_of_identity("managed identity")

    @property
    def asked_for(self) -> str:
        """The client id to ask for; empty for the one that Azure assigned to the machine itself."""
        return "" if self.client == SYSTEM_ASSIGNED else self.client

    def proof(self, endpoint: str) -> Mapping[str, str]:
        """Nothing: Azure knows which machine asks."""
        return {}
