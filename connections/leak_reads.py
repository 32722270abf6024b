"""What pages read of leaked tokens: the declarations, where a token was used, and what was done with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from connections.models import Connection, Consumer, LeakedToken, RegisterEntry, StoredCredential
from connections.old_tokens import OldToken
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES
from core.storable_text import storable_text
from history.days import end_of, start_of
from history.models import Event
from history.queries import Filters, events

LEAKS_PER_PAGE = 25
MOST_EVENTS = 1000


def shown_to(user: AbstractBaseUser | AnonymousUser) -> QuerySet[LeakedToken]:
    """The declarations that this person may see."""
    return shown(with_entries=isinstance(user, PermissionsMixin) and user.has_perm("connections.view_registerentry"))


def shown(*, with_entries: bool) -> QuerySet[LeakedToken]:
    """The declarations. Those of register entries, which name no server, need the permission to see the register."""
    declared = LeakedToken.objects.select_related("entry")
    return declared if with_entries else declared.exclude(server="")


def page_of_leaks(leaks: QuerySet[LeakedToken], words: str, number: str | None) -> Page[LeakedToken]:
    """One page of those of the declarations that contain these words, newest first."""
    return Paginator(with_words(leaks, words), LEAKS_PER_PAGE).get_page(number)


def with_words(leaks: QuerySet[LeakedToken], words: str) -> QuerySet[LeakedToken]:
    """Those of the declarations that contain these words."""
    for word in storable_text(words).split():
        owner = Q(identity_name__icontains=word) | Q(identity_account__icontains=word)
        leaks = leaks.filter(owner | Q(organization__icontains=word) | Q(declared_by__icontains=word))
    return leaks


def leak_of(connection: Connection) -> LeakedToken | None:
    """The declaration of the token that this connection stores."""
    stored = StoredCredential.objects.filter(connection=connection).values("fingerprint")
    return LeakedToken.objects.filter(fingerprint__in=stored).first()


@dataclass(frozen=True, slots=True)
class Use:
    """A connection that stored the token, as it was then and as it is now.

    `connection` is None if it was disconnected. `is_stopped` says that it waits for another token.
    """

    name: str
    organization: str
    was_replaced: bool
    connection: Connection | None
    is_stopped: bool
    granted: tuple[str, ...]
    unknown: tuple[str, ...]


def uses_of(leak: LeakedToken) -> list[Use]:
    """The connections that stored the token, also those that were given it during the declaration."""
    stopped = {connection.pk: connection for connection in _storing(leak)}
    known = {user["id"]: user for user in leak.connections}
    there = Connection.objects.in_bulk(known) | stopped
    late = [pk for pk in stopped if pk not in known]
    recorded = [
        Use(
            name=there[pk].name if pk in there else user["name"],
            organization=user["organization"],
            was_replaced=user["replaced"],
            connection=there.get(pk),
            is_stopped=pk in stopped,
            granted=_names(user["verdicts"], Verdict.GRANTED),
            unknown=_names(user["verdicts"], Verdict.UNKNOWN),
        )
        for pk, user in known.items()
    ]
    return recorded + [Use(there[pk].name, there[pk].organization, False, there[pk], True, (), ()) for pk in late]


def _storing(leak: LeakedToken) -> Iterable[Connection]:
    return Connection.objects.filter(stored_credential__fingerprint=leak.fingerprint)


def _names(verdicts: dict[str, str], verdict: Verdict) -> tuple[str, ...]:
    return tuple(known.short_name for key, known in CAPABILITIES.items() if verdicts.get(key) == verdict)


def consumers_of(leak: LeakedToken, uses: Iterable[Use]) -> list[Consumer]:
    """What is recorded to use the token: pipelines and services of the connections, or of the entry."""
    ids = [use.connection.pk for use in uses if use.connection]
    of_entry = Q(entry=leak.entry_id) if leak.entry_id else Q(pk=None)
    found = Consumer.objects.filter(Q(connection__in=ids) | of_entry).select_related("connection")
    return list(found.order_by("name", "pk"))


def leak_of_entry(entry: RegisterEntry) -> LeakedToken | None:
    """The declaration of the credential that this entry is about now, not of one before it was renewed."""
    return next((leak for leak in entry.leaks.all() if leak.declared_at >= entry.credential_since), None)


def old_token_of(leak: LeakedToken, uses: Sequence[Use]) -> OldToken:
    """Whose token it is, and which connections wait for another."""
    waiting = tuple(use.connection for use in uses if use.is_stopped and use.connection)
    return OldToken(leak.identity_name, leak.identity_account, leak.server, leak.organization, waiting)


def done_with(leak: LeakedToken, *, since: date, until: date) -> list[Event]:
    """What people did with the connections of the token in these days, newest first; one more than are shown."""
    ids = tuple(user["id"] for user in leak.connections)
    filters = Filters(
        subject_kind="connection", subject_ids=ids, since=start_of(since), until=end_of(until), by_people=True
    )
    return list(events(filters)[: MOST_EVENTS + 1])
