"""What each entry of the registry must hold, so that pages, mails and the history can draw it."""

import pytest

from connections.models import Connection, StoredCredential
from connections.providers import registry
from connections.providers.provider import Provider

each_provider = pytest.mark.parametrize("provider", registry.PROVIDERS, ids=lambda provider: provider.key)


@each_provider
def test_every_capability_says_what_it_is_for(provider: Provider) -> None:
    assert all(capability.needed_for and capability.without for capability in provider.capabilities)


def test_no_two_providers_share_a_key_of_a_capability() -> None:
    keys = [capability.key for provider in registry.PROVIDERS for capability in provider.capabilities]
    assert len(keys) == len(registry.CAPABILITIES) > 0


@each_provider
def test_keys_fit_their_columns(provider: Provider) -> None:
    assert len(provider.key) <= (Connection._meta.get_field("provider").max_length or 0)
    longest = StoredCredential._meta.get_field("kind").max_length or 0
    assert all(len(credential.kind) <= longest for credential in provider.credentials)


def test_azure_devops_has_the_six_security_practices_of_the_user_guide() -> None:
    assert len(registry.BY_KEY["azure_devops"].security_practices) == 6


def test_a_provider_of_a_later_version_has_no_capabilities_here() -> None:
    assert registry.capabilities_of("of_a_later_version") == ()


def test_a_capability_has_a_short_name() -> None:
    assert registry.CAPABILITIES["release_execute"].short_name == "Release write & execute"
