"""A personal access token shows itself to nobody who does not ask."""

import pickle

import pytest

from connections.providers.azure_devops.credentials import PersonalAccessToken
from tests.connections.providers.azure_devops.conftest import SECRET


def test_a_token_shows_itself_to_nobody_who_does_not_ask() -> None:
    token = PersonalAccessToken(SECRET)
    shown = f"{token}{token!r}{token:>200}%s" % token
    assert SECRET not in shown
    assert not hasattr(token, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_token_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(PersonalAccessToken(SECRET), protocol)


def test_tokens_are_equal_by_their_text_alone() -> None:
    assert PersonalAccessToken("a") == PersonalAccessToken("a") != PersonalAccessToken("b")
    assert PersonalAccessToken("a") != "a"
