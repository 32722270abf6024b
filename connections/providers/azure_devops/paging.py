"""Lists that come in pages: every page until there is no token for another, however short a page is, within bounds.

A server may name another page for ever. So a list ends after so many pages and so much time, and then says that it is
not complete: it raises `ListIncomplete` after the last page that was read. What stands on two pages is counted once.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.deadlines import deadline
from connections.providers.azure_devops.models import Page

Item = TypeVar("Item")
MOST_PAGES = 1000


def _id_of(item: object) -> Hashable:
    found: Hashable = getattr(item, "id", item)
    return found


def every_page(
    ask: Callable[[str | None], Page[Item]],
    *,
    seconds: float,
    after: str | None = None,
    most: int | None = None,
    key: Callable[[Item], Hashable] = _id_of,
) -> Iterator[Page[Item]]:
    """Every page, beginning with the one after the token `after`; each item on the first page that it stands on.

    `key` tells items apart, without it their id. Raises what `ask` raises, `UnexpectedAnswer` when a token comes a
    second time, and `ListIncomplete` when there is more than may be read within `seconds`, or than `most` pages
    (MOST_PAGES). That comes last, so whoever catches it has everything that was read.
    """
    most = MOST_PAGES if most is None else most
    ends_at = time.monotonic() + seconds
    continuation, tokens, known = after, {after}, set[Hashable]()
    # The page that gave `after` is one of the list, too.
    for number in range(0 if after is None else 1, most):
        page = _page_in_time(ask, continuation, ends_at, is_first=number == 0)
        yield replace(page, items=_new_items(page.items, key, known))
        if page.continuation is None:
            return
        if page.continuation in tokens:
            raise errors.UnexpectedAnswer(detail="the same page again")
        continuation = page.continuation
        tokens.add(continuation)
        if time.monotonic() >= ends_at:
            raise errors.ListIncomplete(detail=f"more than can be read in {seconds:g} seconds")
    raise errors.ListIncomplete(detail=f"more than {most} pages")


def _page_in_time(
    ask: Callable[[str | None], Page[Item]], continuation: str | None, ends_at: float, *, is_first: bool
) -> Page[Item]:
    try:
        with deadline(ends_at):
            return ask(continuation)
    except errors.TimedOut:
        # Of a list of which nothing came there is nothing to show.
        if is_first or time.monotonic() < ends_at:
            raise
    raise errors.ListIncomplete(detail="the time for the whole list is over")


def _new_items(items: Iterable[Item], key: Callable[[Item], Hashable], known: set[Hashable]) -> tuple[Item, ...]:
    """Those that are on no page before, as this one says last what they are; `known` learns them."""
    by_key = {key(item): item for item in items}
    found = tuple(item for name, item in by_key.items() if name not in known)
    known.update(by_key)
    return found


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """What was read of a list. Where it is not `complete` there are more pages, which were not read.

    `left_out` counts the items that could not be read.
    """

    items: tuple[Item, ...]
    complete: bool = True
    left_out: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything of the list is here, so that what is not here is not there."""
        return self.complete and not self.left_out


class _Reading(Generic[Item]):
    """What was read of a list so far."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.left_out = 0
        self.pages = 0

    def take(self, page: Page[Item]) -> None:
        self.items += page.items
        self.left_out += page.left_out
        self.pages += 1

    def end(self, *, complete: bool = True) -> Listed[Item]:
        return Listed(tuple(self.items), complete, self.left_out)


def read_all(pages: Iterable[Page[Item]]) -> Listed[Item]:
    """As much of a list as may be read. Raises what went wrong, and then there is nothing of it."""
    reading: _Reading[Item] = _Reading()
    try:
        for page in pages:
            reading.take(page)
    except errors.ListIncomplete:
        return reading.end(complete=False)
    return reading.end()


def read_in_parts(
    ids: Iterable[int], ask: Callable[[Sequence[int], str | None], Page[Item]], *, size: int, seconds: float
) -> Listed[Item]:
    """As much as may be read of the things with these ids, of which `size` fit into one address.

    `ask` gets some of the ids and the token of the page before. The bounds are those of one list.
    """
    wanted = list(dict.fromkeys(ids))
    ends_at = time.monotonic() + seconds
    reading: _Reading[Item] = _Reading()
    for start in range(0, len(wanted), size):
        left, most = ends_at - time.monotonic(), MOST_PAGES - reading.pages
        if reading.pages and (left <= 0 or most <= 0):
            return reading.end(complete=False)
        try:
            for page in every_page(partial(ask, wanted[start : start + size]), seconds=left, most=most):
                reading.take(page)
        except (errors.ListIncomplete, errors.TimedOut) as error:
            if isinstance(error, errors.TimedOut) and (not reading.pages or time.monotonic() < ends_at):
                raise
            return reading.end(complete=False)
    return reading.end()
