"""What the pages about people read."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from connections.models import Connection
from people import roles
from people.models import Session

PAGE_SIZE = 25
STATES = (("active", "Active"), ("inactive", "Inactive"), ("leaving", "Inactive, owns connections"))


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; empty means everybody."""

    q: str = ""
    role: str = ""
    state: str = ""


def people() -> QuerySet[User]:
    """Everybody, each with the number of connections and with roles at hand."""
    counted = User.objects.annotate(owned=Count("connections", distinct=True))
    return counted.prefetch_related("groups").order_by("-is_active", "username")


def page_of_people(filters: Filters, number: str | None) -> Page[User]:
    """One page; a number out of range is the nearest page."""
    found = people()
    for word in filters.q.split():
        named = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        found = found.filter(Q(username__icontains=word) | Q(email__icontains=word) | named)
    if filters.role == "none":
        found = found.filter(is_superuser=False).exclude(groups__name__in=roles.BY_NAME)
    elif filters.role == roles.ADMINISTRATOR:
        found = found.filter(Q(is_superuser=True) | Q(groups__name=filters.role))
    elif filters.role:
        found = found.filter(groups__name=filters.role, is_superuser=False)
    if filters.state:
        found = found.filter(is_active=filters.state == "active")
    if filters.state == "leaving":
        found = found.filter(connections__isnull=False)
    return Paginator(found, PAGE_SIZE).get_page(number)


def owners_who_left() -> int:
    """How many inactive people still own connections."""
    return User.objects.filter(is_active=False, connections__isnull=False).distinct().count()


def connections_of(user: User) -> QuerySet[Connection]:
    """What a person owns."""
    return Connection.objects.filter(owner=user)


def sessions_of(user: User, *, now: datetime) -> QuerySet[Session]:
    """Where a person is signed in, last used first."""
    return Session.objects.filter(user_id=user.pk, expire_date__gt=now).order_by("-seen_at", "-signed_in_at")


def possible_owners(besides: User) -> QuerySet[User]:
    """Who may take over connections: active people who may update tokens by their role, and superusers."""
    able = Q(groups__permissions__codename="rotate_connection") | Q(is_superuser=True)
    able |= Q(user_permissions__codename="rotate_connection")
    return User.objects.filter(able, is_active=True).exclude(pk=besides.pk).distinct().order_by("username")
