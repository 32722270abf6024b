"""A person's tokens are kept as text, and come back as they were."""

from datetime import UTC, datetime

import pytest

from connections.domain.token_entries import Pick, as_json, from_json, picked_twice
from connections.providers.azure_devops.personal_tokens import TokenEntry

WHEN = datetime(2027, 3, 14, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry",
    [
        TokenEntry("1", "main", frozenset({"vso.code", "vso.build"}), WHEN, WHEN, ("a", "b")),
        TokenEntry("2", "", frozenset(), None, None, None),
    ],
)
def test_an_entry_comes_back_as_it_was(entry: TokenEntry) -> None:
    assert from_json(as_json(entry)) == entry


def test_what_was_picked_twice_is_named() -> None:
    assert picked_twice([Pick(1, "a"), Pick(2, "b"), Pick(3, "a")]) == {"a"}
    assert picked_twice([Pick(1, "a"), Pick(2, "b")]) == set()
