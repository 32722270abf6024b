"""Which due connections a claim takes: the longest-waiting for which there is room.

Most claims find enough among the first that are due. If those are of people or organizations without room, of whom
very many can be due, a claim looks for others by person or by organization, whichever held back more, and only at last
reads everything that is due.
"""

from collections import Counter
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from connections.actions.due_groups import By, First, first_of_groups, next_of_groups
from connections.models import Connection, RateLimitPause
from core.leases import LeasedQuerySet

# How many due connections are read first, and then of how many people or organizations the next ones. Both are at least
# twice what may be audited at once, as those that are audited now count too.
_FIRST, _GROUPS = 64, 64
# How many people or organizations are looked at for that. One counts again in each ten minutes in which some are due.
_STEPS = 500


def choose(now: datetime, most: int | None) -> dict[int, str]:
    """Lock the longest-waiting due connections for which there is room. Returns their names by id."""
    return _Choice(now, most).made()


class _Choice:
    def __init__(self, now: datetime, most: int | None) -> None:
        self._now, self._room, self._chosen = now, _Room(now, most), dict[int, str]()
        self._first, self._groups = (max(count, 2 * settings.AUDITS_AT_ONCE) for count in (_FIRST, _GROUPS))
        self._due = Connection.objects.free(now).filter(disabled=False, next_check_at__lte=now)
        # Skips locked rows instead of waiting.
        self._rows = self._due.exclude(RateLimitPause.holds(now)).select_for_update(
            of=("self",), skip_locked=True, no_key=True
        )

    def made(self) -> dict[int, str]:
        """The chosen connections."""
        if self._room.left > 0 and not self._take_first():
            self._take(self._rows)
        return self._chosen

    def _take_first(self) -> bool:
        """Choose among those that were due first, and then by person or organization. Whether nothing else can be."""
        first, count = self._due.order_by("next_check_at", "pk"), self._first
        self._take(self._rows.filter(pk__in=first.values("pk")[:count]))
        if self._room.left <= 0:
            return True
        read = list(first.values_list("pk", "server", "organization", "identity_id")[:count])
        if len(read) < count:
            return True
        held_back = Counter(by for row in read for by in By if self._room.is_full(by, First(*row)))
        # The kind that held back fewer is looked at only if something was left.
        return any(self._take_next(by) for by in sorted(By, key=held_back.__getitem__, reverse=True))

    def _take(self, rows: LeasedQuerySet[Connection]) -> bool:
        """Choose of these rows while there is room. Whether any was chosen.

        Those of organizations and people without room are not read, so that they hide no others. Each reading chooses
        at least one, or is the last.
        """
        before = len(self._chosen)
        while self._room.left > 0:
            waiting = rows.exclude(self._room.full()).exclude(pk__in=list(self._chosen)).order_by("next_check_at", "pk")
            columns = waiting.values_list("pk", "name", "server", "organization", "identity_id")
            found = list(columns[: self._room.left])
            is_last = len(found) < self._room.left
            self._chosen |= {pk: name for pk, name, *place in found if self._room.take(*place)}
            if is_last:
                break
        return len(self._chosen) > before

    def _take_next(self, by: By) -> bool:
        """Choose the next of each person or organization that has room. Whether nothing else can be chosen."""
        limit = min(self._room.limit(by), settings.AUDITS_AT_ONCE)
        has_taken, is_all = True, False
        while self._room.left > 0 and has_taken and not is_all:
            reached = first_of_groups(by, now=self._now, most=_STEPS)
            groups = [first for first in reached if not self._room.is_full(by, first)][: self._groups]
            rows = next_of_groups(by, [first.pk for first in groups], now=self._now, most=limit)
            has_taken = self._take(self._rows.filter(pk__in=[pk for ids in rows.values() for pk in ids]))
            # Of a group that still has room, all must have been read.
            is_read = all(self._room.is_full(by, first) or len(rows[first.pk]) < limit for first in groups)
            is_all = is_read and len(reached) < _STEPS and len(groups) < self._groups
        return is_all or self._room.left <= 0


class _Room:
    """How many more audits may run at once: in total, per organization and per person."""

    def __init__(self, now: datetime, most: int | None) -> None:
        running = Connection.objects.held(now).order_by()
        self.left = settings.AUDITS_AT_ONCE
        self._places: Counter[tuple[str, str]] = Counter()
        self._people: Counter[str] = Counter()
        for server, organization, person in running.values_list("server", "organization", "identity_id"):
            self._count((server, organization), person)
        self.left = self.left if most is None else min(self.left, most)

    def take(self, server: str, organization: str, person: str) -> bool:
        """Whether there is room for an audit, which is counted then."""
        place = (server, organization)
        has_room = (
            self.left > 0
            and self._places[place] < settings.AUDITS_PER_ORGANIZATION
            and self._people[person] < settings.AUDITS_PER_PERSON
        )
        if has_room:
            self._count(place, person)
        return has_room

    def _count(self, place: tuple[str, str], person: str) -> None:
        self.left -= 1
        self._places[place] += 1
        self._people[person] += 1

    @staticmethod
    def limit(by: By) -> int:
        """How many audits of a person or an organization may run at once."""
        return settings.AUDITS_PER_PERSON if by is By.PERSON else settings.AUDITS_PER_ORGANIZATION

    def is_full(self, by: By, first: First) -> bool:
        """Whether the person or the organization of this connection has no room."""
        count = self._people[first.person] if by is By.PERSON else self._places[first.server, first.organization]
        return count >= self.limit(by)

    def full(self) -> Q:
        """A condition for connections of organizations and people that have no room."""
        people = [person for person, count in self._people.items() if count >= self.limit(By.PERSON)]
        full = Q(identity_id__in=people)
        for (server, organization), count in self._places.items():
            if count >= self.limit(By.ORGANIZATION):
                full |= Q(server=server, organization=organization)
        return full
