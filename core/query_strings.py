"""The queries of links on a page, which keep its search, filters and order."""

from urllib.parse import urlencode

from django.http import QueryDict


def with_values(given: QueryDict, **values: str) -> str:
    """The query of the page with these values, from its first page; empty values are left out."""
    # Without a copy of `given`, which is a deep one: pages have a dozen of these.
    kept = [(name, value) for name, found in given.lists() if name != "page" and name not in values for value in found]
    return urlencode([*kept, *((name, value) for name, value in values.items() if value)])


def with_query(url: str, query: str) -> str:
    """An address with a query, if there is one."""
    return f"{url}?{query}" if query else url
