"""The queries of links on a page, which keep its search, filters and order."""

from django.http import QueryDict


def with_values(given: QueryDict, **values: str) -> str:
    """The query of the page with these values, from its first page; empty values are left out."""
    changed = given.copy()
    changed.pop("page", None)
    for name, value in values.items():
        changed.pop(name, None)
        if value:
            changed[name] = value
    return changed.urlencode()


def with_query(url: str, query: str) -> str:
    """An address with a query, if there is one."""
    return f"{url}?{query}" if query else url
