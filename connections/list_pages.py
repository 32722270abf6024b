"""Pages of the lists of credentials. Indexes tell which rows are on a page, and only these are read in full."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.paginator import Page, Paginator
from django.db import connection as database
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Upper

from connections.list_order import Order, order_of
from core.kept_sql import Sql, found_ids, stand_in
from core.storable_text import storable_text

PAGE_SIZE = 25
STEP = 500
Row = TypeVar("Row", bound=NamedTuple)
Item = TypeVar("Item", bound=Model)


@dataclass(frozen=True, slots=True)
class PagedList(Generic[Row]):
    """A list of the rows of a model.

    `row` names the columns that are read, with the id first. `groups` are the rows from worst to best, each a range of
    an index.
    """

    model: type[Model]
    row: Callable[..., Row]
    columns: Sequence[str]
    groups: Callable[[date], Sequence[Q]]

    def worst_first(self, number: str | None, counts: Sequence[int], *, today: date) -> Page[Row]:
        """One page in the order from worst to best; a number out of range is the nearest page.

        `counts` is how many each group has. Within a group, the order is by expiry.
        """
        places: Paginator[Any] = Paginator(range(sum(counts)), PAGE_SIZE)
        page = places.get_page(number)
        ranks = self._ranks(counts, *_places(page), today)
        rows = self._rows(ranks, order_of("expiry", today))
        page.object_list = sorted(rows, key=lambda row: ranks[row[0]])
        return page

    def ordered(self, matching: QuerySet[Any], number: str | None) -> Page[Row]:
        """One page of these rows, which are ordered; a number out of range is the nearest page."""
        ids = matching.values_list("pk", flat=True)
        page: Page[Any] = Paginator(ids, PAGE_SIZE).get_page(number)
        return self._shown(page, _nearest_ids(ids, *_places(page), page.paginator.count))

    def listed(self, ids: Sequence[int], number: str | None) -> Page[Row]:
        """One page of the rows with these ids, in this order; a number out of range is the nearest page.

        A search reads the text of every row, so it runs once for both the count and the order.
        """
        page: Page[Any] = Paginator(ids, PAGE_SIZE).get_page(number)
        return self._shown(page, list(page.object_list))

    def _shown(self, page: Page[Any], ids: Sequence[int]) -> Page[Row]:
        """The page with the rows with these ids. Django takes longer to write their order into the SQL again."""
        place = {pk: index for index, pk in enumerate(ids)}
        page.object_list = sorted(self._rows(place), key=lambda row: place[row[0]])
        return page

    def _ranks(self, counts: Sequence[int], first: int, last: int, today: date) -> dict[int, int]:
        """The rows at these places of the order from worst to best: ids with the rank of their group."""
        everything = self.model._default_manager
        parts = [
            everything.filter(pk__in=self._ids(condition, today, *place)).order_by().values_list("pk", Value(rank))
            for rank, condition, place in _reached(self.groups(today), counts, first, last)
        ]
        return dict(parts[0].union(*parts[1:], all=True)) if parts else {}

    def _ids(self, condition: Q, today: date, first: int, last: int, count: int) -> QuerySet[Any, Any]:
        ordered = self.model._default_manager.filter(condition).order_by(*order_of("expiry", today))
        return _nearest_slice(ordered.values_list("pk", flat=True), first, last, count)

    def _rows(self, ids: Iterable[int], order: Order | None = None) -> Iterator[Row]:
        rows = self.model._default_manager.filter(pk__in=list(ids)).order_by(*order or ())
        return (self.row(*columns) for columns in rows.values_list(*self.columns))


def _places(page: Page[Any]) -> tuple[int, int]:
    first = PAGE_SIZE * (page.number - 1)
    return first, min(first + PAGE_SIZE, page.paginator.count)


def _reached(
    conditions: Sequence[Q], counts: Sequence[int], first: int, last: int
) -> Iterator[tuple[int, Q, tuple[int, int, int]]]:
    """The groups that reach into these places: their rank, which of their rows, and how many they have."""
    begin = 0
    for rank, (condition, count) in enumerate(zip(conditions, counts, strict=True)):
        start, stop = max(first - begin, 0), min(last - begin, count)
        if start < stop:
            yield rank, condition, (start, stop, count)
        begin += count


def _nearest_ids(ids: QuerySet[Any, Any], first: int, last: int, count: int) -> list[int]:
    """The ids at these places, in their order, read from the nearer end."""
    found = list(_nearest_slice(ids, first, last, count))
    return found if _is_nearer_to_front(first, last, count) else found[::-1]


def _nearest_slice(ids: QuerySet[Any, Any], first: int, last: int, count: int) -> QuerySet[Any, Any]:
    """A slice, counted from the nearer end, so that the last rows are read as fast as the first.

    From the other end it is the other way round.
    """
    if _is_nearer_to_front(first, last, count):
        return ids[first:last]
    return ids.reverse()[count - last : count - first]


def _is_nearer_to_front(first: int, last: int, count: int) -> bool:
    return first <= count - last


def with_words(rows: QuerySet[Item], text: str) -> QuerySet[Item]:
    """Those of the rows whose text to search contains every word."""
    for word in storable_text(text).split():
        rows = rows.filter(search_text__contains=Upper(Value(word)))
    return rows


def ids_with_words(find: Callable[..., QuerySet[Any]], filters: Any, *, today: date) -> list[int]:
    """The ids of what `find(filters, today=today)` selects, in its order.

    Without a status it must depend on nothing else. Then its SQL is written once for each number of words.
    """
    if filters.status:
        return list(find(filters, today=today).values_list("pk", flat=True))
    words = {stand_in(place): word for place, word in enumerate(storable_text(filters.q).split())}
    return found_ids(_found_sql(find, replace(filters, q=" ".join(words)), today, database.vendor), words)


@lru_cache(maxsize=128)
def _found_sql(find: Callable[..., QuerySet[Any]], filters: Any, today: date, _vendor: str) -> Sql:
    return find(filters, today=today).values_list("pk", flat=True).query.sql_with_params()


def in_steps(matching: QuerySet[Item], rows: QuerySet[Item]) -> Iterator[list[Item]]:
    """The matching rows in their order, in lists, so that no cursor stays open. `rows` says what is read of them."""
    ids = list(matching.values_list("pk", flat=True))
    for start in range(0, len(ids), STEP):
        chosen = ids[start : start + STEP]
        by_id = rows.in_bulk(chosen)
        yield [by_id[pk] for pk in chosen if pk in by_id]
