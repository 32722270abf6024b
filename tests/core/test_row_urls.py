"""The URLs of rows are those that Django reverses."""

import pytest
from django.urls import NoReverseMatch, reverse, set_script_prefix

from core.row_urls import row_url


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("connections:list", ()),
        ("connections:detail", (7,)),
        ("delivery:repository", (0,)),
        ("delivery:release-pipeline", (3, 12)),
    ],
)
def test_it_is_what_reverse_returns(name: str, ids: tuple[int, ...]) -> None:
    assert row_url(name, *ids) == reverse(name, args=ids)
    assert row_url(name, *ids) == reverse(name, args=ids)


def test_it_follows_the_path_prefix() -> None:
    assert row_url("connections:detail", 7) == "/code-repositories/7/"
    set_script_prefix("/app0/")
    try:
        assert (
            row_url("connections:detail", 7) == reverse("connections:detail", args=[7]) == "/app0/code-repositories/7/"
        )
    finally:
        set_script_prefix("/")


def test_an_unknown_name_raises_what_reverse_raises() -> None:
    with pytest.raises(NoReverseMatch):
        row_url("connections:no-such-page", 7)
