"""Enforce the token policy for every token, on pages and in commands alike; and change the policy."""

from dataclasses import asdict
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from connections import input_rules
from connections.actions import versions
from connections.actions.refusals import CannotChange, Refused, refusing_invalid_input
from connections.actions.verify_credential import token_in_use
from connections.domain import token_policy
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule, TokenPolicy, Violation
from connections.models import StoredTokenPolicy
from connections.providers.credential import Credential
from history.record import Actor, record


def violations_of(
    *,
    expires_on: date | None,
    now: datetime,
    token: Credential | None = None,
    besides: int | None = None,
    born_on: date | None = None,
) -> list[Violation]:
    """Which rules a token violates. `besides` is the connection whose own token does not count as reuse."""
    return token_policy.violations(
        StoredTokenPolicy.now(),
        born_on=born_on or timezone.localdate(now),
        expires_on=expires_on,
        reused=token is not None and token_in_use(token, besides=besides),
    )


def reuse_violations(token: Credential, *, besides: int | None = None) -> list[Violation]:
    """The violation of using one token twice, if the policy does not allow it."""
    today = timezone.localdate()
    found = violations_of(expires_on=today, now=timezone.now(), token=token, besides=besides)
    return [violation for violation in found if violation.code == "token_reused"]


def enforce(found: list[Violation], refusal: type[Refused]) -> list[Violation]:
    """The violations that only warn. Raises `refusal` for the first that is refused."""
    for violation in found:
        if violation.rule is Rule.REFUSE:
            problem = catalogue.problem(violation.code)
            raise refusal(problem.code, f"{problem.title}. {problem.next_step}", field=violation.field)
    return found


def set_token_policy(wished: TokenPolicy, *, by: Actor, now: datetime, drawn_from: str | None = None) -> bool:
    """Change the token policy. Returns whether anything changed; saying the same twice records it once.

    `drawn_from` is the version that the form carries. Raises `CannotChange`.
    """
    with refusing_invalid_input(CannotChange):
        input_rules.longest_life(wished.longest_life_days)
    with transaction.atomic():
        stored = StoredTokenPolicy.locked()
        versions.require_unchanged_policy(stored.rails(), wished, drawn_from, refusal=CannotChange)
        before, after = asdict(stored.rails()), asdict(wished)
        differing = [name for name in after if before[name] != after[name]]
        changed = {name: {"before": before[name], "after": after[name]} for name in differing}
        if changed:
            stored.take(wished)
            stored.save()
            record("guardrails.changed", stored, by=by, at=now, detail=changed)
    return bool(changed)
