"""Queries of the pages about people."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from connections import reads
from connections.models import Connection
from people import roles
from people.models import Session

PAGE_SIZE = 25
STATES = (("active", "Active"), ("inactive", "Inactive"), ("leaving", "Inactive, owns connections"))


@dataclass(frozen=True, slots=True)
class Filters:
    """Search and filters; empty means everyone."""

    q: str = ""
    role: str = ""
    state: str = ""


def people() -> QuerySet[User]:
    """Everyone, with the number of their connections and their groups prefetched."""
    users = User.objects.annotate(owned=Count("connections", distinct=True))
    return users.prefetch_related("groups").order_by("-is_active", "username")


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
        users = users.filter(connections__isnull=False)
    return Paginator(users, PAGE_SIZE).get_page(number)


def count_inactive_owners() -> int:
    """How many inactive people still own connections."""
    return User.objects.filter(is_active=False, connections__isnull=False).distinct().count()


def connections_of(user: User) -> QuerySet[Connection]:
    """The connections that a person owns."""
    return Connection.objects.filter(owner=user)


def count_connections(user: User) -> int:
    """How many connections a person owns."""
    return connections_of(user).count()


def sessions_of(user: User, *, now: datetime) -> QuerySet[Session]:
    """A person's sessions that have not expired, the most recently used first."""
    return Session.objects.filter(user_id=user.pk, expire_date__gt=now).order_by("-seen_at", "-signed_in_at")


def possible_owners(besides: User) -> QuerySet[User]:
    """People who may own connections, except this one."""
    return reads.possible_owners().exclude(pk=besides.pk)
