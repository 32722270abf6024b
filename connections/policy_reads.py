"""What the page of the token policy reads: its latest changes, and how many connections violate it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone

from connections.domain.token_policy import TokenPolicy
from connections.models import Connection, StoredCredential
from connections.reads import RECENT_EVENTS
from history.models import Event


def events() -> QuerySet[Event]:
    """The latest changes of the token policy, newest first."""
    return Event.objects.filter(subject_kind="guardrails").order_by("-at", "-pk")[:RECENT_EVENTS]


@dataclass(frozen=True, slots=True)
class PolicyViolations:
    """How many enabled connections violate each rule of the token policy now, whether it warns, refuses or allows."""

    life_too_long: int
    token_reused: int
    date_missing: int


def policy_violations(rails: TokenPolicy) -> PolicyViolations:
    """Counted in three queries."""
    enabled = Connection.objects.filter(disabled=False)
    longest = timedelta(days=rails.longest_life_days)
    born_and_end = enabled.exclude(expires_on=None).values_list("token_set_at", "expires_on")
    shared = StoredCredential.objects.values("fingerprint").annotate(uses=Count("pk")).filter(uses__gt=1)
    return PolicyViolations(
        life_too_long=sum(
            end - timezone.localdate(born) > longest for born, end in born_and_end.iterator() if end is not None
        ),
        token_reused=enabled.filter(stored_credential__fingerprint__in=shared.values("fingerprint")).count(),
        date_missing=enabled.filter(expires_on=None).count(),
    )
