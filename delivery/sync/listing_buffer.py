"""What lists showed and what is not written yet. A transaction for each project takes longer than writing its rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from delivery.sync.upsert import Listing, newest_repository

MOST_PROJECTS = 25
MOST_REPOSITORIES = 1_000
# Since the first of them was asked for. It is looked at after each listing, so a slow one adds its own time.
LONGEST_WAIT = timedelta(seconds=0.5)


def size_of(listing: Listing) -> int:
    """How many repositories a listing counts as. Even an empty one counts, so that not too many projects wait."""
    listed = 0 if listing.found is None else len(listing.found.items)
    return max(listed, MOST_REPOSITORIES // MOST_PROJECTS)


class Writer(Protocol):
    """Writes some listings. `at` is when the first of them was asked for, `newest` a repository stored before that."""

    def __call__(self, listings: list[Listing], *, at: datetime, newest: int) -> None:
        """Write them all or none."""


class ListingBuffer:
    """Listings that are written together: as soon as there are many, or the first was asked for a while ago."""

    def __init__(self, write: Writer, clock: Callable[[], datetime]) -> None:
        self._write = write
        self._clock = clock
        self._listings: list[Listing] = []
        # Before the first list is asked for: those that are read while others are written lack what was stored since.
        self._newest = newest_repository()

    def add(self, listing: Listing) -> None:
        """Keep a listing, and write what there is if it is time."""
        self._listings.append(listing)
        if self._is_time():
            self.write()

    def write(self) -> None:
        """Write what there is. It is not kept if that fails: what is not written is listed again."""
        listings, self._listings = self._listings, []
        if listings:
            self._write(listings, at=listings[0].asked_at, newest=self._newest)

    def _is_time(self) -> bool:
        waited = self._clock() - self._listings[0].asked_at
        return sum(map(size_of, self._listings)) >= MOST_REPOSITORIES or waited >= LONGEST_WAIT
