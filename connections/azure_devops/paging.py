"""Lists that come in pages: every page until there is no token for another, however short a page is."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from connections.azure_devops import errors
from connections.azure_devops.types import Page

Item = TypeVar("Item")


def every_page(ask: Callable[[str | None], Page[Item]], *, after: str | None = None) -> Iterator[Page[Item]]:
    """Every page, beginning with the one after the token `after`.

    Raises what `ask` raises, and `UnexpectedAnswer` when a token comes a second time: the list would never end.
    """
    continuation, seen = after, {after}
    while True:
        page = ask(continuation)
        yield page
        if page.continuation is None:
            return
        if page.continuation in seen:
            raise errors.UnexpectedAnswer(detail="the same page again")
        continuation = page.continuation
        seen.add(continuation)


def every_item(ask: Callable[[str | None], Page[Item]]) -> tuple[Item, ...]:
    """The whole list or, as an error, nothing of it."""
    return tuple(item for page in every_page(ask) for item in page.items)
