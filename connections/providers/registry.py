"""The registry of providers. A new provider is a package next to this module and an entry here."""

from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.capability import Capability
from connections.providers.credential import ANY_CREDENTIAL, Credential, DateSource, Words
from connections.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (AZURE_DEVOPS,)
BY_KEY = {provider.key: provider for provider in PROVIDERS}
BY_SLUG = {provider.slug: provider for provider in PROVIDERS}
# Capability keys are stored, and unique across providers.
CAPABILITIES = {capability.key: capability for provider in PROVIDERS for capability in provider.capabilities}
_CREDENTIALS = {credential.kind: credential for provider in PROVIDERS for credential in provider.credentials}


def capabilities_of(provider: str) -> tuple[Capability, ...]:
    """The capabilities of a provider's credentials; empty for an unknown provider."""
    entry = BY_KEY.get(provider)
    return entry.capabilities if entry else ()


class UnknownCredentialKind(LookupError):
    """A stored credential has an unknown kind."""


def words_for(kind: str) -> Words:
    """The words for credentials of this kind; those for any credential if the kind is unknown."""
    credential = _CREDENTIALS.get(kind)
    return credential.words if credential else ANY_CREDENTIAL


def date_source_for(kind: str) -> DateSource:
    """Where the expiry date of credentials of this kind comes from; a person if the kind is unknown."""
    credential = _CREDENTIALS.get(kind)
    return credential.date_source if credential else DateSource.PERSON


def credential_type(kind: str) -> type[Credential]:
    """The class of credentials of this kind. Raises `UnknownCredentialKind`."""
    try:
        return _CREDENTIALS[kind]
    except KeyError:
        raise UnknownCredentialKind(kind) from None
