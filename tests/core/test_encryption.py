"""Sealing tokens: authenticated, rotated, bound to their row."""

import pytest
from pytest_django import Settings

from connections.providers.azure_devops.credentials import PersonalAccessToken
from core import encryption

NEW = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="
OLD = "b2xkLWtleS1vbGQta2V5LW9sZC1rZXktb2xkLWtleS0wMDE="
TOKEN = PersonalAccessToken("s" * 52)


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def test_a_sealed_token_comes_back_and_is_not_in_the_sealed_text() -> None:
    sealed = encryption.encrypt(TOKEN, owner="connection 1")
    assert encryption.decrypt(sealed, owner="connection 1") == TOKEN
    assert TOKEN.reveal().encode() not in sealed


def test_an_old_key_still_opens_after_a_new_one_is_put_first(settings: Settings) -> None:
    sealed = encryption.encrypt(TOKEN, owner="connection 1")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert encryption.decrypt(sealed, owner="connection 1") == TOKEN
    assert not encryption.is_encrypted_with_newest_key(sealed)
    assert encryption.is_encrypted_with_newest_key(encryption.encrypt(TOKEN, owner="connection 1"))


def test_without_its_key_a_sealed_token_is_unreadable_and_not_garbage(settings: Settings) -> None:
    sealed = encryption.encrypt(TOKEN, owner="connection 1")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(encryption.UnreadableToken):
        encryption.decrypt(sealed, owner="connection 1")


def test_one_flipped_bit_is_noticed() -> None:
    sealed = bytearray(encryption.encrypt(TOKEN, owner="connection 1"))
    sealed[40] ^= 1
    with pytest.raises(encryption.UnreadableToken):
        encryption.decrypt(bytes(sealed), owner="connection 1")


def test_a_sealed_token_moved_to_another_row_is_not_opened_there() -> None:
    sealed = encryption.encrypt(TOKEN, owner="connection 1")
    with pytest.raises(encryption.UnreadableToken):
        encryption.decrypt(sealed, owner="connection 2")


def test_a_new_secret_key_changes_nothing(settings: Settings) -> None:
    sealed = encryption.encrypt(TOKEN, owner="connection 1")
    settings.SECRET_KEY = "another-secret-key-entirely"
    assert encryption.decrypt(sealed, owner="connection 1") == TOKEN


def test_fingerprints_survive_a_rotation_of_the_keys(settings: Settings) -> None:
    before = encryption.fingerprint(TOKEN)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert encryption.fingerprint(TOKEN) == before


def test_fingerprints_for_different_purposes_cannot_be_compared() -> None:
    assert encryption.fingerprint(TOKEN, purpose="test 1") != encryption.fingerprint(TOKEN, purpose="test 2")
