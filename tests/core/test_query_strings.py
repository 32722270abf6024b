"""The queries of links on a page."""

from django.http import QueryDict

from core.query_strings import with_values


def test_a_link_keeps_the_other_values_and_begins_at_the_first_page() -> None:
    given = QueryDict("q=a%26b&sort=name&page=3")
    assert with_values(given) == "q=a%26b&sort=name"
    assert with_values(given, sort="expiry") == "q=a%26b&sort=expiry"
    assert with_values(given, q="", sort="") == ""


def test_a_link_repeats_values_and_encodes_any_text() -> None:
    given = QueryDict("tag=a&tag=b&q=%C3%A6+%2B%20%F0%9F%A6%8A%00")
    assert with_values(given) == given.urlencode()
    assert with_values(given, page="2", tag="é&=") == "q=%C3%A6+%2B+%F0%9F%A6%8A%00&page=2&tag=%C3%A9%26%3D"
