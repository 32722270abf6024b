"""Queries of the pages about people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import CharField, Count, Exists, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower

from connections import reads
from connections.list_pages import in_steps, with_words
from connections.models import Connection, RegisterEntry
from people import roles
from people.models import Session

PAGE_SIZE = 25
STATES = (("active", "Active"), ("inactive", "Inactive"), ("leaving", "Inactive, still an owner"))


@dataclass(frozen=True, slots=True)
class Filters:
    """Search and filters; empty means everyone."""

    q: str = ""
    role: str = ""
    state: str = ""


def people() -> QuerySet[User]:
    """Everyone, with the numbers of their connections and entries, and their groups prefetched."""
    users = User.objects.annotate(owned=_count_of(Connection), owned_entries=_count_of(RegisterEntry))
    return users.prefetch_related("groups").order_by("-is_active", "username")


def _count_of(model: type[Model]) -> Coalesce:
    # Subqueries: joined, every connection of a person would be combined with every entry.
    owned = model._default_manager.filter(owner=OuterRef("pk")).order_by().values("owner")
    return Coalesce(Subquery(owned.annotate(count=Count("*")).values("count")), 0)


def _owns_something() -> Q:
    connections, entries = Connection.objects.order_by(), RegisterEntry.objects.order_by()
    return Q(Exists(connections.filter(owner=OuterRef("pk")))) | Q(Exists(entries.filter(owner=OuterRef("pk"))))


def person(user_id: int) -> User | None:
    """One person with their groups prefetched; None if there is none."""
    return User.objects.prefetch_related("groups").filter(pk=user_id).first()


def page_of_people(filters: Filters, number: str | None) -> Page[User]:
    """One page; a number out of range gives the nearest page."""
    users = people()
    for word in filters.q.split():
        in_name = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        users = users.filter(Q(username__icontains=word) | Q(email__icontains=word) | in_name)
    if filters.role == "none":
        users = users.filter(is_superuser=False).exclude(groups__name__in=roles.BY_NAME)
    elif filters.role == roles.ADMINISTRATOR:
        users = users.filter(Q(is_superuser=True) | Q(groups__name=filters.role))
    elif filters.role:
        users = users.filter(groups__name=filters.role, is_superuser=False)
    if filters.state:
        users = users.filter(is_active=filters.state == "active")
    if filters.state == "leaving":
        users = users.filter(_owns_something())
    return Paginator(users, PAGE_SIZE).get_page(number)


def count_inactive_owners() -> int:
    """How many inactive people still own connections or entries of the register."""
    return User.objects.filter(_owns_something(), is_active=False).count()


@dataclass(frozen=True, slots=True)
class OwnedCounts:
    """How many connections and entries of the register a person owns."""

    connections: int
    entries: int

    @property
    def total(self) -> int:
        """Both."""
        return self.connections + self.entries

    @property
    def in_words(self) -> str:
        """As in "2 connections and 1 credential"; what there is none of is left out."""
        parts = ((self.connections, "connection"), (self.entries, "credential"))
        words = [f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in parts if count]
        return " and ".join(words) or "0 connections"


class Owned(NamedTuple):
    """A connection or an entry of the register. `box` is the name of its boxes on the page of its owner."""

    box: str
    id: int
    name: str
    organization: str
    folded: str


def connections_of(user: User) -> QuerySet[Connection]:
    """The connections that a person owns."""
    return Connection.objects.filter(owner=user)


def entries_of(user: User) -> QuerySet[RegisterEntry]:
    """The entries of the register that a person owns."""
    return RegisterEntry.objects.filter(owner=user)


def count_owned(user: User, text: str = "") -> OwnedCounts:
    """How many a person owns whose text contains these words."""
    connections, entries = with_words(connections_of(user), text), with_words(entries_of(user), text)
    return OwnedCounts(connections.count(), entries.count())


def page_of_owned(user: User, text: str, number: str | None, *, total: int) -> Page[Owned]:
    """One page of what a person owns and whose text contains these words, by name. `total` is how much that is."""
    connections = _columns(with_words(connections_of(user), text), "connections")
    both = connections.union(_columns(with_words(entries_of(user), text), "entries"), all=True)
    paginator: Paginator[Any] = Paginator(both.order_by("folded", "box", "id"), PAGE_SIZE)
    # Counted already, and counting both at once would read their names.
    paginator.count = total
    page = paginator.get_page(number)
    page.object_list = [Owned(*columns) for columns in page.object_list]
    return page


def _columns(rows: QuerySet[Any], box: str) -> QuerySet[Any, Any]:
    named = rows.order_by().annotate(box=Value(box, output_field=CharField()), folded=Lower("name"))
    columns: QuerySet[Any, Any] = named.values_list(*Owned._fields)
    return columns


def every_connection_of(user: User, text: str) -> Iterator[Connection]:
    """All connections of a person whose text contains these words, read in steps."""
    steps = in_steps(with_words(connections_of(user), text), connections_of(user))
    return chain.from_iterable(steps)


def every_entry_of(user: User, text: str) -> Iterator[RegisterEntry]:
    """All entries of a person whose text contains these words, read in steps."""
    return chain.from_iterable(in_steps(with_words(entries_of(user), text), entries_of(user)))


def sessions_of(user: User, *, now: datetime) -> QuerySet[Session]:
    """A person's sessions that have not expired, the most recently used first."""
    return Session.objects.filter(user_id=user.pk, expire_date__gt=now).order_by("-seen_at", "-signed_in_at")


def possible_owners(besides: User) -> QuerySet[User]:
    """People who may own connections, except this one."""
    return reads.possible_owners().exclude(pk=besides.pk)
