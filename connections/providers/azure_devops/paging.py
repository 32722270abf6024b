"""Read paged lists until there is no continuation token, within limits of pages and time.

At a limit, `ListIncomplete` is raised after the last page that was read, because a server may continue for ever. Items
that occur on two pages are returned once.
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
    key: Hashable = getattr(item, "id", item)
    return key


def every_page(
    ask: Callable[[str | None], Page[Item]],
    *,
    seconds: float,
    after: str | None = None,
    most: int | None = None,
    key: Callable[[Item], Hashable] = _id_of,
) -> Iterator[Page[Item]]:
    """Every page, starting after the continuation token `after`, without items of earlier pages.

    `key` identifies items, by default their id. Raises the errors of `ask`, `UnexpectedAnswer` for a repeated token,
    and `ListIncomplete` if there is more than can be read within `seconds` and `most` pages (MOST_PAGES). The latter
    comes after the last page, so callers that catch it have everything that was read.
    """
    most = MOST_PAGES if most is None else most
    ends_at = time.monotonic() + seconds
    continuation, tokens, known = after, {after}, set[Hashable]()
    # The page that returned `after` counts as well.
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
        # Without any page, there is nothing to show.
        if is_first or time.monotonic() < ends_at:
            raise
    raise errors.ListIncomplete(detail="the time for the whole list is over")


def _new_items(items: Iterable[Item], key: Callable[[Item], Hashable], known: set[Hashable]) -> tuple[Item, ...]:
    """The items that were on no earlier page; adds them to `known`."""
    by_key = {key(item): item for item in items}
    new = tuple(item for name, item in by_key.items() if name not in known)
    known.update(by_key)
    return new


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """The items read from a list. If it is not `complete`, there are more pages.

    `left_out` counts unreadable items.
    """

    items: tuple[Item, ...]
    complete: bool = True
    left_out: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the list is complete, so that other items do not exist."""
        return self.complete and not self.left_out


class _Reading(Generic[Item]):
    """Collects the pages of a list."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.left_out = 0
        self.pages = 0

    def add(self, page: Page[Item]) -> None:
        self.items += page.items
        self.left_out += page.left_out
        self.pages += 1

    def end(self, *, complete: bool = True) -> Listed[Item]:
        return Listed(tuple(self.items), complete, self.left_out)


def read_all(pages: Iterable[Page[Item]]) -> Listed[Item]:
    """Read as much of a list as the limits allow. Raises other errors."""
    reading: _Reading[Item] = _Reading()
    try:
        for page in pages:
            reading.add(page)
    except errors.ListIncomplete:
        return reading.end(complete=False)
    return reading.end()


def read_in_parts(
    ids: Iterable[int], ask: Callable[[Sequence[int], str | None], Page[Item]], *, size: int, seconds: float
) -> Listed[Item]:
    """Read the items with these ids, `size` per request, within the limits of one list.

    `ask` gets some of the ids, and the continuation token of the previous page.
    """
    unique_ids = list(dict.fromkeys(ids))
    ends_at = time.monotonic() + seconds
    reading: _Reading[Item] = _Reading()
    for start in range(0, len(unique_ids), size):
        left, most = ends_at - time.monotonic(), MOST_PAGES - reading.pages
        if reading.pages and (left <= 0 or most <= 0):
            return reading.end(complete=False)
        try:
            for page in every_page(partial(ask, unique_ids[start : start + size]), seconds=left, most=most):
                reading.add(page)
        except (errors.ListIncomplete, errors.TimedOut) as error:
            if isinstance(error, errors.TimedOut) and (not reading.pages or time.monotonic() < ends_at):
                raise
            return reading.end(complete=False)
    return reading.end()
