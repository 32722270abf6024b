"""Reads of a connection's events, for pages and programs."""

from datetime import date

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from connections.models import Connection
from history.days import end_of, start_of
from history.models import Event
from history.queries import Filters, events

EVENTS_PER_PAGE = 50


def events_of(connection: Connection) -> QuerySet[Event]:
    """A connection's events, newest first."""
    return Event.objects.filter(subject_kind="connection", subject_id=connection.pk)


def filtered_events(
    connection: Connection,
    *,
    kind: str = "",
    actor: str = "",
    since: date | None = None,
    until: date | None = None,
    by_people: bool = False,
) -> QuerySet[Event]:
    """A connection's events that match, newest first. `until` is the last day; days are in the site's time zone."""
    return events(
        Filters(
            kind=kind,
            actor_name=actor,
            subject_kind="connection",
            subject_ids=(connection.pk,),
            since=start_of(since) if since else None,
            until=end_of(until) if until else None,
            by_people=by_people,
        )
    )


def page_of_events(matching: QuerySet[Event], number: str | None) -> Page[Event]:
    """One page of these events."""
    return Paginator(matching, EVENTS_PER_PAGE).get_page(number)


def kinds_of_events(connection: Connection) -> list[str]:
    """The kinds of events that a connection has."""
    return list(events_of(connection).order_by("kind").values_list("kind", flat=True).distinct())


def actors_of_events(connection: Connection) -> list[str]:
    """Who acted on a connection, by name."""
    return list(events_of(connection).order_by("actor_name").values_list("actor_name", flat=True).distinct())
