"""Reads for the token policy page: the latest changes, and how many connections violate the policy."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone

from connections.domain.token_policy import TokenPolicy
from connections.models import Connection, StoredCredential
from connections.providers.credential import NEVER
from connections.reads import RECENT_EVENTS
from history.models import Event


def events() -> QuerySet[Event]:
    """The latest changes of the token policy, newest first."""
    return Event.objects.filter(subject_kind="guardrails").order_by("-at", "-pk")[:RECENT_EVENTS]


@dataclass(frozen=True, slots=True)
class PolicyViolations:
    """How many enabled connections currently violate each rule, whether it warns, refuses or allows."""

    life_too_long: int
    token_reused: int
    date_missing: int


def policy_violations(policy: TokenPolicy) -> PolicyViolations:
    """Count violations, in three queries."""
    enabled = Connection.objects.filter(disabled=False)
    longest = timedelta(days=policy.longest_life_days)
    lifetimes = enabled.exclude(expires_on=None).exclude(expires_on=NEVER).values_list("token_set_at", "expires_on")
    shared = StoredCredential.objects.values("fingerprint").annotate(uses=Count("pk")).filter(uses__gt=1)
    return PolicyViolations(
        life_too_long=sum(
            end - timezone.localdate(start) > longest for start, end in lifetimes.iterator() if end is not None
        ),
        token_reused=enabled.filter(stored_credential__fingerprint__in=shared.values("fingerprint")).count(),
        date_missing=enabled.filter(expires_on=None).count(),
    )
