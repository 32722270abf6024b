"""The queries of links on a page."""

from django.http import QueryDict

from core.query_strings import with_values


def test_a_link_keeps_the_other_values_and_begins_at_the_first_page() -> None:
    given = QueryDict("q=a%26b&sort=name&page=3")
    assert with_values(given) == "q=a%26b&sort=name"
    assert with_values(given, sort="expiry") == "q=a%26b&sort=expiry"
    assert with_values(given, q="", sort="") == ""
