"""Sealing tokens: authenticated, rotated, bound to their row."""

import pytest
from pytest_django import Settings

from connections import keyring
from connections.azure_devops.secret import PersonalAccessToken

NEW = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="
OLD = "b2xkLWtleS1vbGQta2V5LW9sZC1rZXktb2xkLWtleS0wMDE="
TOKEN = PersonalAccessToken("s" * 52)


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def test_a_sealed_token_comes_back_and_is_not_in_the_sealed_text() -> None:
    sealed = keyring.seal(TOKEN, owner="connection 1")
    assert keyring.unseal(sealed, owner="connection 1") == TOKEN
    assert TOKEN.reveal().encode() not in sealed


def test_an_old_key_still_opens_after_a_new_one_is_put_first(settings: Settings) -> None:
    sealed = keyring.seal(TOKEN, owner="connection 1")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert keyring.unseal(sealed, owner="connection 1") == TOKEN
    assert not keyring.is_newest(sealed)
    assert keyring.is_newest(keyring.seal(TOKEN, owner="connection 1"))


def test_without_its_key_a_sealed_token_is_unreadable_and_not_garbage(settings: Settings) -> None:
    sealed = keyring.seal(TOKEN, owner="connection 1")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(keyring.UnreadableToken):
        keyring.unseal(sealed, owner="connection 1")


def test_one_flipped_bit_is_noticed() -> None:
    sealed = bytearray(keyring.seal(TOKEN, owner="connection 1"))
    sealed[40] ^= 1
    with pytest.raises(keyring.UnreadableToken):
        keyring.unseal(bytes(sealed), owner="connection 1")


def test_a_sealed_token_moved_to_another_row_is_not_opened_there() -> None:
    sealed = keyring.seal(TOKEN, owner="connection 1")
    with pytest.raises(keyring.UnreadableToken):
        keyring.unseal(sealed, owner="connection 2")


def test_a_new_secret_key_changes_nothing(settings: Settings) -> None:
    sealed = keyring.seal(TOKEN, owner="connection 1")
    settings.SECRET_KEY = "another-secret-key-entirely"
    assert keyring.unseal(sealed, owner="connection 1") == TOKEN


def test_fingerprints_survive_a_rotation_of_the_keys(settings: Settings) -> None:
    before = keyring.fingerprint(TOKEN)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert keyring.fingerprint(TOKEN) == before


def test_fingerprints_for_different_purposes_cannot_be_compared() -> None:
    assert keyring.fingerprint(TOKEN, purpose="test 1") != keyring.fingerprint(TOKEN, purpose="test 2")
