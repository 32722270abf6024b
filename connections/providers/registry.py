"""The providers that there are. A new one is a package beside this module, and an entry here."""

from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.capability import Capability
from connections.providers.credential import Credential
from connections.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (AZURE_DEVOPS,)
BY_KEY = {provider.key: provider for provider in PROVIDERS}
BY_SLUG = {provider.slug: provider for provider in PROVIDERS}
# Keys of capabilities are stored, and no two providers share one.
CAPABILITIES = {capability.key: capability for provider in PROVIDERS for capability in provider.capabilities}
_CREDENTIALS = {credential.kind: credential for provider in PROVIDERS for credential in provider.credentials}


def capabilities_of(provider: str) -> tuple[Capability, ...]:
    """What credentials of the provider can do; nothing for a provider that this version does not know."""
    known = BY_KEY.get(provider)
    return known.capabilities if known else ()


class UnknownCredentialKind(LookupError):
    """A stored credential is of a kind that this version does not know."""


def credential_type(kind: str) -> type[Credential]:
    """The type of the credentials of this kind. Raises `UnknownCredentialKind`."""
    try:
        return _CREDENTIALS[kind]
    except KeyError:
        raise UnknownCredentialKind(kind) from None
