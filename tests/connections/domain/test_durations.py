"""How long something took, as people read it."""

import pytest

from connections.domain.durations import in_units


@pytest.mark.parametrize(
    ("seconds", "decimals", "words"),
    [
        (42, 0, "42 s"),
        (4.23, 1, "4.2 s"),
        (190.9, 1, "3 min 10 s"),
        (3 * 3600 + 125, 0, "3 h 2 min"),
        (-5, 0, "0 s"),
    ],
)
def test_a_duration_in_its_two_largest_units(seconds: float, decimals: int, words: str) -> None:
    assert in_units(seconds, decimals=decimals) == words
