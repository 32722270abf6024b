"""Credentials of Microsoft Entra applications, which are exchanged for access tokens.

https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

from connections.providers.credential import Credential, Words

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def words_of_identity(name: str) -> Words:
    """The words for an identity of this server that is called `name`. Nothing of it expires."""
    return Words(
        name=name,
        in_full=f"Microsoft Entra {name}",
        owner="Application",
        permission="permission",
        all_granted="Everything is permitted.",
        date_shown="Nothing of it expires.",
        new="set up another identity",
        end="delete",
        ended="deleted",
        managed_in="in Microsoft Entra",
        after_end="Access tokens that were fetched before are valid for up to a day.",
    )


def words_of(name: str, *, new: str, date_read_in: str = "") -> Words:
    """The words for a credential of an application that is called `name`. `new` says how to get another."""
    return Words(
        name=name,
        in_full=f"Microsoft Entra {name}",
        owner="Application",
        permission="permission",
        all_granted="Everything is permitted.",
        date_shown="Microsoft Entra shows the date under “Certificates & secrets” of the application.",
        end="delete",
        ended="deleted",
        managed_in="in Microsoft Entra",
        new=new,
        after_end=f"Access tokens that were fetched with the {name} before are valid for about an hour.",
        date_read_in=date_read_in,
    )


class EntraCredential(Credential):
    """A credential of an application in a tenant. `reveal()` is a JSON object with the ids and the secret parts."""

    __slots__ = ("_parts",)

    is_for_many = True

    def __init__(self, secret: str) -> None:
        super().__init__(secret)
        self._parts: dict[str, str] = json.loads(secret)

    @classmethod
    def _of(cls, **parts: str) -> Self:
        # In one order, so that the same credential always has the same fingerprint.
        return cls(json.dumps(parts, sort_keys=True, separators=(",", ":")))

    @property
    def tenant(self) -> str:
        """The tenant id."""
        return self._parts["tenant"]

    @property
    def client(self) -> str:
        """The client id of the application."""
        return self._parts["client"]

    @property
    def principal(self) -> str:
        """Tenant and client id."""
        return f"{self.tenant}/{self.client}"

    @abstractmethod
    def proof(self, endpoint: str) -> Mapping[str, str]:
        """The fields of a token request that prove who asks. `endpoint` is where it is sent."""


def tenant_of(credential: Credential) -> str:
    """The tenant of an application; empty for a credential of a person."""
    return credential.tenant if isinstance(credential, EntraCredential) else ""


class EntraClientSecret(EntraCredential):
    """A client secret. People record its expiry date, unless the application may read it in Microsoft Graph."""

    __slots__ = ()

    kind = "entra_client_secret"
    label = "Microsoft Entra client secret"
    words = words_of("client secret", new="create a new client secret", date_read_in="Microsoft Graph")

    @classmethod
    def of(cls, tenant: str, client: str, secret: str) -> Self:
        """The credential with these ids and this value of a secret."""
        return cls._of(tenant=tenant, client=client, secret=secret)

    def proof(self, endpoint: str) -> Mapping[str, str]:
        """The secret itself."""
        return {"client_secret": self._parts["secret"]}

    @property
    def hint(self) -> str:
        """What Microsoft Graph shows of it: its first three characters."""
        return self._parts["secret"][:3]

    def secrets(self) -> tuple[str, ...]:
        """The secret, without the ids, which are no secrets."""
        return (self._parts["secret"],)
