"""What pages read of renewals: what is pending, and what Azure DevOps said about a stored token."""

from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import F, Q

from connections.domain.renewal import PENDING
from connections.models import Connection, KnownToken, Renewal, StoredCredential, TokenExtension
from core.storable_text import storable_text

RENEWALS_PER_PAGE = 25


def renewal(pk: int) -> Renewal | None:
    """One renewal with its connection."""
    return Renewal.objects.filter(pk=pk).select_related("connection").first()


def is_running(row: Renewal | TokenExtension, *, now: datetime) -> bool:
    """Whether a request is working on it."""
    return type(row).objects.held(now).filter(pk=row.pk).exists()


def pending_of(connection: Connection) -> list[Renewal]:
    """The renewals of a connection of which something remains to be done, oldest first."""
    return list(Renewal.objects.filter(connection=connection, state__in=PENDING).order_by("pk"))


def page_of_renewals(words: str, number: str | None) -> Page[Renewal]:
    """One page of the renewals that contain these words, those with something to do first."""
    rows = Renewal.objects.order_by(F("ended_at").desc(nulls_first=True), "-started_at", "-pk")
    for word in storable_text(words).split():
        owner = Q(identity_name__icontains=word) | Q(identity_account__icontains=word)
        rows = rows.filter(owner | Q(connection_name__icontains=word) | Q(organization__icontains=word))
    return Paginator(rows, RENEWALS_PER_PAGE).get_page(number)


def known_token(connection: Connection) -> KnownToken | None:
    """What Azure DevOps said about the stored token; None if it was not asked."""
    stored = StoredCredential.objects.filter(connection=connection).values("fingerprint")
    return KnownToken.objects.filter(fingerprint__in=stored).first()


def extension_of(connection: Connection) -> TokenExtension | None:
    """The extension of the stored token that was not answered; None if there is none."""
    stored = StoredCredential.objects.filter(connection=connection).values("fingerprint")
    return TokenExtension.objects.filter(fingerprint__in=stored).first()
